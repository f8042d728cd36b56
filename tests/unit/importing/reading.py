"""Reads texts as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfopen.errors import InputError
from halfopen.importing import Facts, read_inputs


def read(directory: Path, **texts: str | bytes) -> Facts:
    """The facts in texts, each given under its kind; the file is called like the kind."""
    files = []
    for kind, text in texts.items():
        path = directory / kind
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        files.append((kind, path))
    return read_inputs(files)


def refused(directory: Path, **texts: str | bytes) -> str:
    """What is said of texts that cannot be read, without the directory."""
    with pytest.raises(InputError) as caught:
        read(directory, **texts)
    return str(caught.value).replace(f"{directory}/", "")
