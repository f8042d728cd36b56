"""Transaction numbers: how they run and where they wrap.

The client numbers its commands 1, 2, 3 ... (`open` is 1) and each side counts along. Zero marks a
hint, which is outside the sequence.
"""

from __future__ import annotations

__all__ = ["HINT", "MAX_TXNR", "follows"]

HINT = 0

MAX_TXNR = 999_999_999
"""The largest number: nine digits (RELP specification)."""


def follows(previous: int, txnr: int) -> bool:
    """Tell whether a server may take `txnr` as the command after `previous` (0: none yet).

    After 999 999 999 comes 1 (RELP specification). 1 is also taken after 999 999 998, because
    teragrep's rlp_01 never uses the last number. librelp goes on to 1 000 000 000, which is no
    number of the grammar at all: against librelp only a new session helps.
    """
    if txnr == previous + 1:
        return txnr <= MAX_TXNR
    return txnr == 1 and previous >= MAX_TXNR - 1
