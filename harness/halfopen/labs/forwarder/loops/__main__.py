"""`python -m halfopen.labs.forwarder.loops`: say whether the compiled part is in use."""

import sys

from halfopen.labs.forwarder.loops import COMPILED, PURE_VARIABLE

SLOWER = f"""\
halfopen: the middlebox's loop in Python, which is slower. The compiled one needs a C compiler and
Python's headers (gcc, python3-dev) when halfopen is installed, and the variable {PURE_VARIABLE} not
set.
"""

sys.stdout.write("halfopen: the middlebox's loop is compiled\n" if COMPILED else SLOWER)
