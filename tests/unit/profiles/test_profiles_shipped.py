"""The profiles that are shipped, and files of one's own."""

import re
from pathlib import Path

import pytest

from halfopen.errors import InputError, UnsupportedError
from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.ruleset import compile_rules
from halfopen.model.topology import Interface
from halfopen.profiles import ASSUMED, CONFIDENCES, MiddleboxValues, all_profiles, load_profile
from halfopen.sections import keys_of

AT = Attachment(Interface("left", "198.18.1.2", 24, "a"), Interface("right", "198.18.2.1", 24, "b"))

# name: idle timeout, on expiry, late packet, half open, half closed, proxy; as the makers give them
DECIDES: dict[str, tuple[float | None, str, str, float, float, bool]] = {
    "alibaba-clb": (900.0, "silent", "drop", 30.0, 120.0, False),
    "aws-classic-lb": (60.0, "fin", "drop", 30.0, 120.0, True),
    "aws-gwlb": (350.0, "silent", "drop", 30.0, 350.0, False),
    "aws-nat-gateway": (350.0, "silent", "rst inside sender", 30.0, 350.0, False),
    "aws-network-firewall": (350.0, "silent", "drop", 30.0, 120.0, False),
    "aws-nlb-tcp": (350.0, "silent", "rst sender", 30.0, 120.0, False),
    "aws-nlb-tls": (350.0, "silent", "rst sender", 30.0, 120.0, True),
    "azure-firewall-east-west": (300.0, "silent", "drop", 30.0, 120.0, False),
    "azure-firewall-north-south": (240.0, "rst both", "drop", 30.0, 120.0, False),
    "azure-lb": (240.0, "silent", "drop", 30.0, 120.0, False),
    "azure-nat-gateway": (240.0, "silent", "rst inside sender", 30.0, 120.0, False),
    "calico-ebpf": (3600.0, "silent", "drop", 20.0, 30.0, False),
    "carrier-nat": (240.0, "silent", "drop", 30.0, 120.0, False),
    "check-point": (3600.0, "silent", "drop", 25.0, 20.0, False),
    "cisco-asa": (3600.0, "silent", "drop", 30.0, 600.0, False),
    "ec2-nitro-v6": (350.0, "silent", "drop", 30.0, 120.0, False),
    "ec2-security-group": (432000.0, "silent", "drop", 30.0, 120.0, False),
    "envoy": (3600.0, "fin", "drop", 30.0, 120.0, True),
    "f5-fastl4": (300.0, "rst both", "rst sender", 30.0, 120.0, False),
    "fortigate": (3600.0, "silent", "drop", 10.0, 120.0, False),
    "gcp-cloud-nat": (1200.0, "silent", "drop", 30.0, 30.0, False),
    "gcp-passthrough-lb": (600.0, "silent", "readmit from anywhere", 30.0, 120.0, False),
    "gcp-passthrough-lb-external": (60.0, "silent", "readmit from anywhere", 30.0, 120.0, False),
    "gcp-vpc": (600.0, "silent", "readmit from inside", 30.0, 120.0, False),
    "haproxy": (None, "fin", "drop", 30.0, 120.0, True),
    "huawei-elb": (300.0, "silent", "drop", 30.0, 120.0, False),
    "ipvs": (900.0, "silent", "rst sender", 60.0, 60.0, False),
    "juniper-srx": (1800.0, "silent", "drop", 30.0, 120.0, False),
    "kube-proxy-iptables": (86400.0, "silent", "drop", 120.0, 3600.0, False),
    "linux-conntrack": (432000.0, "silent", "readmit from inside", 120.0, 60.0, False),
    "nginx-stream": (600.0, "fin", "drop", 30.0, 120.0, True),
    "openwrt": (7440.0, "silent", "readmit from inside", 120.0, 60.0, False),
    "palo-alto": (3600.0, "silent", "drop", 5.0, 120.0, False),
    "pf": (86400.0, "silent", "drop", 120.0, 900.0, False),
    "pf-aggressive": (18000.0, "silent", "drop", 30.0, 60.0, False),
    "pf-conservative": (432000.0, "silent", "drop", 3600.0, 3600.0, False),
    "rfc5382": (7440.0, "silent", "drop", 240.0, 240.0, False),
}


def test_all_profiles_with_what_decides() -> None:
    found = {
        name: (
            p.values.idle_timeout,
            p.values.on_expiry,
            p.values.late_packet,
            p.values.half_open,
            p.values.half_closed,
            p.values.terminates_tcp,
        )
        for name, p in all_profiles().items()
        if isinstance(p.values, MiddleboxValues)
    }
    assert found == DECIDES


