"""What the tests that need namespaces share."""

from __future__ import annotations

import pytest

from halfopen.labs.netns import sandbox


@pytest.fixture(scope="session")
def netns() -> None:
    """Skip, with the reason, where the netns lab does not work."""
    if problems := sandbox.missing():
        pytest.skip(f"needs the netns lab: {'; '.join(problems)}")
