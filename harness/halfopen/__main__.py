"""`python -m halfopen`: the same as the command `halfopen`."""

from __future__ import annotations

from halfopen.cli.entry import main

if __name__ == "__main__":
    main()
