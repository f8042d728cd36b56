"""The system `command receive`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from halfopen.ports import ProgramSpec, SystemContext
from halfopen.systems._command import NAME, Command, path

STANDARD_OUTPUT = "standard output"


class CommandReceive(Command):
    """Any program that receives messages.

    Attributes:
        output: `standard output`, or the file in which its messages appear, one a line.
        framing: how a line of the output holds a message. `anywhere` in it; behind a `header`, to
            the end of the line; or the `line` is exactly what was written to the sender.  What is
            not exactly as it was sent counts as corrupted.
    """

    name = "command receive"
    summary = "any program that receives messages"
    role = "receiver"

    output: str = STANDARD_OUTPUT
    framing: Literal["anywhere", "header", "line"] = "anywhere"

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        if self.output == STANDARD_OUTPUT:
            # Where a lab puts what a program writes there.
            output = str(Path(context.ledger_directory or context.directory) / f"{NAME}.out")
        else:
            output = path(self.output, context)
        return replace(super().program(context), output=output, framing=self.framing)
