"""`python -m relpio.loops`: say whether the compiled part is in use, and what it needs if not."""

import sys

from relpio.loops import COMPILED, PURE_VARIABLE

SLOWER = f"""\
relpio: loops in Python, which are slower. The compiled ones need a C compiler and Python's headers
(gcc, python3-dev) when relpio is installed, and the variable {PURE_VARIABLE} not set.
"""

sys.stdout.write("relpio: compiled loops\n" if COMPILED else SLOWER)
