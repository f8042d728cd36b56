"""The Docker engine, and plain words for what keeps us from it."""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, DockerException, ImageNotFound

from halfopen.errors import LabError, UnsupportedError
from halfopen.products.images import PREFIX, our_image

HELPER_IMAGE = our_image("helper")
"""Ours: Python and the tools that plug links and read namespaces; our programs run in it too."""

_TIMEOUT_S = 60


def connect() -> docker.DockerClient:
    """A client of the engine that `DOCKER_HOST` names, else of the machine's own.

    Raises:
        UnsupportedError: if there is no engine, or we may not speak with it.
    """
    try:
        _knock()
        client = docker.from_env(timeout=_TIMEOUT_S)
    except (DockerException, OSError) as error:
        raise UnsupportedError(_explain(error)) from None
    try:
        client.ping()
    except (DockerException, OSError) as error:
        client.close()
        raise UnsupportedError(_explain(error)) from None
    return client


def _where() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def _knock() -> None:
    """Connects to the engine's Unix socket; docker 7 leaves its own open where nobody answers."""
    kind, _, path = _where().partition("://")
    if kind in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as found:
            found.settimeout(_TIMEOUT_S)
            found.connect(f"/{path.lstrip('/')}")


def _explain(error: Exception) -> str:
    where = _where()
    text = repr(error) if isinstance(error, OSError) else str(error)  # the type says it all
    if "PermissionError" in text or "Permission denied" in text:
        return (
            f"no permission on the Docker engine's socket ({where}): join the group "
            "`docker` (`sudo usermod -aG docker $USER`, then log in again)"
        )
    if "FileNotFoundError" in text or "ConnectionRefused" in text or "Connection refused" in text:
        return (
            f"no Docker engine answers at {where}: install one (Debian: `apt-get install "
            "docker.io`) and start it (`systemctl start docker`, or `dockerd`), or set DOCKER_HOST"
        )
    return f"the Docker engine at {where} does not answer: {text}"


def helper_problem(client: docker.DockerClient) -> str | None:
    """Why the helper image cannot be used, with the remedy; None if it can."""
    try:
        client.images.get(HELPER_IMAGE)
    except ImageNotFound:
        return missing_image(HELPER_IMAGE)
    return None


def missing_image(image: str) -> str:
    """That an image is missing, and where it comes from."""
    if image.startswith(PREFIX):
        return f"the image {image} is missing: run `make images` in halfopen's source tree"
    return f"the image {image} is missing: run `docker pull {image}`, or build it"


@contextmanager
def translate_engine_errors(doing: str) -> Iterator[None]:
    """Turns what the engine says when it refuses something into our errors.

    Args:
        doing: what we were about to do, for example `start relpio-send on sender`.

    Raises:
        UnsupportedError: if an image is missing, or does not hold the program.
        LabError: for anything else.
    """
    try:
        yield
    except ImageNotFound as error:
        found = re.search(r"[Nn]o such image: (\S+)", error.explanation or "")
        image = found[1].strip("\"'") if found else "asked for"
        raise UnsupportedError(f"cannot {doing}: {missing_image(image)}") from None
    except APIError as error:
        said = str(error.explanation or error)
        if found := re.search(r'exec: \\?"([^"\\]*)\\?": (.*)', said):
            raise UnsupportedError(
                f"cannot {doing}: its image holds no program {found[1]!r} ({found[2]}); an image "
                "without a shell needs the program itself, by its path, as `command`"
            ) from None
        raise LabError(f"cannot {doing}: the engine says: {said}") from None
    except DockerException as error:
        raise LabError(f"cannot {doing}: {error}") from None
    except OSError as error:  # requests' exceptions among them: the engine went away
        raise LabError(f"cannot {doing}: {_explain(error)}") from None


def this_node() -> str:
    """Names the machine, and the PID namespace on it, in which our process ids mean something."""
    try:
        return f"{platform.node()}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116
    except OSError:  # not Linux: there is one for the machine
        return platform.node()
