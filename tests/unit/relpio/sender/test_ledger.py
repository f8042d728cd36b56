"""The ledger."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio import TextLog
from relpio.sender.ledger import Ledger

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


def test_ledger(tools: type[Tools], tmp_path: Path) -> None:
    path = tmp_path / "ledger"

    async def write() -> str:
        ledger = Ledger(path)
        ledger.accepted(1, 20)
        ledger.accepted(21, 21)
        ledger.acked([1, 2, 3, 7, 9, 10])
        assert path.read_text() == ""
        await tools.eventually(lambda: path.read_text() != "")
        seen = path.read_text()
        ledger.acked(range(11, 13))
        ledger.close()
        return seen

    seen = asyncio.run(write())
    assert seen == "accepted 1-20\naccepted 21\nacked 1-3\nacked 7\nacked 9-10\n"
    assert path.read_text() == seen + "acked 11-12\n"


def test_a_ledger_that_cannot_be_written_is_reported_and_tried_again() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    stream = io.StringIO()

    async def write() -> None:
        ledger = Ledger(full, TextLog(stream))
        for number in range(3):
            ledger.accepted(number, number)
            ledger.flush()
        ledger.close()

    asyncio.run(write())
    assert stream.getvalue().count("ledger error: detail [Errno 28]") == 1
    stream.close()
