"""The state tables, and the diagrams drawn from them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from relpio import LocalProtocolError
from relpio.protocol.states import (
    CLIENT_TRANSITIONS,
    SERVER_TRANSITIONS,
    ClientInput,
    ClientState,
    ServerInput,
    ServerState,
    mermaid,
    step,
)

TABLES: list[tuple[Mapping[Any, Mapping[Any, Any]], type[Enum], type[Enum]]] = [
    (CLIENT_TRANSITIONS, ClientState, ClientInput),
    (SERVER_TRANSITIONS, ServerState, ServerInput),
]
PAGE = Path(__file__).parents[4] / "docs" / "relpio.md"


@pytest.mark.parametrize(("table", "states", "inputs"), TABLES)
def test_every_state_has_a_row_and_every_input_an_entry(
    table: Mapping[Any, Mapping[Any, Any]], states: type[Enum], inputs: type[Enum]
) -> None:
    assert set(table) == set(states)
    assert {happened for row in table.values() for happened in row} == set(inputs)


@pytest.mark.parametrize(("table", "states", "inputs"), TABLES)
def test_every_state_can_be_reached_and_left_for_an_end(
    table: Mapping[Any, Mapping[Any, Any]], states: type[Enum], inputs: type[Enum]
) -> None:
    seen, todo = set(), [next(iter(states))]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += table[state].values()
    assert seen == set(states)
    assert all(not row or any(not table[target] for target in row.values())
               for row in table.values())  # fmt: skip


def test_step() -> None:
    assert step(CLIENT_TRANSITIONS, ClientState.IDLE, ClientInput.SEND_OPEN) is ClientState.OPENING
    with pytest.raises(LocalProtocolError, match='"send open" is not possible in state "lost"'):
        step(CLIENT_TRANSITIONS, ClientState.LOST, ClientInput.SEND_OPEN)


@pytest.mark.parametrize("table", [CLIENT_TRANSITIONS, SERVER_TRANSITIONS])
def test_the_documentation_shows_the_generated_diagrams(
    table: Mapping[Any, Mapping[Any, Any]],
) -> None:
    assert f"```mermaid\n{mermaid(table)}```\n" in PAGE.read_text()
