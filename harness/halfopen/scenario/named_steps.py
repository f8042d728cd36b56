"""Whether the steps that expectations name by their words are there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from halfopen.model.steps import names_step
from halfopen.scenario.model import Expectation, Step
from halfopen.scenario.steps import say
from halfopen.sections import Problems, quote


def check_named_steps(
    steps: Sequence[Step], expect: Sequence[Expectation], problems: Problems
) -> None:
    """Note each step that an expectation names, and that the variant does not have."""
    texts = [say(step) for step in steps]
    for each in expect:
        for words in each.params.named_steps:
            if not any(names_step(words, text) for text in texts):
                beginnings = [text[: max(len(words), 1)] for text in texts]
                near = get_close_matches(words, beginnings, n=1)
                shown = [texts[beginnings.index(near[0])]] if near else texts
                problems.add(
                    each.line,
                    f"{each.label!r} names the step {quote(words)}, which this variant does not "
                    "have",
                    "write the first words of one of its steps: " + "; ".join(shown),
                )
