"""The options of `relpio send` that say where messages come from."""

from __future__ import annotations

import socket
from typing import Any

from relpio.command import values
from relpio.command.listeners import listen
from relpio.command.options import Option
from relpio.errors import ConfigurationError
from relpio.inputs.base import Input
from relpio.inputs.changed import ChangedInput, without_empty
from relpio.inputs.follow import FollowInput
from relpio.inputs.framing import FRAMINGS
from relpio.inputs.headers import HEADERS, HeadedInput, Header
from relpio.inputs.journal import JournalInput
from relpio.inputs.records import RecordRule
from relpio.inputs.streams import StreamInput, open_streams
from relpio.logs import Log
from relpio.syslog import FACILITIES, SEVERITIES

__all__ = ["OPTIONS", "check_inputs", "inputs_from", "mode"]

_STDIN = "-"

_LONGEST_HEADER = 512
"""Bytes of a header whose names come from the journal: 255, 48 and 128, and what is around them."""


def mode(text: str) -> int:
    """Read the permissions of a file: three or four octal digits, such as 0660."""
    if len(text) not in (3, 4) or set(text) - set("01234567") or int(text, 8) > 0o777:
        raise ConfigurationError(f"{text!r} is not a file mode: write octal digits, such as 0660")
    return int(text, 8)


OPTIONS = (
    Option(
        "follow", "inputs", values.path, None, "FILE",
        "send lines appended to FILE, across rotations, from where the last run stopped; a pattern "
        "such as '/var/log/*.log' also takes files that come later",
        many=True,
    ),
    Option(
        "journal", "inputs", values.path, None, "FILE",
        "send the systemd journal, from its start or where the last run stopped; FILE holds the "
        "position. With --header, the header says what the journal knows",
    ),
    Option(
        "record-start", "inputs", values.expression, None, "REGEX",
        "with --follow, files and standard input: a line in which this is found begins a message; "
        "other lines belong to the one before, such as those of a stack trace",
    ),
    Option(
        "record-timeout", "inputs", values.duration, "2", "S",
        "with --record-start: time without a further line after which a message is complete",
    ),
    Option(
        "empty-lines", "inputs", values.choice("send", "skip"), "send", "CHOICE",
        "of files and standard input: send an empty line as an empty message, or skip it",
    ),
    Option(
        "state-file", "inputs", values.path, None, "FILE",
        "where --follow saves its position; required with it",
    ),
    Option(
        "header", "inputs", values.choice(*HEADERS), "raw", "NAME",
        "syslog header for lines of files and standard input: rfc5424, rfc3164 (lines that begin "
        "with <PRI> keep theirs), or raw: none",
    ),
    Option(
        "facility", "inputs", values.choice(*FACILITIES), "user", "NAME",
        "facility in the header: user, daemon, auth, local0 to local7, ...",
    ),
    Option(
        "severity", "inputs", values.choice(*SEVERITIES), "notice", "NAME",
        "severity in the header: emerg, alert, crit, err, warning, notice, info or debug",
    ),
    Option(
        "hostname", "inputs", values.text, None, "NAME",
        "host name in the header; without it, this machine's",
    ),
    Option(
        "app-name", "inputs", values.text, "relpio", "NAME",
        "program name (tag) in the header",
    ),
    Option(
        "listen-tcp", "inputs", values.listen_address, None, "HOST:PORT",
        "receive syslog over TCP (RFC 6587)", many=True,
    ),
    Option(
        "listen-udp", "inputs", values.listen_address, None, "HOST:PORT",
        "receive syslog over UDP (RFC 5426)", many=True,
    ),
    Option(
        "listen-unix", "inputs", values.path, None, "PATH",
        "receive syslog over a Unix datagram socket, like /dev/log", many=True,
    ),
    Option(
        "listen-unix-stream", "inputs", values.path, None, "PATH",
        "receive syslog over a Unix stream socket", many=True,
    ),
    Option(
        "listen-systemd", "inputs", values.text, None, "NAME",
        "receive syslog over sockets passed by a socket unit, of streams or datagrams: those with "
        "FileDescriptorName=NAME; or all", many=True,
    ),
    Option(
        "unix-mode", "inputs", mode, "0666", "MODE", "permissions of the Unix sockets' files"
    ),
    Option(
        "max-line", "inputs", values.size, "128k", "BYTES",
        "split longer messages from --follow or --listen-... into pieces of this size",
    ),
    Option(
        "framing", "inputs", values.choice(*FRAMINGS), "auto", "NAME",
        "how messages are framed in a stream: octet-counted, lf, or auto (detected for each "
        "message)",
    ),
    Option(
        "max-connections", "inputs", values.count, "1000", "N",
        "most connections of one stream socket; others wait unaccepted",
    ),
    Option(
        "input-idle-timeout", "inputs", values.duration_or_off, "off", "S",
        "close a connection that has been silent for this long; or off",
    ),
    Option(
        "input-keepalive", "inputs", values.keepalive, "60/10/6", "IDLE/INTERVAL/PROBES",
        "TCP keepalive of connections to --listen-tcp; or on, or off",
    ),
)  # fmt: skip


