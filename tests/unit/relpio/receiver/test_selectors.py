"""Which messages an output takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import ConfigurationError, Selector
from relpio.receiver.received import Received
from relpio.receiver.selectors import split_selector
from relpio.syslog import SEVERITIES

MESSAGES = [
    b"<11>1 - web1 nginx - - - 0",  # user.err
    b"<22>1 - db1 cron - - - 1",  # mail.info
    b"no header",  # user.notice
    b"<14>1 - WEB2 cron - - - 3",  # user.info
]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", [0, 1, 2, 3]),
        ("severity<=err", [0]),
        ("severity<=5", [0, 2]),
        ("severity=info|err", [0, 1, 3]),
        ("severity!=info", [0, 2]),
        ("facility=mail", [1]),
        ("facility=user, severity=6", [3]),
        ("host=web*", [0, 3]),
        ("host!=web*|db?", [2]),
        ("host=192.0.2.1", [2]),
        ("app=cron,host=web*", [3]),
        ("peer=192.0.2.*", [0, 1, 2, 3]),
        ("peer!=192.0.2.*", []),
    ],
)
def test_which_messages_are_taken(text: str, taken: list[int]) -> None:
    assert list(Selector(text).places(Received("192.0.2.1", 0.0, MESSAGES))) == taken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("severity<=bad", "write one of emerg"),
        ("severity<=eror", "did you mean err?"),
        ("severity=8", "write one of"),
        ("host<=a", "only severity"),
        ("hots=a", "did you mean host?"),
        ("host", "write NAME=VALUE"),
        ("host=a,", "write NAME=VALUE"),
        ("rest,host=a", "write NAME=VALUE"),
    ],
)
def test_a_selector_that_cannot_work(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Selector(text)
    assert words in str(refused.value)


def test_a_selector_stands_before_its_output() -> None:
    selector, output = split_selector("[severity<=err, host=a[12]] /var/[x]")
    assert (selector.text, output) == ("severity<=err, host=a[12]", "/var/[x]")
    assert list(selector.places(Received("a2", 0.0, [b"<11>x", b"<13>x"]))) == [0]
    assert split_selector("/var/[x]")[1] == "/var/[x]"
    assert split_selector("[rest] x")[0].rest
    for text in ("[severity=err", "[severity=err]", "[] x", "[rest]x", "[rest] "):
        with pytest.raises(ConfigurationError, match="OUTPUT"):
            split_selector(text)


severity = st.sampled_from(SEVERITIES)


@given(severity, st.lists(severity, min_size=1, max_size=8))
def test_severities_have_an_order(limit: str, severities: list[str]) -> None:
    messages = [b"<%d>x" % SEVERITIES.index(each) for each in severities]
    worst = SEVERITIES[: SEVERITIES.index(limit) + 1]
    taken = Selector(f"severity<={limit}").places(Received("a", 0.0, messages))
    assert list(taken) == [at for at, each in enumerate(severities) if each in worst]
