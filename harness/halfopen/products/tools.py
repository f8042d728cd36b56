"""Where the system's administration tools are looked for."""

from __future__ import annotations

import os

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
"""`PATH`, and what is not on an ordinary user's path on Debian, where `nft` and `tcpdump` are."""
