"""Records about messages.

`seqs` is a list of runs `[first, last]` of message numbers, both included.
"""

from __future__ import annotations

from typing import Literal

from halfopen.model.records._base import OfHost, OfProgram


class OfMessages(OfHost):
    """A record about some messages.

    Attributes:
        seqs: runs `[first, last]` of message numbers, both included.
    """

    seqs: list[list[int]]


class SentRecord(OfMessages):
    """Messages written to the sender's input."""

    kind: Literal["sent"]


class RefusedRecord(OfMessages):
    """Messages recorded as sent that the sender's input did not take after all."""

    kind: Literal["refused"]


class UntakenRecord(OfProgram):
    """A program that does not read its input: the steps go on, the rest is written when it reads.

    Attributes:
        taken: messages of the step that have gone in.
        of: messages of the step.
    """

    kind: Literal["untaken"]
    taken: int
    of: int


class AcceptedRecord(OfMessages):
    """Messages that the sender's queue took; an empty list says that the sender keeps a ledger."""

    kind: Literal["accepted"]


class AckedRecord(OfMessages):
    """Messages that the sender was told are safe; an empty list says that it records such ones."""

    kind: Literal["acked"]


class DeliveredRecord(OfMessages):
    """New lines in a receiver's output; the messages are in order of arrival.

    Attributes:
        corrupt: excerpts of messages whose checksum is wrong.
        unexpected: excerpts of lines that are not a message of this run.
    """

    kind: Literal["delivered"]
    corrupt: list[str]
    unexpected: list[str]
