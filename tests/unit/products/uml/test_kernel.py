"""Which kernel is used, and what is said of one that cannot be."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from halfopen.cli.kernel import app
from halfopen.errors import UnsupportedError
from halfopen.products.uml import kernel

OPTIONS = "\n".join(f"CONFIG_{name}=y" for name in ("UML", *kernel._WANTED)) + "\nCONFIG_HZ=100"

# A program that answers as a kernel does.
FAKE = """\
#!/bin/sh
case "$1" in
--showconfig) cat <<'END'
{options}
END
;;
--version) echo 7.2.13-halfopen ;;
*) echo '{console}'; exit 1 ;;
esac
"""
BOOTS = "Kernel panic: Requested init /halfopen/none failed (error -2)."


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def _give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str = OPTIONS, console: str = BOOTS
) -> Path:
    path = tmp_path / "given"
    path.write_text(FAKE.format(options=options, console=console))
    path.chmod(0o755)
    monkeypatch.setenv(kernel.VARIABLE, str(path))
    return path


def test_a_kernel_that_is_not_built_is_said_with_the_remedy() -> None:
    assert kernel.missing() == ["the kernel is not built: run `halfopen kernel build`"]


def test_a_given_kernel_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _give(tmp_path, monkeypatch)
    assert kernel.kernel_path() == path
    assert kernel.missing() == []
    assert kernel.release(path) == "7.2.13-halfopen"
    assert kernel.ticks(path) == 100


def test_a_given_kernel_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel.VARIABLE, "/nowhere/linux")
    assert kernel.missing() == [
        "HALFOPEN_UML: there is no file /nowhere/linux; unset it, or name a kernel"
    ]


def test_a_file_that_is_no_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _give(tmp_path, monkeypatch, options="")
    assert kernel.missing() == [
        f"{path} is not a User-Mode Linux kernel: run `halfopen kernel build` and unset "
        "HALFOPEN_UML"
    ]
    path.chmod(0o644)
    path.write_text("text")
    assert "is not a User-Mode Linux kernel" in kernel.missing()[0]


def test_a_kernel_without_virtual_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = OPTIONS.replace("UML_TIME_TRAVEL_SUPPORT=y", "UML_TIME_TRAVEL_SUPPORT=n")
    _give(tmp_path, monkeypatch, options=without)
    assert "without CONFIG_UML_TIME_TRAVEL_SUPPORT (virtual time)" in kernel.missing()[0]


def test_a_kernel_that_does_not_run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _give(tmp_path, monkeypatch, console="ptrace: Operation not permitted")
    (problem,) = kernel.missing()
    assert problem.startswith(
        f"{path} does not run on this machine: ptrace: Operation not permitted; it needs ptrace"
    )


def test_too_little_memory_for_a_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _give(tmp_path, monkeypatch)
    usage = shutil.disk_usage(tmp_path)._replace(free=64_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert kernel.missing() == [
        "/dev/shm has 64 MB of free space, and each guest needs 128 MB there: make it larger "
        "(`mount -o remount,size=1G /dev/shm`, `docker run --shm-size=1g`)"
    ]
    monkeypatch.setattr(kernel, "SHARED_MEMORY", tmp_path / "none")
    assert kernel.missing() == []


def test_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert kernel.missing() == ["User-Mode Linux needs an x86-64 processor, and this is aarch64"]


def test_the_command_shows_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _give(tmp_path, monkeypatch)
    shown = CliRunner().invoke(app, ["show"])
    assert shown.exit_code == 0
    assert f"kernel: {path} (7.2.13-halfopen)" in shown.output
    assert CliRunner().invoke(app, ["path"]).output.strip() == str(path)


def test_the_command_says_what_is_missing() -> None:
    shown = CliRunner().invoke(app, ["show"])
    assert shown.exit_code == 3
    assert "(not there)" in shown.output
    assert "missing: the kernel is not built: run `halfopen kernel build`" in shown.output
    found = CliRunner().invoke(app, ["path"])
    assert isinstance(found.exception, UnsupportedError)
