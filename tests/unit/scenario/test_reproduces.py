"""What `reproduces` takes: a figure, and what must be observed of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.scenario import load_scenario
from halfopen.vocabulary import default_vocabulary

SCENARIO = """\
scenario: something goes wrong
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 1 message
expect:
  - delivery: { lost: 0, duplicated: 0 }
  - connections: { at: sender, opened: 2 }
reproduces: { WHAT }
"""


def read(directory: Path, what: str) -> list[dict[str, str]]:
    path = directory / "r.scenario.yaml"
    path.write_text(SCENARIO.replace("WHAT", what))
    (variant,) = load_scenario(path, default_vocabulary()).variants
    return [dict(each.reproduces) for each in variant.expect]


@pytest.mark.parametrize(
    ("what", "marks"),
    [
        ("delivery.lost: 1", [{"lost": "exactly 1"}, {}]),
        ("delivery.lost: seen", [{"lost": "seen"}, {}]),
        ("delivery.lost: at least 3, delivery.duplicated: 1",
         [{"lost": "at least 3", "duplicated": "exactly 1"}, {}]),
        ("connections: 3", [{}, {"": "exactly 3"}]),
        ("connections at sender.opened: at least 3", [{}, {"": "at least 3"}]),
    ],
)  # fmt: skip
def test_a_figure_is_named_with_what_must_be_observed(
    tmp_path: Path, what: str, marks: list[dict[str, str]]
) -> None:
    assert read(tmp_path, what) == marks


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("delivery: 1", "but not which of its figures fails; write delivery. and one of: "),
        ("delivery.lots: 1", "unknown figure 'lots' of 'delivery'; did you mean 'lost'"),
        ("delivery.stuck: 1", "unknown figure 'stuck' of 'delivery'"),
        ("deliver.lost: 1", "names 'deliver', which this variant does not expect"),
        ("connections: seen", "does not say whether more than 2 or fewer"),
        ("connections: 2", "2 is not a failure, exactly 2 is expected"),
        ("delivery.lost: some", "'some' is not what can be observed"),
        ("delivery.lost: -1", "-1 is not what can be observed"),
    ],
)
def test_what_names_no_failure_is_refused(tmp_path: Path, what: str, said: str) -> None:
    with pytest.raises(InputError, match=r"r\.scenario\.yaml:12: ") as error:
        read(tmp_path, what)
    assert said in str(error.value)
