"""What a scenario says of a host's container: its image, and what its programs may have."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from halfopen.fields import Bytes, Section

# A registry's host, a path, a tag or digest: what `docker run` takes.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,254}")


def _image(value: str) -> str:
    if not _IMAGE.fullmatch(value):
        raise ValueError(f"{value!r} is not an image; write for example rsyslog/rsyslog:8.2504")
    return value


class Limits(Section):
    """What each program of the host may have.

    Attributes:
        nofile: file descriptors (RLIMIT_NOFILE, soft and hard).
        memory: above which the kernel kills it; there is no swap beside it.
        cpu: processors, 0.5 for half the time of one.
    """

    nofile: int | None = Field(default=None, ge=16, le=1 << 20)
    # What the engine takes at least.
    memory: Annotated[Bytes, Field(ge=6 << 20)] | None = None
    cpu: float | None = Field(default=None, gt=0, le=1024)


class ContainerKeys(Section):
    """The keys of a host that only labs of containers can follow.

    Attributes:
        image: that its programs come in; without it they are of the lab's own images.
        limits: of what they may have.
    """

    image: Annotated[str, AfterValidator(_image)] | None = None
    limits: Limits = Limits()
