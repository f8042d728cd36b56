"""The releases of Kafka that scenarios can name, where their jars are, and how they get there.

The jars come from Maven Central, by Maven with the user's own settings, into the user's cache:
`$XDG_CACHE_HOME/halfopen/kafka` (`~/.cache/halfopen/kafka`).  A directory that is there is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from halfopen.errors import UnsupportedError
from halfopen.products.images import our_image

Release = Literal["0.8.2", "current"]
RELEASES: tuple[Release, ...] = ("0.8.2", "current")

IMAGE = our_image("kafka")
"""Ours, for labs of containers (compose/images)."""

IN_IMAGE = PurePosixPath("/opt/kafka")
"""In it, a directory for each release."""

FETCH = "python -m halfopen.products.kafka"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_MAVEN_TIMEOUT_S = 600

# A JVM that starts fast rather than runs fast: two cores may be shared by many.
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def pom(release: Release) -> Path:
    """The file that says what belongs to a release."""
    return Path(__file__).parent / "poms" / f"{release}.xml"


def jars(release: Release) -> Path:
    """The directory with the jars of a release, whether it is there or not."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    # What belongs to a release can change; then it is another directory.
    mark = hashlib.sha256(pom(release).read_bytes()).hexdigest()[:8]
    return Path(cache) / "halfopen" / "kafka" / f"{release}-{mark}"


def class_archive(release: Release) -> Path | None:
    """Where classes of a release are written down for this machine's JVM, whether they are or not.

    None if there is no JVM.  See :mod:`halfopen.products.kafka.class_archive`.
    """
    found = shutil.which("java")
    if found is None:
        return None
    program = Path(found).resolve()
    # Another JVM, or a newer one at the same place, has an archive of its own.
    identity = f"{program} {program.stat().st_mtime_ns}"
    return jars(release) / f"classes-{hashlib.sha256(identity.encode()).hexdigest()[:8]}.jsa"


def missing_java(release: Release) -> Sequence[str]:
    """What this machine lacks to run a Java program of a release, each with its remedy."""
    lacking = []
    if shutil.which("java") is None:
        lacking.append("Java is missing: install the package default-jre-headless")
    if not jars(release).is_dir():
        maven = "" if shutil.which("mvn") else " (it needs the package maven)"
        lacking.append(f"the jars of Kafka {release} are missing: run `{FETCH}`{maven}")
    return lacking


def version(release: Release) -> str | None:
    """The exact version that is found here, None if none is: `0.8.2.2`."""
    found = sorted(jars(release).glob("kafka_2.*.jar"))
    return found[0].stem.partition("-")[2] if found else None


def java(
    release: Release,
    main: str,
    *arguments: str,
    heap: int,
    contained: bool = False,
    **properties: str,
) -> list[str]:
    """The argument list that runs a class of a release.

    Args:
        release: which.
        main: the class.
        arguments: of the program.
        heap: MiB.
        contained: it runs in our image, not on this machine.
        properties: of the JVM; a dot in a name is written as two underscores.
    """
    defines = [f"-D{name.replace('__', '.')}={value}" for name, value in properties.items()]
    place = IN_IMAGE / release if contained else jars(release)
    program = "java" if contained else shutil.which("java") or "java"
    shared = []
    if not contained and (archive := class_archive(release)) is not None and archive.is_file():
        # One that the JVM cannot use, it passes over; what it says of that is nobody's concern.
        shared = [f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    options = [*_JVM, *shared, f"-Xmx{heap}m", *defines]
    return [program, *options, "-cp", f"{place}/*", main, *arguments]


def fetch(release: Release) -> Path:
    """Bring the jars of a release here, unless they are here already; returns their directory.

    Raises:
        UnsupportedError: if there is no Maven, or it cannot resolve them; with what it said.
    """
    target = jars(release)
    if target.is_dir():
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise UnsupportedError("Maven is missing: install the package maven")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{release}-") as work:
        into = Path(work) / "jars"
        command = [maven, "--batch-mode", "--quiet", "--file", str(pom(release)), _COPY]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={into}"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_MAVEN_TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                cwd=work,
            )
        except subprocess.TimeoutExpired:
            raise UnsupportedError(f"Maven took longer than {_MAVEN_TIMEOUT_S} s") from None
        if done.returncode or not into.is_dir():
            said = (done.stdout + done.stderr).strip() or "(nothing)"
            raise UnsupportedError(f"Maven cannot download Kafka {release}; its output:\n{said}")
        try:
            into.rename(target)
        except OSError:
            if not target.is_dir():  # another process was faster
                raise
    return target
