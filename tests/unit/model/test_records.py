"""The definitions of records, and the page that is made from them."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import pytest

from halfopen.model.records import KINDS, SocketFields
from halfopen.model.records.page import documented, page

DOCS = Path(__file__).parents[3] / "docs/history.md"


@pytest.mark.parametrize("definition", [*KINDS.values(), SocketFields])
def test_every_field_is_explained_and_nothing_else(definition: type) -> None:
    fields = get_type_hints(definition).keys() - {"kind"}
    assert documented(definition).keys() == fields
    assert all(documented(definition).values())


def test_the_page_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), "run `make schema`"
