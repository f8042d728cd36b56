"""The profiles that are shipped, and files of one's own."""

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.profiles import CONFIDENCES, MiddleboxValues, all_profiles, load_profile
from halfopen.sections import keys_of


def test_the_first_four_with_what_decides() -> None:
    found = {
        name: (
            p.values.idle_timeout,
            p.values.on_expiry,
            p.values.late_packet,
            p.values.half_open,
            p.values.half_closed,
            p.values.nat,
        )
        for name, p in all_profiles().items()
        if isinstance(p.values, MiddleboxValues)
    }
    assert found == {
        "aws-nat-gateway": (350.0, "silent", "rst sender", 30.0, 350.0, "source"),
        "cisco-asa": (3600.0, "silent", "drop", 30.0, 600.0, "none"),
        "fortigate": (3600.0, "silent", "drop", 10.0, 120.0, "none"),
        "linux-conntrack": (432000.0, "silent", "readmit from inside", 120.0, 60.0, "none"),
    }


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
        "mine.yaml:5: 'sure' is no confidence; write vendor, measured, secondary or unverified",
        "mine.yaml:6: on expiry in profile 'mine': 'rts both' is not one of its values; "
        "did you mean 'rst both'?",
        "mine.yaml:6: unknown key 'nte' for 'on expiry'; did you mean 'note'?",
        "mine.yaml:7: 'value' is missing for 'late packet'; add it",
        "mine.yaml:8: 'range' is not a least and a most duration; write [5 min, 32 d]",
        "mine.yaml:8: 'source' is missing for 'half open'; add it",
        "mine.yaml:9: unknown key 'half closd' in a profile; did you mean 'half closed'?",
    ]


@pytest.mark.parametrize("text", ["profile: x\n", "profile: x\nidle timeout: 0 s\n"])
def test_an_idle_timeout_there_must_be(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="idle timeout"):
        load_profile(path)
