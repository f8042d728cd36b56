"""Kept while its users move to `relpio.inputs`."""

from __future__ import annotations

from relpio.inputs.lines import LineSplitter
from relpio.inputs.streams import read_chunks

__all__ = ["LineSplitter", "read_chunks"]
