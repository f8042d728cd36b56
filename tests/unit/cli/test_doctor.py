"""`halfopen doctor` asks for what faults need, too, and names them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from halfopen.cli import doctor
from halfopen.cli.main import app
from halfopen.labs.agent.actions import clocks
from halfopen.labs.netns.lab import LAB


@pytest.fixture
def without_libfaketime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clocks, "_PLACES", (str(tmp_path),))


def told(monkeypatch: pytest.MonkeyPatch, *missing: str) -> list[dict[str, object]]:
    """What doctor says is lacking, where the lab lacks `missing` itself."""
    monkeypatch.setattr(
        doctor, "all_labs", lambda: {"netns": replace(LAB, missing=lambda: missing)}
    )
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == (3 if missing else 0), done.output
    found = json.loads(done.output)["lacking"]
    assert isinstance(found, list)
    return found


@pytest.mark.usefixtures("without_libfaketime")
def test_a_library_that_faults_need_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = [each for each in told(monkeypatch) if "libfaketime" in str(each["remedy"])]
    assert found["lab"] == "netns"
    assert found["faults"] == ["clock step"]
    monkeypatch.setenv("COLUMNS", "300")
    shown = CliRunner().invoke(app, ["doctor"]).output
    assert "for clock step: libfaketimeMT.so.1 is missing: install the package libfaketime" in shown


@pytest.mark.usefixtures("without_libfaketime")
def test_of_a_lab_that_does_not_work_nothing_more_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, "no user namespaces") == []


def test_what_is_there_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / "lib/x/faketime/libfaketimeMT.so.1"
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setattr(clocks, "_PLACES", (str(tmp_path),))
    assert not [each for each in told(monkeypatch) if "libfaketime" in str(each["remedy"])]


def test_a_remedy_is_shown_as_it_must_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "all_labs", dict)
    monkeypatch.setattr(doctor, "_products", lambda: {"librdkafka": (None, "pip install 'h[k]'")})
    assert "pip install 'h[k]'" in CliRunner().invoke(app, ["doctor"]).output
