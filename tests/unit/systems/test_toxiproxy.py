"""The system `toxiproxy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.ports import SystemContext
from halfopen.systems.toxiproxy import Toxiproxy

CONTEXT = SystemContext(
    host="proxy",
    address="198.18.1.1",
    addresses={"proxy": "198.18.1.1", "log-receiver": "198.18.2.2"},
    directory="/disk",
    seed=1,
)


def test_toxiproxys_server_is_found_beside_python_then_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Toxiproxy.model_validate({"forwards": "log-receiver", "port": 7000})
    beside, elsewhere = tmp_path / "venv", tmp_path / "elsewhere"
    for directory in (beside, elsewhere):
        directory.mkdir()
    monkeypatch.setattr("sys.executable", str(beside / "python"))
    monkeypatch.setenv("PATH", str(elsewhere))
    (told,) = options.missing()
    assert "toxiproxy-server is missing" in told and "go install" in told
    for directory in (elsewhere, beside):
        server = directory / "toxiproxy-server"
        server.write_text("#!/bin/sh\n")
        server.chmod(0o755)
        assert options.missing() == ()
        (found,) = options.programs(CONTEXT)
        assert found.argv[0] == str(server)
    ((_, config),) = found.files.items()
    assert '"listen": "198.18.1.1:7000", "upstream": "198.18.2.2:7000"' in config
