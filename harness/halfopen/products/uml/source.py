"""What the kernel is built from: a source package of Debian, a configuration and a patch.

The package is pinned by its SHA-256, so it does not matter from which mirror it comes; Debian's
archive of snapshots keeps it when the mirrors have a newer one.
"""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from halfopen.errors import UnsupportedError

Open = Callable[[str], BinaryIO]
"""Opens a URL for reading; raises OSError if it cannot."""

_TIMEOUT_S = 60.0
_PIECE = 1 << 20


@dataclass(frozen=True)
class SourcePackage:
    """A Debian package with the source of a kernel.

    Attributes:
        version: of the kernel, as the name of the archive inside has it: `7.2`.
        revision: of the package.
        size: bytes.
        sha256: of the package.
        mirrors: URLs to which the path of the package is added, in the order of preference.
    """

    version: str
    revision: str
    size: int
    sha256: str
    mirrors: tuple[str, ...]

    @property
    def file(self) -> str:
        """The name of the package's file."""
        return f"linux-source-{self.version}_{self.revision}_all.deb"

    @property
    def archive(self) -> str:
        """Where the source is inside the package."""
        return f"./usr/src/linux-source-{self.version}.tar.xz"

    @property
    def urls(self) -> tuple[str, ...]:
        """From where it can be downloaded."""
        return tuple(f"{mirror}/pool/main/l/linux/{self.file}" for mirror in self.mirrors)


PACKAGE = SourcePackage(
    version="7.2",
    revision="7.2.13-1",
    size=164_108_840,
    sha256="30a8c5fc63f9028a62e6d7b3f7f43bee67425dbce2a05fceba83f9b87c92083d",
    mirrors=(
        "http://deb.debian.org/debian",
        "http://snapshot.debian.org/archive/debian/20261126T000000Z",
    ),
)
"""Debian's Linux 7.2: seccomp mode and virtual time work together, without a patch."""

CONFIGURATION = Path(__file__).with_name("warp.config")
"""What is added to the smallest configuration (`make ARCH=um tinyconfig`)."""

PATCH = Path(__file__).with_name("seeded-random.patch")
"""Gives the kernel random numbers from a seed; it is under the kernel's licence, GPL-2.0."""


def identity() -> str:
    """Sixteen digits that change with anything that the kernel is made from."""
    digest = hashlib.sha256(PACKAGE.sha256.encode())
    for file in (CONFIGURATION, PATCH):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def fetch(directory: Path, say: Callable[[str], None], open_url: Open | None = None) -> Path:
    """Bring the package into a directory, unless it is there; returns its path.

    Args:
        directory: which is there.
        say: is told what goes on.
        open_url: opens a URL.

    Raises:
        UnsupportedError: if no mirror has it whole; with the reason for each.
    """
    target = directory / PACKAGE.file
    if target.exists() and _sha256(target) == PACKAGE.sha256:
        return target
    part = target.with_suffix(".part")
    failures = []
    try:
        for url in PACKAGE.urls:
            say(f"downloading {url} ({PACKAGE.size / 1e6:.0f} MB)")
            if problem := _download(url, part, open_url or _open):
                failures.append(f"{url}: {problem}")
                continue
            part.rename(target)
            return target
    finally:
        part.unlink(missing_ok=True)
    raise UnsupportedError(
        "the source of the kernel could not be downloaded: "
        + "; ".join(failures)
        + f"; put {PACKAGE.file} (SHA-256 {PACKAGE.sha256}) into {directory} by hand"
    )


def _download(url: str, to: Path, open_url: Open) -> str | None:
    """Download into a file; returns what is wrong with what came, None if nothing is."""
    try:
        with open_url(url) as answer, to.open("wb") as file:
            shutil.copyfileobj(answer, file, _PIECE)
    except OSError as error:  # URLError is one
        return str(error)
    size = to.stat().st_size
    if size != PACKAGE.size:
        return f"the download ended after {size} of {PACKAGE.size} bytes"
    if (found := _sha256(to)) != PACKAGE.sha256:
        return f"its SHA-256 is {found}, not {PACKAGE.sha256}"
    return None


def _open(url: str) -> BinaryIO:
    try:
        answer: BinaryIO = urllib.request.urlopen(url, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            raise OSError(f"{error.code} {error.reason}") from None
    return answer


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