def test_a_default_is_only_ever_assumed() -> None:
    """What a profile leaves out is not passed off as its maker's."""
    for profile in all_profiles().values():
        for key, source in profile.sources.items():
            if source["source"] == ASSUMED:
                assert source["confidence"] == "unverified"
                field = MiddleboxValues.model_fields[key.replace(" ", "_")]
                assert getattr(profile.values, key.replace(" ", "_")) == field.default


def test_a_proxy_is_refused_with_the_reason() -> None:
    proxies = [p for p in all_profiles().values() if p.values.model_dump()["terminates_tcp"]]
    assert len(proxies) == 5
    for profile in proxies:
        with pytest.raises(UnsupportedError, match="answers keepalive probes by itself"):
            compile_rules(profile.values.model_dump(mode="json"), AT)


def test_a_small_table_is_refused_by_conntrack_rather_than_overlooked() -> None:
    values = MiddleboxValues.model_validate({"idle timeout": "60 s", "table size": 100})
    with pytest.raises(UnsupportedError, match="100 flows"):
        compile_rules(values.model_dump(mode="json"), AT)


def test_values_survive_being_written_out() -> None:
    """A scenario lays its overrides over the profile's values, written out as in a file."""
    for profile in all_profiles().values():
        written = profile.values.model_dump(mode="json", by_alias=True)
        plain = {key: "never" if value is None else value for key, value in written.items()}
        assert type(profile.values).model_validate(plain) == profile.values


@pytest.mark.parametrize("name", all_profiles())
def test_each_figure_has_a_source_and_a_confidence(name: str) -> None:
    profile = all_profiles()[name]
    assert profile.name == name
    assert profile.title
    assert set(profile.sources) == set(keys_of(MiddleboxValues))
    for key, source in profile.sources.items():
        assert source["confidence"] in CONFIDENCES, key
        assert len(source["source"]) > 20, key
    values = profile.values.model_dump(by_alias=True)
    for key, (least, most) in profile.ranges.items():
        assert least <= values[key] <= most


def test_a_file_of_ones_own_needs_only_the_values(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\nidle timeout: never\nkeepalive refreshes: false\n")
    profile = load_profile(path)
    assert profile.title == "mine"
    assert profile.values.model_dump()["idle_timeout"] is None
    assert profile.values.model_dump()["keepalive_refreshes"] is False
    assert profile.sources["idle timeout"] == {"source": str(path), "confidence": "unverified"}
    again = MiddleboxValues.model_validate(profile.values.model_dump(mode="json"))
    assert again == profile.values


def test_every_mistake_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: 5\n"
        "idle timeout:\n  value: 3600\n  source: me\n  confidence: sure\n"
        "on expiry: { value: rts both, source: me, confidence: measured, nte: x }\n"
        "late packet: { source: me, confidence: measured }\n"
        "half open: { value: 30 s, range: [1 h, 1 s], confidence: vendor }\n"
        "half closd: 5 s\n"
    )
    with pytest.raises(InputError) as caught:
        load_profile(path, "mine.yaml")
    assert str(caught.value).splitlines() == [
        "mine.yaml:1: 'profile' is missing in a profile; add it",
        "mine.yaml:1: title: 5 is not a text; write a text",
        "mine.yaml:3: idle timeout in profile 'mine': 3600 has no unit; "
        "write for example 3600 s or 3600 min",
        "mine.yaml:5: 'sure' is not a confidence; write vendor, measured, secondary or unverified",
        "mine.yaml:6: on expiry in profile 'mine': 'rts both' is not an allowed value; "
        "did you mean 'rst both'?",
        "mine.yaml:6: unknown key 'nte' for 'on expiry'; did you mean 'note'?",
        "mine.yaml:7: 'value' is missing for 'late packet'; add it",
        "mine.yaml:8: 'range' is not a minimum and a maximum duration; write [5 min, 32 d]",
        "mine.yaml:8: 'source' is missing for 'half open'; add it",
        "mine.yaml:9: unknown key 'half closd' in a profile; did you mean 'half closed'?",
    ]


@pytest.mark.parametrize("text", ["profile: x\n", "profile: x\nidle timeout: 0 s\n"])
def test_an_idle_timeout_there_must_be(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="idle timeout"):
        load_profile(path)


def test_the_profile_that_the_guide_shows(tmp_path: Path) -> None:
    guide = Path(__file__).parents[3] / "docs" / "profiles.md"
    (block,) = re.findall(r"```yaml\n(profile:.*?)```", guide.read_text(), re.DOTALL)
    path = tmp_path / "our-firewall.yaml"
    path.write_text(block)
    assert load_profile(path).values.model_dump()["idle_timeout"] == 900.0


def test_the_guide_explains_every_value() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text()
    assert not [key for key in keys_of(MiddleboxValues) if f"| `{key}` |" not in guide]
