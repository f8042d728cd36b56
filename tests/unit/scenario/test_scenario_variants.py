"""What a variant is made of."""

from pathlib import Path

from halfopen.scenario.model import Send

from .kinds import Complain, Load


def test_without_variants_there_is_one(load: Load, base: str) -> None:
    scenario = load(base)
    (only,) = scenario.variants
    assert (scenario.name, scenario.file) == ("an hour of silence", "s.yaml")
    assert (only.name, only.scale, only.path) == (
        "default",
        600,
        ("sender", "firewall", "receiver"),
    )
    assert [host.name for host in only.hosts] == ["sender", "firewall", "receiver"]
    assert [step.kind for step in only.steps] == ["send", "wait", "send"]
    assert [step.line for step in only.steps] == [14, 15, 16]
    assert isinstance(only.steps[0], Send)
    assert only.steps[0].host == "sender"
    assert only.expect[0].label == "half-open at receiver"
    assert only.hosts[1].settings.model_dump()["idle_timeout"] == 3600


def test_it_may_reproduce_a_failure_without_having_variants(load: Load, base: str) -> None:
    (only,) = load(base + "reproduces: { half-open: 1 }\n").variants
    assert only.expect[0].reproduces == {"": "exactly 1"}


def test_hosts_are_merged_deeply(load: Load, base: str) -> None:
    text = base + (
        "variants:\n"
        "  a:\n    hosts: { sender: { keepalive: { idle: 2 h, interval: 75 s, probes: 9 } } }\n"
        "  b:\n    hosts: { firewall: { idle timeout: never }, receiver: { durable: true } }\n"
    )
    a, b = load(text).variants
    keepalive = {"idle": 7200.0, "interval": 75.0, "probes": 9}
    assert a.host("sender").settings.model_dump()["keepalive"] == keepalive
    assert a.host("sender").lines["keepalive"] == 21
    assert a.host("sender").lines["to"] == 6
    assert b.host("sender").settings.model_dump()["keepalive"] is None
    assert b.host("firewall").settings.model_dump()["idle_timeout"] is None
    assert b.host("receiver").settings.model_dump()["durable"] is True


def test_another_system_does_not_inherit_the_options(load: Load, base: str) -> None:
    text = base.replace("- send: 20 messages\n", "- stop: sender\n")
    text += "variants:\n  a:\n    hosts: { sender: { run: relpio receive } }\n"
    (a,) = load(text).variants
    assert a.host("sender").system == "relpio receive"


def test_another_profile_does_not_inherit_the_overrides(load: Load, base: str) -> None:
    text = base.replace("profile: fortigate", "profile: fortigate\n    idle timeout: 2 h")
    text += "variants:\n  a: { hosts: { firewall: { profile: cisco-asa } } }\n"
    (a,) = load(text).variants
    assert a.host("firewall").settings.model_dump()["idle_timeout"] == 3600
    assert a.host("firewall").profile == "cisco-asa"


def test_steps_and_scale_are_replaced(load: Load, base: str) -> None:
    (a,) = load(
        base + "variants:\n  a:\n    scale: 20\n    steps: [{ send: 1 message, every: 5 s }]\n"
    ).variants
    assert a.scale == 20
    assert [(step.count, step.every) for step in a.steps if isinstance(step, Send)] == [(1, 5.0)]


def test_expectations_are_added_and_the_same_one_replaced(load: Load, base: str) -> None:
    text = base + (
        "variants:\n  a:\n    expect:\n"
        "      - half-open: { at: receiver, at end: at most 2 }\n"
        "      - half-open: { at: sender, at end: 0 }\n"
        "      - delivery: { lost: 0 }\n"
    )
    (a,) = load(text).variants
    assert [(each.label, each.line) for each in a.expect] == [
        ("half-open at receiver", 22),
        ("half-open at sender", 23),
        ("delivery", 24),
    ]


def test_what_a_check_looks_at_tells_two_of_them_apart(load: Load, base: str) -> None:
    text = base.replace(
        "expect:\n",
        "expect:\n  - fds: { at: receiver, kind: tcp, at end: 1 }\n"
        "  - fds: { at: receiver, kind: file, at end: 3 }\n",
    ) + (
        "variants:\n  a:\n"
        "    expect: [{ fds: { at: receiver, kind: file, at end: 4 } }]\n"
        "    reproduces: { 'fds at receiver, kind file': at least 5 }\n"
    )
    (a,) = load(text).variants
    assert [(each.label, each.reproduces) for each in a.expect] == [
        ("fds at receiver, kind tcp", {}),
        ("fds at receiver, kind file", {"": "at least 5"}),
        ("half-open at receiver", {}),
    ]


