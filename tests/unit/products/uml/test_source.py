"""The source package: fetched whole from some mirror, or not at all."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from halfopen.errors import UnsupportedError
from halfopen.products.uml import source

WHOLE = b"the package" * 1000
FIRST, SECOND = "http://first", "http://second"


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> source.SourcePackage:
    small = replace(
        source.PACKAGE,
        size=len(WHOLE),
        sha256=hashlib.sha256(WHOLE).hexdigest(),
        mirrors=(FIRST, SECOND),
    )
    monkeypatch.setattr(source, "PACKAGE", small)
    return small


class Mirrors:
    """Mirrors that have what they are told to have, and know what they were asked for."""

    def __init__(self, **content: bytes | None) -> None:
        self.content = content
        self.asked: list[str] = []

    def __call__(self, url: str) -> BinaryIO:
        name = url.removeprefix("http://").partition("/")[0]
        self.asked.append(name)
        data = self.content[name]
        if data is None:
            raise OSError("404 Not Found")
        return io.BytesIO(data)


def test_a_package_comes_from_the_first_mirror(tmp_path: Path) -> None:
    mirrors, said = Mirrors(first=WHOLE, second=WHOLE), list[str]()
    found = source.fetch(tmp_path, said.append, mirrors)
    assert found.read_bytes() == WHOLE
    assert mirrors.asked == ["first"]
    assert said == [f"downloading {source.PACKAGE.urls[0]} (0 MB)"]


def test_a_package_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    mirrors = Mirrors(first=WHOLE)
    source.fetch(tmp_path, lambda _: None, mirrors)
    source.fetch(tmp_path, lambda _: None, mirrors)
    assert mirrors.asked == ["first"]


@pytest.mark.parametrize(
    "bad", [None, WHOLE[:-1], WHOLE[:-1] + b"!"], ids=["not there", "torn", "another"]
)
def test_what_one_mirror_lacks_another_may_have(bad: bytes | None, tmp_path: Path) -> None:
    mirrors = Mirrors(first=bad, second=WHOLE)
    assert source.fetch(tmp_path, lambda _: None, mirrors).read_bytes() == WHOLE
    assert mirrors.asked == ["first", "second"]


def test_what_no_mirror_has_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    mirrors = Mirrors(first=WHOLE[:100], second=WHOLE[:-1] + b"!")
    with pytest.raises(UnsupportedError) as told:
        source.fetch(tmp_path, lambda _: None, mirrors)
    assert f"the download ended after 100 of {len(WHOLE)} bytes" in str(told.value)
    assert f"its SHA-256 is {hashlib.sha256(WHOLE[:-1] + b'!').hexdigest()}" in str(told.value)
    assert "by hand" in str(told.value)
    assert told.value.exit_status == 3
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_package_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / source.PACKAGE.file).write_bytes(WHOLE[:-1])
    found = source.fetch(tmp_path, lambda _: None, Mirrors(first=WHOLE))
    assert found.read_bytes() == WHOLE


def test_identity_changes_with_the_source_the_configuration_and_the_patch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = {source.identity()}
    for name in ("CONFIGURATION", "PATCH"):
        other = tmp_path / name
        other.write_bytes(getattr(source, name).read_bytes() + b"\n")
        monkeypatch.setattr(source, name, other)
        found.add(source.identity())
    monkeypatch.setattr(source, "PACKAGE", replace(source.PACKAGE, sha256="0" * 64))
    found.add(source.identity())
    assert len(found) == 4
