"""Two ends of a channel: requests, refusals, notices and the death of one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.errors import LabError, UnsupportedError
from halfopen.labs.rpc import Lines, Message, Peer, encode


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        asyncio.run(test(*given, **named))

    return run


class Owner:
    """Does what is asked of it."""

    def __init__(self) -> None:
        self.noted: list[Any] = []
        self.peer: Peer

    async def do_double(self, message: Message) -> Any:
        return message["value"] * 2

    async def do_ask_back(self, message: Message) -> Any:
        return await self.peer.call("double", value=message["value"])

    async def do_fail(self, message: Message) -> None:
        errors = {"lab": LabError, "unsupported": UnsupportedError, "os": OSError, "bug": KeyError}
        raise errors[message["how"]]("told so")

    async def do_sleep(self, _: Message) -> None:
        await asyncio.sleep(60)

    def on_note(self, message: Message) -> None:
        self.noted.append(message["value"])


def pair() -> tuple[Owner, Owner]:
    left, right = Owner(), Owner()
    left.peer = Peer(left, lambda line: right.peer.take(line), lambda: "right died: oh")
    right.peer = Peer(right, lambda line: left.peer.take(line), lambda: "left died: ah")
    return left, right


@in_a_loop
async def test_either_side_may_ask() -> None:
    left, _ = pair()
    assert await left.peer.call("double", value=21) == 42
    assert await left.peer.call("ask_back", value="ab") == "abab"


@pytest.mark.parametrize(
    ("how", "kind"),
    [("lab", LabError), ("unsupported", UnsupportedError), ("os", LabError), ("bug", LabError)],
)
@in_a_loop
async def test_an_error_keeps_its_class_and_its_words(how: str, kind: type[Exception]) -> None:
    left, _ = pair()
    with pytest.raises(kind, match="told so") as caught:
        await left.peer.call("fail", how=how)
    assert type(caught.value) is kind


@in_a_loop
async def test_what_the_other_end_does_not_know_is_refused() -> None:
    left, _ = pair()
    with pytest.raises(LabError, match="unknown request 'fly'"):
        await left.peer.call("fly")


@in_a_loop
async def test_notices_come_in_order() -> None:
    left, right = pair()
    for value in range(5):
        left.peer.notify("note", value=value)
    assert right.noted == [0, 1, 2, 3, 4]


@in_a_loop
async def test_an_answer_that_takes_too_long_is_an_error() -> None:
    left, right = pair()
    with pytest.raises(LabError, match=r"no answer to the request 'sleep' within 0\.01 s"):
        await left.peer.call("sleep", within=0.01)
    await right.peer.close()


@in_a_loop
async def test_nobody_waits_for_the_dead() -> None:
    left, right = pair()
    waiting = asyncio.create_task(left.peer.call("sleep"))
    await asyncio.sleep(0.01)
    left.peer.end()
    for work in (waiting, left.peer.call("double", value=1)):
        with pytest.raises(LabError, match="right died: oh"):
            await work
    await right.peer.close()


@in_a_loop
async def test_a_pipe_that_is_broken_is_a_death() -> None:
    def write(_: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(LabError, match="its last words"):
        await Peer(Owner(), write, lambda: "its last words").call("double", value=1)


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers())), st.lists(st.integers(0, 400))
)
def test_pieces_of_any_size_make_the_same_messages(
    messages: list[dict[str, Any]], cuts: list[int]
) -> None:
    data, lines = b"".join(encode(each) for each in messages), Lines()
    ends = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = [m for a, b in pairwise(ends) for m in lines.feed(data[a:b])]
    assert found == messages
