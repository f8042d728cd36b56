"""The data of a `rsp` frame: a code, a text for people, and data for the command.

rsp data = 3DIGIT SP text [LF cmddata]
"""

from __future__ import annotations

from typing import NamedTuple

from relpio.errors import RemoteProtocolError

__all__ = ["ACCEPTED", "MAX_TEXT", "REFUSED", "Response", "encode_response", "parse_response"]

ACCEPTED = 200
REFUSED = 500

MAX_TEXT = 80
"""Characters of text; librelp takes what is longer for offers."""


class Response(NamedTuple):
    """An answer to a command. Any code but 200 means that the command failed."""

    code: int
    text: bytes
    data: bytes


def parse_response(data: bytes) -> Response:
    """Read the data of a `rsp` frame. The space after the code may be missing, if all is.

    Raises:
        RemoteProtocolError: there is no code of three digits.
    """
    head, _, rest = data.partition(b"\n")
    code, _, text = head.partition(b" ")
    if len(code) != 3 or not code.isdigit():
        raise RemoteProtocolError(f"no three-digit code at the start of rsp {data[:40]!r}")
    return Response(int(code), text, rest)


def encode_response(code: int, text: str, data: bytes = b"") -> bytes:
    """Write the data of a `rsp` frame; a text above 80 characters is cut, its LFs replaced."""
    words = text.encode("ascii", "replace").replace(b"\n", b" ")[:MAX_TEXT]
    head = b"%03d %b" % (code, words)
    return head + b"\n" + data if data else head
