"""What of a directory counts as a program's spool."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.labs.agent.follower import Follower
from halfopen.labs.agent.gauges import SpoolGauge, open_gauge


@pytest.mark.parametrize(("kind", "files", "octets"), [("spool", 3, 111), ("spool *.seg", 2, 11)])
def test_files_count_by_their_names(tmp_path: Path, kind: str, files: int, octets: int) -> None:
    for name, size in (("1.seg", 1), ("disk/2.seg", 10), ("position.0", 100), (".made", 1000)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
    gauge = open_gauge("h", "p", kind, tmp_path, tmp_path.parent, Follower(tmp_path))
    assert isinstance(gauge, SpoolGauge)
    (record,) = gauge.read()
    assert (record["kind"], record["files"], record["bytes"]) == ("spool", files, octets)
    assert record["path"] == tmp_path.name
