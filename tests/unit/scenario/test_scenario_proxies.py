"""What a proxy on the path makes meaningless, by the real vocabulary."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import InputError
from halfopen.scenario import Scenario, load_scenario
from halfopen.scenario.proxies import segments
from halfopen.vocabulary import default_vocabulary

PLAIN = """\
scenario: a proxy
hosts:
  sender: { run: relpio send, to: proxy }
  proxy: { run: toxiproxy, forwards: receiver, port: 2514 }
  receiver: { run: relpio receive }
path: [sender, proxy, receiver]
steps:
  - send: 20 messages
expect:
  - delivery: { lost: 0 }
"""
BEFORE_IT = PLAIN.replace("hosts:", "hosts:\n  firewall: { profile: fortigate }").replace(
    "[sender, proxy", "[sender, firewall, proxy"
)


def load(directory: Path, text: str) -> Scenario:
    path = directory / "s.yaml"
    path.write_text(text)
    return load_scenario(path, default_vocabulary())


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(directory, text)
    return [line.removeprefix(f"{directory}/") for line in str(caught.value).splitlines()]


def test_a_proxy_stands_in_the_middle_of_a_path(tmp_path: Path) -> None:
    (variant,) = load(tmp_path, PLAIN).variants
    assert variant.path == ("sender", "proxy", "receiver")
    assert variant.host("proxy").system == "toxiproxy"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("[proxy, sender, receiver]", "the path begins with proxy, a proxy"),
        ("[sender, receiver, proxy]", "the path ends with proxy, a proxy"),
    ],
)
def test_no_path_ends_at_a_proxy(tmp_path: Path, path: str, words: str) -> None:
    text = PLAIN.replace("[sender, proxy, receiver]", path)
    assert f"s.yaml:6: {words}; a proxy must be between the two ends" in problems(tmp_path, text)


@pytest.mark.parametrize(
    "check",
    [
        "dead connection removal: { at: receiver, within: 3 h }",
        "half-open: { at: receiver, at end: 0 }",
        "half-open: { at: sender, at end: 0 }",
    ],
)
def test_what_is_about_silent_drops_is_refused_across_it(tmp_path: Path, check: str) -> None:
    (problem,) = problems(tmp_path, f"{PLAIN}  - {check}\n")
    label = check.split(":")[0]
    assert re.match(
        rf"s\.yaml:11: '{label} at \w+' is about a TCP connection that is dropped silently, but "
        r"proxy terminates every TCP connection, and no middlebox is on those of \w+: idle drops "
        r"and keepalive do not reach across; put a middlebox next to \w+, "
        r"or take proxy off the path",
        problem,
    )


@pytest.mark.parametrize(
    ("check", "refused"),
    [
        ("half-open: { at: sender, at end: 0 }", False),
        ("half-open: { at: proxy, at end: 0 }", False),
        ("half-open: { at: receiver, at end: 0 }", True),
        ("idle drops: { at: firewall, count: 0 }", False),
        ("dead connection removal: { at: receiver, within: 3 h }", True),
        ("fds: { at: receiver, at end: 1 }", False),
    ],
)
def test_on_the_middleboxs_side_of_it_they_are_asked(
    tmp_path: Path, check: str, refused: bool
) -> None:
    text = f"{BEFORE_IT}  - {check}\n"
    if refused:
        (problem,) = problems(tmp_path, text)
        assert "idle drops and keepalive do not reach across" in problem
    else:
        assert load(tmp_path, text).variants


def test_a_cable_that_is_pulled_is_silent_too(tmp_path: Path) -> None:
    check = "  - half-open: { at: receiver, at end: 0 }\n"
    cut = "expect:", "  - fault: link down\n    between: [proxy, receiver]\nexpect:"
    assert load(tmp_path, (PLAIN + check).replace(*cut)).variants
    other = cut[0], cut[1].replace("[proxy, receiver]", "[sender, proxy]")
    assert problems(tmp_path, (PLAIN + check).replace(*other))


def test_nothing_gets_past_it(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, PLAIN.replace("to: proxy", "to: receiver"))
    assert problem == (
        "s.yaml:3: host sender talks to receiver, but proxy is between them and terminates every "
        "TCP connection; let sender talk to proxy"
    )


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("receiver", "needs a host that runs toxiproxy, but receiver runs relpio receive"),
        ("firewall", "needs a host that runs a system, but firewall is a middlebox"),
        ("nobody", "names unknown host 'nobody'"),
    ],
)
def test_a_toxic_needs_a_toxiproxy(tmp_path: Path, host: str, words: str) -> None:
    fault = f"  - fault: toxic timeout\n    at: {host}\nexpect:"
    (problem,) = problems(tmp_path, BEFORE_IT.replace("expect:", fault))
    assert problem.startswith(f"s.yaml:11: fault 'toxic timeout' {words}; ")


names = st.lists(st.sampled_from("abcdefgh"), min_size=2, unique=True)


@given(names, st.data())
def test_stretches_are_the_path_cut_at_its_proxies(path: list[str], data: st.DataObject) -> None:
    inner = path[1:-1]
    proxies = set(data.draw(st.lists(st.sampled_from(inner)))) if inner else set()
    found = segments(path, proxies)
    assert len(found) == len(proxies) + 1
    assert [name for each in found for name in each[:-1]] + [path[-1]] == path
    for before, after in itertools.pairwise(found):
        assert before[-1] == after[0] and after[0] in proxies
    assert not any(name in proxies for each in found for name in each[1:-1])