def test_what_a_check_looks_at_by_default_is_the_same_when_it_is_written(
    load: Load, base: str
) -> None:
    text = base.replace("expect:\n", "expect:\n  - fds: { at: receiver, at end: 1 }\n") + (
        "variants:\n  a:\n    expect: [{ fds: { at: receiver, kind: tcp, at end: 4 } }]\n"
    )
    (a,) = load(text).variants
    assert [each.label for each in a.expect] == ["fds at receiver", "half-open at receiver"]
    assert a.expect[0].lines["at end"] == 22


def test_a_mistake_that_every_variant_overrides_is_told(complain: Complain, base: str) -> None:
    text = base.replace("keepalive: off", "window: many\n    keepalive: off", 1)
    whole = f"{text}variants:\n  a:\n    hosts: {{ sender: {{ window: 5 }} }}\n"
    assert complain(whole) == [
        "s.yaml:7: window for sender: 'many' is not a whole number; write a whole number"
    ]


def test_a_variant_may_add_what_the_scenario_lacks(load: Load, base: str) -> None:
    text = base.replace("    to: receiver\n", "", 1)
    text += "variants:\n  a:\n    hosts: { sender: { to: receiver } }\n"
    (a,) = load(text).variants
    assert a.host("sender").settings.model_dump()["to"] == "receiver"


def test_reproduces_marks_the_checks_that_must_fail(load: Load, base: str) -> None:
    text = base + (
        "variants:\n  a:\n"
        "    expect: [{ fds: { at: receiver, at end: 1 } }, { fds: { at: sender, at end: 1 } }]\n"
        "    reproduces: { half-open: 3, fds at sender: at least 2 }\n"
        "  b: { about: the same without }\n"
    )
    a, b = load(text).variants
    wanted = [{"": "exactly 3"}, {}, {"": "at least 2"}]
    assert [each.reproduces for each in a.expect] == wanted
    assert [each.reproduces for each in b.expect] == [{}]
    assert b.about == "the same without"


def test_what_the_base_leaves_out_a_variant_can_say(load: Load, base: str) -> None:
    text = base.replace("    to: receiver\n", "")
    text += "variants:\n  a: { hosts: { sender: { to: receiver } } }\n"
    (a,) = load(text).variants
    assert a.host("sender").settings.model_dump()["to"] == "receiver"


def test_a_profile_of_ones_own(load: Load, base: str) -> None:
    load(base)  # goes to the directory
    Path("mine.yaml").write_text("profile: mine\nidle timeout: 15 min\nlate packet: rst sender\n")
    text = base.replace("fortigate", "./mine.yaml\n    half open: 7 s")
    firewall = load(text).variants[0].host("firewall")
    assert firewall.profile == "mine"
    assert firewall.settings.model_dump() == {
        "idle_timeout": 900.0,
        "on_expiry": "silent",
        "late_packet": "rst sender",
        "keepalive_refreshes": True,
        "half_open": 7.0,
        "half_closed": 120.0,
        "time_wait": 120.0,
        "after_rst": 10.0,
        "unacknowledged": None,
        "table_size": None,
        "eviction": "drop new",
        "nat": "none",
        "nat_ports": None,
        "port_reuse": "new flow",
        "lifetime": None,
        "refreshed_by": "both sides",
        "flows_per_source": None,
        "terminates_tcp": False,
        "engine": "any",
        "pool": None,
        "balance": "round robin",
    }


def test_a_bad_profile_is_told_of_with_its_own_line(
    complain: Complain, load: Load, base: str
) -> None:
    load(base)
    Path("mine.yaml").write_text("profile: mine\nidle timeout: 15\nlate packt: drop\n")
    text = base.replace("fortigate", "./mine.yaml").replace("75 min", "75")
    assert complain(text + "variants: { a: {}, b: {} }\n") == [
        "mine.yaml:2: idle timeout in profile 'mine': 15 has no unit; "
        "write for example 15 s or 15 min",
        "mine.yaml:3: unknown key 'late packt' in a profile; did you mean 'late packet'?",
        "s.yaml:15: wait in a wait step: 75 has no unit; write for example 75 s or 75 min",
    ]
