"""`python -m relpio`."""

import sys

from relpio.cli import main

if __name__ == "__main__":
    sys.exit(main())
