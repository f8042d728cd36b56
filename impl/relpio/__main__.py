"""`python -m relpio`."""

import sys

from relpio.command.main import main

if __name__ == "__main__":
    sys.exit(main())
