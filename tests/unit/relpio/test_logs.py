"""The two forms of the log."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from relpio import (
    JsonLog,
    TextLog,
)

if TYPE_CHECKING:
    pass


def test_logs() -> None:
    stream = io.StringIO()
    JsonLog(stream)("backoff", seconds=1.5)
    record = json.loads(stream.getvalue())
    assert (record["event"], record["seconds"]) == ("backoff", 1.5)
    assert isinstance(record["t"], float)
    stream = io.StringIO()
    log = TextLog(stream)
    log("session-lost", reason="eof", unacknowledged=3)
    log("accept-resumed")
    log("error", detail="what is wrong")
    assert stream.getvalue() == (
        "relpio: session lost: reason eof, unacknowledged 3\n"
        "relpio: accept resumed\nrelpio: what is wrong\n"
    )
    stream.close()


def test_the_words_of_a_peer_forge_no_line_and_drive_no_terminal() -> None:
    stream = io.StringIO()
    TextLog(stream)("refused", text="no\nrelpio: all is well\x1b[2J\x9b \u202e")
    assert stream.getvalue() == (
        "relpio: refused: text no\\nrelpio: all is well\\x1b[2J\\x9b \\u202e\n"
    )
