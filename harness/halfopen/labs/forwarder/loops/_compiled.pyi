from collections.abc import Mapping

from halfopen.labs.forwarder.loops.pure import Memory, Vectors

VERSION: int

class Way:
    open: bool
    sent: int
    acked: int
    turn: int

    def __init__(self, key: bytes | None, address_change: int, change: int, /) -> None: ...

def forward(
    memory: Memory,
    address: int,
    slots: tuple[int, int, int, int],
    ways: Mapping[bytes, Way],
    link: tuple[bytes, bytes, int],
    turn: int,
    vectors: Vectors,
    at: int,
    /,
) -> tuple[int, list[Way]]: ...
def give_back(memory: Memory, slots: tuple[int, int, int, int], /) -> None: ...
