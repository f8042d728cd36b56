"""An engine that does not answer: said in plain words, and nothing of ours stays open."""

from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path

import pytest

from halfopen.errors import UnsupportedError
from halfopen.labs.docker.engine import connect


@pytest.mark.parametrize("there", [False, True], ids=["no socket", "a dead one"])
def test_an_engine_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: bool
) -> None:
    path = tmp_path / "docker.sock"
    if there:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        with pytest.raises(UnsupportedError, match=f"no Docker engine answers at unix://{path}"):
            connect()
        gc.collect()
    assert [str(each.message) for each in warned] == []
