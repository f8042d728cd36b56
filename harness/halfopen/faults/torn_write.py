"""The fault `torn write`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Bytes
from halfopen.verbs import TruncateFile, Verb


class TornWrite(EndpointFault):
    """A torn write: the last record of a file is incomplete, as after a power cut in mid-write.

    The kernel had taken the record, but only its beginning reached the disk.  A program that starts
    again finds a file that ends in the middle of a record.

    Attributes:
        at: the endpoint on whose disk the file is; its program must have ended before.
        file: pattern below that disk (`**/` for any depth); of several files, the last by name
            that is not empty.
        missing: how much its end lacks.
    """

    name = "torn write"
    summary = "the last record of a file is cut short while its program is stopped"
    uses = (TruncateFile,)
    touches = ("bytes",)

    file: str = Field(min_length=1, json_schema_extra={"examples": ["**/*.seg"]})
    missing: Annotated[Bytes, Field(ge=1)] = 8

    def verbs(self) -> Sequence[Verb]:
        """Cut it short."""
        return (TruncateFile(self.at, self.file, self.missing),)
