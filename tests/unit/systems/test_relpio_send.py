"""`relpio send`: what is said of its queue, on its command line; and what is refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.ports import System, SystemContext
from halfopen.products import relpio as installed
from halfopen.systems.relpio_receive import RelpioReceive
from halfopen.systems.relpio_send import RelpioSend
from relpio.command.main import main


def queue_options(tmp_path: Path, **given: Any) -> dict[str, str]:
    """The options of its queue on the command line."""
    context = SystemContext(
        host="sender",
        address="198.18.1.1",
        addresses={"receiver": "198.18.2.2"},
        directory=str(tmp_path),
        seed=1,
    )
    options = RelpioSend.model_validate({"to": "receiver", **given})
    argv = options.programs(context)[-1].argv[3:]
    pairs = dict(pairwise(argv))
    return {name: value for name, value in pairs.items() if name.startswith("--queue-")}


def test_it_gets_its_receivers_in_the_order_in_which_they_are_listed(tmp_path: Path) -> None:
    context = SystemContext(
        host="sender",
        address="198.18.1.1",
        addresses={"one": "198.18.3.2", "two": "198.18.2.2"},
        directory=str(tmp_path),
        seed=1,
    )

    def targets(**given: Any) -> list[str]:
        argv = RelpioSend.model_validate(given).programs(context)[-1].argv
        return [value for name, value in pairwise(argv) if name == "--target"]

    assert targets(to=["two", "one"]) == ["198.18.2.2:2514", "198.18.3.2:2514"]
    assert targets(to="one", port=1514) == ["198.18.3.2:1514"]
    assert targets(**{"to": ["two", "one"], "to by name": True}) == ["two:2514", "one:2514"]


@pytest.mark.parametrize("to", [[], ["one", "one"], 7, ["one", 2]])
def test_it_refuses_what_names_no_receivers(to: Any) -> None:
    with pytest.raises(ValidationError, match=r"write for example \[first, second\]"):
        RelpioSend.model_validate({"to": to})


def test_memory_needs_nothing_but_its_size(tmp_path: Path) -> None:
    assert queue_options(tmp_path) == {"--queue-size": "10000"}


def test_no_queue_at_all(tmp_path: Path) -> None:
    assert queue_options(tmp_path, queue="direct")["--queue-type"] == "direct"


def test_every_figure_of_a_queue(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "queue": "disk-assisted",
        "high watermark": 20,
        "low watermark": 10,
        "full delay mark": 0,
        "discard mark": 90,
        "discard severity": 4,
        "max disk space": "64 KiB",
        "max file size": "16 KiB",
        "timeout enqueue": "0 s",
        "worker threads": 3,
        "worker thread minimum messages": 100,
        "timeout worker thread shutdown": "500 ms",
        "dequeue batch size": 10,
        "dequeue slow down": "1 s",
        "dequeue time begin": 8,
        "dequeue time end": 18,
        "save on shutdown": False,
    }
    assert queue_options(tmp_path, **given) == {
        "--queue-size": "10000",
        "--queue-spool-directory": str(tmp_path),
        "--queue-filename": "queue",
        "--queue-high-watermark": "20",
        "--queue-low-watermark": "10",
        "--queue-full-delay-mark": "0",
        "--queue-discard-mark": "90",
        "--queue-discard-severity": "4",
        "--queue-max-disk-space": "65536",
        "--queue-max-file-size": "16384",
        "--queue-timeout-enqueue": "0",
        "--queue-worker-threads": "3",
        "--queue-worker-thread-minimum-messages": "100",
        "--queue-timeout-worker-thread-shutdown": "0.5",
        "--queue-dequeue-batch-size": "10",
        "--queue-dequeue-slow-down": "1",
        "--queue-dequeue-time-begin": "8",
        "--queue-dequeue-time-end": "18",
        "--queue-save-on-shutdown": "off",
    }


def test_relpio_knows_all_of_them(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["send", "--help"])
    assert not ended.value.code
    known = capsys.readouterr().out
    options = queue_options(tmp_path, **{"queue": "disk-assisted", "save on shutdown": False})
    assert all(name in known for name in options)


@pytest.mark.parametrize("given", [{"high watermark": 9}, {"save on shutdown": False}])
def test_what_only_a_disk_assisted_queue_has(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="only a disk-assisted queue"):
        RelpioSend.model_validate({"to": "receiver", "queue": "disk", **given})


@pytest.mark.parametrize("system", [RelpioSend, RelpioReceive])
def test_a_machine_without_relpio_does_not_run_it_and_is_told_how_to_get_it(
    system: type[System], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = system.model_validate({"to": "receiver"} if system is RelpioSend else {})
    assert not options.missing()
    monkeypatch.setattr(installed, "find_spec", lambda _: None)
    assert options.missing() == (f"relpio is not installed: {installed.REMEDY}",)
    assert installed.version() is None
