"""What a check is, and what it finds."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from halfopen.fields import Bound, Section, Timer, host_references
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict


@dataclass(frozen=True)
class FigureFound:
    """One figure of a check, compared with its bound.

    Attributes:
        name: as in the scenario: `lost`, `at end`.
        value: what was observed.
        verdict: of this figure alone.
    """

    name: str
    value: float
    verdict: Verdict


@dataclass(frozen=True)
class Finding:
    """What a check finds in a history; the caller adds name, label and line.

    Attributes:
        verdict: pass, fail or unknown.
        observed: the figure that was compared with the bound, None where there is none.
        bound: what was asked for, in words.
        why: one or two sentences for a person.
        evidence: the facts behind it.
        figures: every figure that was asked for; empty if there is but one, the observed.
        late_s: lab seconds by which the machine was late, if that left it unknown.
    """

    verdict: Verdict
    observed: float | None
    bound: str
    why: str
    evidence: tuple[Evidence, ...] = ()
    figures: tuple[FigureFound, ...] = field(default=(), compare=False)
    late_s: float = 0.0


class Check(Section):
    """A check with its parameters: a pure function from a history to a finding.

    A subclass has its parameters as fields, and its page's text and the meaning of each parameter
    (under `Attributes:`) in its docstring.  Durations in it are lab time when `judge` is called.

    Attributes:
        name: as a scenario's `expect` names it.
        summary: one line.
        awaited: whether a run lasts, for its `aftermath` at most, until an open session of its
            hosts has nothing unacknowledged.
        silent: it is about a TCP connection that a middlebox drops silently: the loader refuses it
            at a host none of whose connections goes through a middlebox.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    silent: ClassVar[bool] = False
    awaited: ClassVar[bool] = True

    @abstractmethod
    def judge(self, history: History) -> Finding:
        """What the history of a run says about it; `unknown` where it says too little."""
        raise NotImplementedError

    @property
    def figures(self) -> Mapping[str, Bound | None]:
        """The figures that are asked for, with their bounds; None for one that is no count."""
        return {"": None}

    @property
    def aftermath(self) -> float:
        """Seconds that what it judges may take after a fault; 0 by default.

        A run lasts so long after its last step, unless what it judges is answered before
        (:mod:`halfopen.runner.aftermath`); a scenario in which no time at all follows the last
        fault is refused by the loader.  What every check needs at the end, some samples without a
        change, the run adds.
        """
        return 0.0

    @property
    def aftermath_of(self) -> str | None:
        """The step that begins the time of `aftermath`, by the first of its words.

        None, as by default, for the last fault; empty for the first step.
        """
        return None

    @property
    def named_steps(self) -> Sequence[str]:
        """The steps that its parameters name, by their words or the first of them."""
        return ()

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order; none by default."""
        return ()

    def bears(self, history: History) -> float:
        """Lab seconds that the machine may have been late without deciding what is found.

        By default, until two timers of the plan change their order (`halfopen.scenario.margin`).
        """
        return history.bears_s

    def hosts(self) -> tuple[str, ...]:
        """All host names in the parameters, in their order, each once."""
        return tuple(dict.fromkeys(name for found in host_references(self) for name in found.names))

    @classmethod
    def about(cls) -> str:
        """The text of its page: its docstring, without the attributes."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0]