def check_inputs(options: Any) -> None:
    """Say whether the options fit together.

    Raises:
        ConfigurationError: they do not.
    """
    if options.follow and options.state_file is None:
        raise ConfigurationError(
            "--follow needs --state-file: without it, each start would send the files again"
        )
    if options.state_file is not None and not options.follow:
        raise ConfigurationError("--state-file has no effect without --follow")
    if options.journal is not None and _limit(options) <= _LONGEST_HEADER:
        raise ConfigurationError(
            f"--journal needs --max-message-size and --max-line above {_LONGEST_HEADER}"
        )
    if options.record_start is not None and not options.follow and not _reads_streams(options):
        raise ConfigurationError(
            "--record-start has no effect without --follow, files or standard input"
        )
    _header(options)


def inputs_from(options: Any, log: Log) -> list[Input]:
    """Make the inputs that `options` ask for; without any, standard input is the one.

    Called in the running loop. Addresses are bound and files opened here, before anything is sent.

    Raises:
        ConfigurationError: options contradict each other, or a file is in use by another process.
        OSError: a file cannot be opened, or an address not be used.
    """
    check_inputs(options)
    header = _header(options)
    inputs: list[Input] = []
    try:
        listen(options, _limit(options), log, inputs)
        if options.follow:
            # One limit for both, so that no piece of a line is refused at the next door.
            limit = _limit(options) - (0 if header is None else header.size)
            followed = FollowInput(
                options.follow, options.state_file, max_line=limit, records=_records(options),
                log=log,
            )  # fmt: skip
            inputs.append(_of_lines(options, followed, header))
        if options.journal is not None:
            limit = _limit(options) - (0 if header is None else _LONGEST_HEADER)
            inputs.append(JournalInput(options.journal, header=header, max_line=limit, log=log))
        if _reads_streams(options):
            streams = open_streams(options.files or [_STDIN])
            read = StreamInput(
                streams,
                _longest_line(options) - (0 if header is None else header.size),
                truncate=options.oversize == "truncate",
                records=_records(options),
                log=log,
            )
            inputs.insert(0, _of_lines(options, read, header))
    except BaseException:
        for each in inputs:
            each.close()
        raise
    return inputs


def _reads_streams(options: Any) -> bool:
    """Whether files are read, or standard input for want of anything else."""
    others = (
        options.follow, options.journal, options.listen_tcp, options.listen_udp,
        options.listen_unix, options.listen_unix_stream, options.listen_systemd,
    )  # fmt: skip
    return bool(options.files) or not any(others)


def _of_lines(options: Any, source: Input, header: Header | None) -> Input:
    if options.empty_lines == "skip":
        source = ChangedInput(source, without_empty)
    return source if header is None else HeadedInput(source, header)


def _records(options: Any) -> RecordRule | None:
    if options.record_start is None:
        return None
    return RecordRule(options.record_start, options.record_timeout)


def _header(options: Any) -> Header | None:
    if options.header == "raw":
        return None
    header = Header(
        form=options.header,
        facility=options.facility,
        severity=options.severity,
        host=options.hostname or socket.gethostname(),
        app=options.app_name,
    )
    if header.size >= _limit(options):
        raise ConfigurationError(
            f"the header has {header.size} bytes, which leaves no room for a line; set "
            "--max-message-size and --max-line above that"
        )
    return header


def _limit(options: Any) -> int:
    return min(int(options.max_line), int(options.max_message_size))


def _longest_line(options: Any) -> int:
    accept = options.oversize == "accept"
    return int(options.max_accepted_size if accept else options.max_message_size)
