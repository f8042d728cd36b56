"""Conditions in a scenario file: what they say, what is wrong with them, what a plan holds."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.faults import all_faults
from halfopen.fields import Section
from halfopen.model.plan import plan_from_json
from halfopen.model.steps import PlannedInject, PlannedWaitUntil
from halfopen.ports import Vocabulary
from halfopen.scenario import make_plans
from halfopen.scenario.conditions import (
    FIGURES,
    RELATIONS,
    Condition,
    ConditionField,
    parse_condition,
)
from halfopen.scenario.step_keys import FaultStep

from .kinds import NETNS, Complain, Load


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("500 acked", Condition("acked", ">=", 500)),
        ("20 messages  delivered at receiver", Condition("delivered", ">=", 20, "receiver")),
        ("queue depth at sender > 1000", Condition("queue depth", ">", 1000, "sender")),
        ("queue depth<=3", Condition("queue depth", "<=", 3)),
        ("flows at firewall = 0", Condition("flows", "=", 0, "firewall")),
        ("event session-lost at a", Condition("event", ">=", 1, "a", "session-lost")),
        ("3 events session-lost at a", Condition("event", ">=", 3, "a", "session-lost")),
    ],
)
def test_what_a_condition_says(text: str, condition: Condition) -> None:
    assert parse_condition(text) == condition


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("soon", "is not a condition; write for example 500 acked, "),
        ("500", "is not a condition"),
        ("acked > many", "is not a condition"),
        ("500 ackd", "did you mean 'acked'?"),
        ("dogs at sender > 3", "available figures: accepted, acked, connections"),
        ("connections > 3", "does not say where; add `at HOST`"),
        ("0 acked", "always holds"),
        ("0 events e at sender", "always holds"),
        ("queue depth < 0", "can never hold; write = 0"),
        ("event at sender", "is not a condition"),
    ],
)
def test_what_is_no_condition(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        parse_condition(text)


hosts = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    figure = draw(st.sampled_from(sorted(FIGURES)))
    if figure == "event":
        name = draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True))
        return Condition("event", ">=", draw(st.integers(1, 999)), draw(hosts), name)
    host = draw(st.none() | hosts) if FIGURES[figure].everywhere else draw(hosts)
    return Condition(
        figure, draw(st.sampled_from(sorted(RELATIONS))), draw(st.integers(1, 10**9 - 1)), host
    )


class Holder(Section):
    value: ConditionField


@given(conditions())
def test_a_condition_reads_back_and_fits_the_schema(condition: Condition) -> None:
    assert parse_condition(str(condition)) == condition
    held = Holder(value=condition)
    assert Holder.model_validate(held.model_dump(mode="json")) == held
    pattern = Holder.model_json_schema()["properties"]["value"]["pattern"]
    assert re.search(pattern, str(condition))


@given(st.text("0123456789 abcdekqtuw at<>=-é\n", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_condition_or_an_error_in_words(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ValueError as error:
        assert re.search("; (write|add|did you mean|available figures)", str(error))
    else:
        assert parse_condition(str(condition)) == condition


STEPS = """\
steps:
  - send: 20 messages
    every: 1 min
    background: true
  - fault: silent drop
    at: firewall
    when: 5 acked
    until: queue depth at sender > 3
    at most: 2 h
  - wait until: 20 delivered
  - fault: forget flows
    at: firewall
    when: connections at sender = 1
    background: true
"""


def with_steps(base: str, steps: str) -> str:
    return base[: base.index("steps:")] + steps + base[base.index("expect:") :]


def test_a_plan_holds_conditions_in_words_and_scaled_deadlines(
    load: Load, base: str, vocabulary: Vocabulary
) -> None:
    (plan,) = make_plans(load(with_steps(base, STEPS)), lab=NETNS, scale=60, seed=0)
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan
    _, drop, wait, forget = plan.steps
    assert drop.text == "silent drop at firewall, when 5 acked, until queue depth at sender > 3"
    assert isinstance(drop, PlannedInject)
    assert (drop.when, drop.until) == ("5 acked", "queue depth at sender > 3")
    assert drop.at_most == 120.0
    assert not drop.background
    assert wait == PlannedWaitUntil(
        until="20 delivered",
        at_most=30.0,  # never below 30 s of real time
        text="wait until 20 delivered",
        line=wait.line,
    )
    assert isinstance(forget, PlannedInject)
    assert (forget.background, forget.until) == (True, None)


MISTAKES = [
    (
        "when: 5 acked",
        "when: 5 ackd",
        ["s.yaml:19: when for fault 'silent drop': '5 ackd' has an unknown figure: "
         "'ackd'; did you mean 'acked'?"],
    ),
    (
        "queue depth at sender > 3",
        "queue depth at firewall > 3",
        ["s.yaml:20: the condition 'queue depth at firewall > 3' needs a host that runs a system, "
         "but firewall is a middlebox; name one of receiver, sender"],
    ),
    (
        "connections at sender = 1",
        "flows at sender = 1",
        ["s.yaml:25: the condition 'flows at sender = 1' needs a middlebox, but sender runs a "
         "system; name one of firewall"],
    ),
    (
        "wait until: 20 delivered",
        "wait until: 21 delivered",
        ["s.yaml:22: the condition '21 delivered' can never be met: only 20 messages are sent; "
         "send more, or ask for less"],
    ),
    (
        "wait until: 20 delivered",
        "wait until: 20 delivered\n    at least: 5 min",
        ["s.yaml:23: unknown key 'at least' in a wait until step; did you mean 'at most'?"],
    ),
    (
        "    until: queue depth at sender > 3",
        "    until: queue depth at sender > 3\n    for: 5 min",
        ["s.yaml:20: fault 'silent drop' has both for and until; use only one of them"],
    ),
    (
        "    when: 5 acked\n    until: queue depth at sender > 3\n",
        "",
        ["s.yaml:19: fault 'silent drop': 'at most' needs when or until; "
         "remove 'at most'"],
    ),
    (
        "    when: connections at sender = 1\n",
        "",
        ["s.yaml:25: fault 'forget flows': 'background' needs when; "
         "remove 'background'"],
    ),
    (
        "    when: connections at sender = 1\n    background: true\n",
        "    until: 5 acked\n",
        ["s.yaml:25: fault 'forget flows' takes effect at once, so 'until' does not apply; "
         "remove 'until'"],
    ),
    (
        "at most: 2 h",
        "at most: 2",
        ["s.yaml:21: at most for fault 'silent drop': 2 has no unit; write for example 2 s or "
         "2 min"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "problems"), MISTAKES)
def test_each_mistake_has_its_line(
    right: str, wrong: str, problems: list[str], complain: Complain, base: str
) -> None:
    text = with_steps(base, STEPS)
    assert right in text
    assert complain(text.replace(right, wrong)) == problems


def test_what_is_sent_later_does_not_count_for_a_step_that_waits(
    complain: Complain, base: str
) -> None:
    steps = "steps:\n  - wait until: 1 sent\n  - send: 20 messages\n"
    assert complain(with_steps(base, steps)) == [
        "s.yaml:14: the condition '1 sent' can never be met: no message is sent; "
        "send more, or ask for less"
    ]


def test_no_fault_has_a_parameter_that_every_fault_step_has() -> None:
    general = {field.alias for field in FaultStep.model_fields.values()}
    for fault in all_faults().values():
        assert not general & {field.alias for field in fault.model_fields.values()}
