"""Whoever waits for files hears of what is written, and of nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from halfopen.labs.agent.file_changes import FileChanges


def test_what_is_written_is_heard_of(tmp_path: Path) -> None:
    async def play() -> list[bool]:
        changes = FileChanges([tmp_path, tmp_path / "not there"])
        try:
            heard = [await changes.wait(0.05)]
            (tmp_path / "log").write_text("one\n")
            heard.append(await changes.wait(5))
            with (tmp_path / "log").open("a") as file:
                file.write("two\n")
            heard.append(await changes.wait(5))
            (tmp_path / "log").unlink()
            heard.append(await changes.wait(5))
            heard.append(await changes.wait(0.05))
            return heard
        finally:
            changes.close()

    assert asyncio.run(play()) == [False, True, True, True, False]
