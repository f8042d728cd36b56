"""Beginning of the command `halfopen`: imports little, so that Ctrl-C ends it with a sentence.

To load the rest takes half a second; an interrupt in it would show a traceback of some import.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn

INTERRUPTED = 130
WORDS = "interrupted"


def main() -> None:
    """Load the command line and run it; leaves the process with the exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from halfopen.cli.main import main as command

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


def _end(*_: object) -> NoReturn:
    # Nothing is started or open yet.
    os.write(2, f"{WORDS}\n".encode())
    os._exit(INTERRUPTED)
