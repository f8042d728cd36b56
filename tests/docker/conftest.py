"""What the tests that need a Docker engine share."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from halfopen.labs.docker.engine import connect, missing_image
from halfopen.labs.docker.lab import missing
from halfopen.products.images import our_image


@pytest.fixture(scope="session")
def images() -> None:
    """Skip, with the reason, where no engine answers or our images are missing."""
    problems = list(missing())
    if not problems:
        client = connect()
        names = [our_image(name) for name in ("relpio", "rsyslog")]
        there = {tag for image in client.images.list() for tag in image.tags}
        problems = [missing_image(name) for name in names if name not in there]
        client.close()
    if problems:
        pytest.skip("; ".join(problems))


@pytest.fixture
def client(images: None) -> Iterator[docker.DockerClient]:
    """A client of the engine."""
    client = connect()
    yield client
    client.close()
