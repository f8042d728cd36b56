"""The rsyslog of other Debian releases, unpacked beside the machine's own for a comparison.

`.ci/rsyslog-releases` puts each into a directory of the Python environment, with the C library and
the modules that it was built for, and a command `rsyslogd` that starts it with those.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

Release = Literal["debian 11", "debian 13", "debian 14"]

OMRELP_HAS_KEEPALIVE: tuple[Release, ...] = ("debian 14",)
"""Where omrelp takes parameters of that name: from 8.2510 on."""

OMFWD_HAS_USER_TIMEOUT: tuple[Release, ...] = ("debian 14",)
"""Where omfwd can ask for TCP_USER_TIMEOUT: from 8.2608 on."""


def rsyslogd(release: Release) -> Path:
    """Where its command is, unpacked or not; absolute."""
    return Path(sys.prefix) / "rsyslog" / release.replace(" ", "-") / "rsyslogd"


def missing(release: Release) -> list[str]:
    """That it was not unpacked, with how to get it; nothing if it was."""
    if rsyslogd(release).exists():
        return []
    return [
        f"the rsyslog of {release} is not installed: .ci/rsyslog-releases unpacks it from Debian's "
        "mirror, or unpack rsyslog, rsyslog-relp and their dependencies, with a command that "
        "starts "
        f"rsyslogd, as {rsyslogd(release)}"
    ]
