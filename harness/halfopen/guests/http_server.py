"""An HTTP/1.1 server that keeps connections open, and answers a POST with what it was sent.

`python -m halfopen.guests.http_server --listen HOST:PORT --output FILE`

The body of each POST is a line of the output, written before it is answered.  Any other request is
answered too; its body is empty.  On standard error, JSON Lines: `listening`, then `session-open`
and `session-lost` for each connection.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from halfopen.guests._tcp import (
    add_socket_options,
    endpoint,
    log,
    raise_fd_limit,
    reason,
    seconds,
    set_options,
    shown,
)


class _Handler(BaseHTTPRequestHandler):
    """One connection, with all its requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer leave together
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.options.idle_timeout)
        set_options(
            self.connection, self.server.options.keepalive, self.server.options.user_timeout
        )

    def handle(self) -> None:
        peer = shown(self.client_address)
        log("session-open", peer=peer)
        lost: BaseException | None = None
        try:
            super().handle()
        except OSError as error:
            lost = error
        log("session-lost", peer=peer, reason=reason(lost))

    def do_GET(self) -> None:
        """Answer, with nothing to write down."""
        self._answer(b"")

    def do_HEAD(self) -> None:
        """Likewise."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Write the body down, and send it back."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.write(body)
        self._answer(body)

    def do_PUT(self) -> None:
        """Likewise."""
        self.do_POST()

    def _answer(self, body: bytes) -> None:
        time.sleep(self.server.options.answer_after)
        self.send_response(self.server.options.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""


class _Server(ThreadingHTTPServer):
    """Listens, with a thread for each connection.

    Args:
        options: of the command line.
        output: takes the bodies, or None.
    """

    daemon_threads = True

    def __init__(self, options: Any, output: IO[bytes] | None) -> None:
        self.options = options
        self._output = output
        self._turn = threading.Lock()
        host, _ = options.listen
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.request_queue_size = options.backlog
        super().__init__(options.listen, _Handler)

    def write(self, body: bytes) -> None:
        """Write a body down as a line."""
        if self._output is not None:
            with self._turn:
                self._output.write(body + b"\n")
                self._output.flush()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="http_server", description=__doc__)
    parser.add_argument("--listen", type=endpoint, required=True, metavar="HOST:PORT")
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("--status", type=int, default=200, help="of each answer")
    parser.add_argument("--answer-after", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--idle-timeout", type=seconds, metavar="SECONDS", help="or off")
    parser.add_argument("--backlog", type=int, default=128, metavar="N")
    add_socket_options(parser)
    options = parser.parse_args()
    raise_fd_limit()
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(options.output.open("ab")) if options.output else None
        server = stack.enter_context(_Server(options, output))
        for number in (signal.SIGTERM, signal.SIGINT):
            # In a thread of its own: it waits for the loop that the signal has interrupted.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        log("listening", address=shown(server.socket.getsockname()))
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
