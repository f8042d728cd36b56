"""The build: shared by all who ask for it, and gone without a trace if it fails."""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import multiprocessing
import os
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from halfopen.errors import UnsupportedError
from halfopen.products.uml import build as building
from halfopen.products.uml import source
from halfopen.products.uml.build import build
from halfopen.products.uml.kernel import built_path, cache

CONFIGURATION = "CONFIG_UML_TIME_TRAVEL_SUPPORT=y\n# CONFIG_SMP is not set\n"

# What stands for the kernel's source: its Makefile notes each build.
MAKEFILE = """\
tinyconfig:
\t@echo 'CONFIG_UML=y' >.config
olddefconfig:
\t@true
linux:
\t@echo built >>{log}
\t@sleep 0.3
\t@cp {program} linux
"""
MERGE = '#!/bin/sh\ncat "$3" >>"$2"\n'


def _package(directory: Path, makefile: str) -> Path:
    """A Debian package with a source tree in it."""
    tree = directory / "linux-source-7.2"
    (tree / "scripts/kconfig").mkdir(parents=True)
    (tree / "Makefile").write_text(makefile)
    (tree / "random.c").write_text("host\n")
    merge = tree / "scripts/kconfig/merge_config.sh"
    merge.write_text(MERGE)
    merge.chmod(0o755)
    inner = directory / "usr/src/linux-source-7.2.tar.xz"
    inner.parent.mkdir(parents=True)
    with tarfile.open(inner, "w:xz") as archive:
        archive.add(tree, "linux-source-7.2")
    with tarfile.open(directory / "data.tar", "w") as archive:
        archive.add(inner, "./usr/src/linux-source-7.2.tar.xz")
    (directory / "data.tar.xz").write_bytes(lzma.compress((directory / "data.tar").read_bytes()))
    package = directory / "package.deb"
    subprocess.run(["ar", "rc", str(package), str(directory / "data.tar.xz")], check=True)
    return package


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "builds"


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source package, already fetched, in a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, text in {
        "warp.config": CONFIGURATION,
        "one.patch": "--- a/random.c\n+++ b/random.c\n@@ -1 +1 @@\n-host\n+seed\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(source, "CONFIGURATION", tmp_path / "warp.config")
    monkeypatch.setattr(source, "PATCH", tmp_path / "one.patch")
    # The tools of the machine do not matter: only make, tar, xz, patch and binutils are used.
    monkeypatch.setattr(building, "lacking", list)
    _put(tmp_path / "package", MAKEFILE.format(log=log, program="/bin/true"), monkeypatch)
    return tmp_path / "package"


def _put(directory: Path, makefile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir()
    data = _package(directory, makefile).read_bytes()
    package = replace(source.PACKAGE, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    monkeypatch.setattr(source, "PACKAGE", package)
    cache().mkdir(parents=True, exist_ok=True)
    (cache() / package.file).write_bytes(data)


def _names() -> list[str]:
    return sorted(each.name for each in cache().iterdir())


def test_a_kernel_is_built_once(log: Path) -> None:
    said: list[str] = []
    path = build(said.append)
    assert path == built_path()
    assert os.access(path, os.X_OK)
    assert said == ["unpacking it (1.8 GB)", "compiling 840 files: 5 to 15 minutes"]
    assert _names() == [path.name, "lock"]
    assert build(said.append) == path
    assert log.read_text() == "built\n"


def test_two_builds_at_once_share_one(log: Path) -> None:
    fork = multiprocessing.get_context("fork")
    builders = [fork.Process(target=build, args=(lambda _: None,)) for _ in range(2)]
    for each in builders:
        each.start()
    for each in builders:
        each.join(30)
        assert each.exitcode == 0
    assert log.read_text() == "built\n"


def test_one_that_waits_for_another_says_so(log: Path) -> None:
    with (cache() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said: list[str] = []

        def heard(text: str) -> None:
            said.append(text)
            fcntl.flock(file, fcntl.LOCK_UN)

        build(heard)
    assert said[0] == "another build is under way: waiting for it"


def test_what_a_killed_build_left_is_removed() -> None:
    left = cache() / "building-killed"
    left.mkdir()
    (left / "half").write_text("a kernel")
    build(lambda _: None)
    assert not left.exists()


def test_a_failed_build_says_its_last_words_and_leaves_only_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = MAKEFILE.replace("\t@sleep 0.3\n", "\t@echo no space; exit 1\n")
    _put(tmp_path / "broken", broken.format(log="/dev/null", program="/bin/true"), monkeypatch)
    for left in cache().iterdir():
        if left.name != source.PACKAGE.file:
            left.unlink()
    with pytest.raises(
        UnsupportedError, match=r"make ended with 2; its last words:\nno space"
    ) as e:
        build(lambda _: None)
    assert e.value.exit_status == 3
    assert _names() == [source.PACKAGE.file, "lock"]


def test_an_option_that_the_kernel_does_not_take_over_is_named(tmp_path: Path) -> None:
    assert building._refused("CONFIG_SMP=y\n") == ["CONFIG_UML_TIME_TRAVEL_SUPPORT=y"]


def test_a_package_that_cannot_be_unpacked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"!<arch>\n"
    package = replace(source.PACKAGE, sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(source, "PACKAGE", package)
    (cache() / package.file).write_bytes(data)
    with pytest.raises(UnsupportedError, match="could not be unpacked: tar: xz"):
        build(lambda _: None)
    assert not list(cache().glob("building-*"))


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [("_ROOM", 10**18, "GB of free space"), ("_MEMORY", 10**18, "MB of memory are available")],
)
def test_too_little_room_is_said_before_anything_is_done(
    what: str, value: int, words: str, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, what, value)
    with pytest.raises(UnsupportedError, match=words):
        build(lambda _: None)
    assert not log.exists()


def test_missing_tools_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "the program flex is missing: install the package flex" in building.lacking()
    assert "the program xz is missing: install the package xz-utils" in building.lacking()
