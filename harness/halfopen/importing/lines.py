"""Lines of the commands' output, and what is wrong with one."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.errors import InputError, Problem
from halfopen.importing.facts import Facts
from halfopen.sections import quote


@dataclass(frozen=True)
class InputLine:
    """A line that is not empty.

    Attributes:
        file: as messages name it.
        number: from 1 on.
        text: without its end.
        last: the file ends within it, so that it may be cut.
    """

    file: str
    number: int
    text: str
    last: bool = False

    @property
    def where(self) -> str:
        """As messages and comments name it."""
        return f"{self.file}:{self.number}"

    def wrong(self, what: str, remedy: str, facts: Facts) -> InputError:
        """The error for this line.

        Args:
            what: is wrong with it.
            remedy: what would be right.
            facts: what was understood before it.
        """
        cut = "the file seems cut in this line: " if self.last else ""
        said = f"{cut}{what} in {quote(self.text.strip())}"
        return InputError(
            [Problem(self.file, self.number, said, f"understood before it: {facts}; {remedy}")]
        )
