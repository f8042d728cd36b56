"""What is compared: relpio and rsyslog, each as a sender and a receiver with the same task.

The task: messages of 200 bytes from a file on the sender's side into a file on the receiver's.
A run returns seconds from the start of feeding until the last message is in the receiver's file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import machine, street
from halfopen.labs.agent import network

SIZE = 200
RELPIO = (machine.interpreter(), "-m", "relpio")
PORT = "2514"


@dataclass(frozen=True)
class Task:
    """One run.

    Attributes:
        messages: how many.
        source: file that holds them, one a line.
        directory: for the run's own files; new and empty.
    """

    messages: int
    source: Path
    directory: Path


Subject = Callable[[Task], float]


def write_source(path: Path, messages: int) -> None:
    """A file of syslog messages of 200 bytes each, numbered."""
    pad = b"x" * SIZE
    with path.open("wb") as file:
        for number in range(messages):
            file.write((b"<134>1 - host app - - - %09d " % number + pad)[:SIZE] + b"\n")


def start_receiver(directory: Path, *options: str) -> subprocess.Popen[bytes]:
    """`relpio receive`, writing to the file `received`; returns when it listens."""
    log = directory / "receive.log"
    listen = f"{street.ADDRESS}:{PORT}"
    output = str(directory / "received")
    argv = [*RELPIO, "receive", "--listen", listen, "--output", output, *options]
    process = street.start(street.RECEIVER, argv, log)
    street.wait_for(lambda: "listening" in log.read_text(), "relpio receive listens")
    return process


def relpio(
    send: tuple[str, ...] = (), receive: tuple[str, ...] = (), window: int = 1000
) -> Subject:
    """`relpio send FILE` to `relpio receive --output FILE` with further options."""

    def run(task: Task) -> float:
        output, listen = task.directory / "received", f"{street.ADDRESS}:{PORT}"
        receiver = start_receiver(task.directory, *receive)
        argv = [*RELPIO, "send", "--target", listen, "--window", str(window), *send]
        begun = time.monotonic()
        sender = street.start(
            street.SENDER,
            [*(each.format(dir=task.directory) for each in argv), str(task.source)],
            task.directory / "send.log",
        )
        try:
            street.wait_for_lines(output, task.messages, SIZE)
            return time.monotonic() - begun
        finally:
            street.end([sender, receiver])

    return run


def rsyslog(action: str = "", main_queue: str = "", relp: str = "") -> Subject:
    """Imptcp, omrelp, link, imrelp, omfile: the fastest of rsyslog's ways that we measured.

    Args:
        action: further parameters of the omrelp action, such as its queue.
        main_queue: parameters of the sender's main queue.
        relp: further parameters of the imrelp input.
    """

    def run(task: Task) -> float:
        output = task.directory / "received"
        receiver = _rsyslogd(
            task.directory / "r",
            street.RECEIVER,
            f"""
            module(load="imrelp")
            template(name="raw" type="string" string="%rawmsg%\\n")
            input(type="imrelp" port="{PORT}" {relp})
            action(type="omfile" file="{output}" template="raw")
            """,
        )
        sender = _rsyslogd(
            task.directory / "s",
            street.SENDER,
            f"""
            module(load="imptcp")
            module(load="omrelp")
            template(name="raw" type="string" string="%rawmsg%")
            main_queue({main_queue})
            input(type="imptcp" port="5140" address="127.0.0.1")
            action(type="omrelp" target="{street.ADDRESS}" port="{PORT}" template="raw" {action})
            """.replace("{dir}", str(task.directory)),
        )
        feeder = (
            "import socket,sys\n"
            "s=socket.create_connection(('127.0.0.1',5140))\n"
            "s.sendfile(open(sys.argv[1],'rb')); s.shutdown(1); s.recv(1)\n"
        )
        begun = time.monotonic()
        feeding = street.start(
            street.SENDER,
            [sys.executable, "-c", feeder, str(task.source)],
            task.directory / "feed.log",
        )
        try:
            street.wait_for_lines(output, task.messages, SIZE)
            return time.monotonic() - begun
        finally:
            street.end([feeding, sender, receiver])

    return run


def _rsyslogd(directory: Path, host: str, configuration: str) -> subprocess.Popen[bytes]:
    directory.mkdir()
    program = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise FileNotFoundError("rsyslogd: apt-get install rsyslog rsyslog-relp")
    head = f"""
        global(workDirectory="{directory}" maxMessageSize="64k")
        """
    path = directory / "rsyslog.conf"
    path.write_text(head + configuration)
    argv = [program, "-n", "-f", str(path), "-i", str(directory / "pid")]
    process = street.start(host, argv, directory / "log")
    street.wait_for(lambda: _listens(host), f"rsyslogd on {host} listens")
    return process


def _listens(host: str) -> bool:
    done = subprocess.run(
        ["nsenter", f"--net={network.NAMESPACES / host}", "--", "ss", "-Hltn"],
        capture_output=True,
        text=True,
        timeout=10,
    )
    return bool(done.stdout.strip())
