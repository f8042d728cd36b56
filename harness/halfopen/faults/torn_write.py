"""A torn write: the last record of a file is not whole, as after a power cut in mid-write.

The kernel had taken the record, the disk got its beginning only.  What a program finds when it
starts again is a file that ends in the middle of a record.
"""

from __future__ import annotations

from pydantic import Field

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.verbs import TearFile


class TornWriteParams(ProgramParams):
    """Parameters of `torn write`.

    Attributes:
        at: the endpoint on whose disk the file is; its program must have ended before.
        file: pattern below that disk (`**/` for any depth); of several files, the last by name
            that is not empty.
        octets: that its end lacks.
    """

    file: str = Field(min_length=1, json_schema_extra={"examples": ["**/*.seg"]})
    octets: int = Field(default=8, ge=1)


FAULT = endpoint_fault(
    "torn write",
    "the last record of a file of a program that has ended is cut short",
    TornWriteParams,
    verbs=lambda params: (TearFile(params.at, params.file, params.octets),),
)
