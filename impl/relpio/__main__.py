"""Start of the program `relpio`, and of `python -m relpio`."""

from __future__ import annotations

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Run the command and return its exit status.

    SIGHUP waits from here on until the command can act on it. Its default would end the process,
    and a reload that is asked for during the imports would be lost with it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    from relpio.command.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
