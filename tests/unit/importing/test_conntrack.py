"""Output of `conntrack -L`."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.importing.facts import End
from tests.unit.importing.reading import read, refused
from tests.unit.importing.texts import CONNTRACK, cut


def test_flows_their_remaining_times_and_translation(tmp_path: Path) -> None:
    first, second, unanswered, closed = read(tmp_path, conntrack=CONNTRACK).connections
    assert (first.client, first.server) == (End("10.0.0.9", 40112), End("192.0.2.5", 9092))
    assert first.sure and first.nat == "destination"
    assert first.tracked is not None and first.tracked.value == 3117
    assert second.tracked is not None and second.tracked.where == f"{tmp_path}/conntrack:2"
    # Neither says anything of the time for an established flow.
    assert unanswered.tracked is None
    assert closed.tracked is None and closed.state == "TIME_WAIT" and not closed.nat


def test_an_offloaded_flow_has_no_time(tmp_path: Path) -> None:
    text = CONNTRACK.splitlines()[0].replace("3117 ", "", 1) + "\n"
    (flow,) = read(tmp_path, conntrack=text).connections
    assert flow.tracked is None and flow.state == "ESTAB"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (cut(CONNTRACK, 2, 90), "conntrack:2: the file seems cut in this line: 1 directions"),
        (cut(CONNTRACK, 2, 90), "understood before it: 1 connection; write it with `conntrack -L`"),
        ("tcp 6 99\n", "3 columns instead of 4 or more"),
        ("tcp 6 99 ALIVE src=1\n", "'ALIVE' is not a state of a TCP flow"),
        ("ESTAB 0 0 1.1.1.1:1 1.1.1.2:2\n", "'ESTAB' is not a protocol"),
    ],
)
def test_what_is_not_of_conntrack_is_told_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in refused(tmp_path, conntrack=text)
