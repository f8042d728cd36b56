"""Every error that a person meets, and the exit status that goes with it.

The command line has four outcomes besides success: 1 an expectation failed, 2 the input is wrong,
3 not supported on this machine, 130 interrupted (143 by SIGTERM).  An error class carries its
status, so that nobody has to decide a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HalfopenError(Exception):
    """Root of the family; `exit_status` is what the command line returns for it."""

    exit_status = 1


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with an input file, in the form `file:line: what; what would be right`."""

    file: str
    line: int
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.what}"
        return f"{text}; {self.remedy}" if self.remedy else text


class InputError(HalfopenError):
    """The input is wrong: carries every problem found, in the order of the file.

    Args:
        problems: at least one.
    """

    exit_status = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(HalfopenError):
    """The command line or an API call asks for something that makes no sense."""

    exit_status = 2


class OutputError(HalfopenError):
    """A result cannot be written; the text says where, and why."""

    exit_status = 2


class UnsupportedError(HalfopenError):
    """This machine, or this lab, cannot do what is asked; the text says what is missing."""

    exit_status = 3


class LabError(HalfopenError):
    """The lab broke while a scenario ran: no verdict can be drawn from what is missing."""

    exit_status = 3
