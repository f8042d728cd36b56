"""How often a lab looks at its hosts."""

from __future__ import annotations

from typing import Final

SAMPLE_S: Final = 0.25
"""Seconds between two samples, and so the lateness of what a lab itself times."""

HEARTBEAT_S: Final = 1.0
"""Seconds after which a sample is recorded even if nothing has changed."""
