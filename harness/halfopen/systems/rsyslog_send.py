"""The system `rsyslog send`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from halfopen.fields import Endpoint, Keepalive, RealTimeout, Timer, WholeSeconds, keepalive_timers
from halfopen.model.topology import endpoint
from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext
from halfopen.products.rsyslog.common import MARK, PORT, Common, files_of, rsyslogd
from halfopen.products.rsyslog.queue import Queue, directive_values, script_values
from halfopen.products.rsyslog.releases import (
    OMFWD_HAS_USER_TIMEOUT,
    OMRELP_HAS_KEEPALIVE,
    Release,
)
from halfopen.products.rsyslog.script import Value, directives, statement

NAME = "rsyslog-send"


class RsyslogSend(Common):
    """rsyslog that forwards messages with omrelp, or with omfwd over TCP.

    What no option sets is left to rsyslog.

    Attributes:
        to: the receiver's host.
        port: the receiver's TCP port.
        output: the module that forwards: omrelp (RELP) or omfwd (plain TCP).
        input: the module that takes the messages in: imuxsock (a Unix socket), imfile (a file that
            grows) or imptcp (a TCP connection on the host's loopback, which counts among its
            sockets).
        input_port: of imptcp.
        sessions: connections, each with an action and a queue of its own; messages go over them in
            turn.  Each stands for a node.
        window: omrelp's `windowSize`: messages that may be unacknowledged.
        timeout: omrelp's `timeout`: how long it waits for an answer once the window is full.
        rebind_interval: messages after which the connection is made again.
        keepalive: omfwd's; omrelp has none, though from 8.2510 on it takes the parameters.
        user_timeout: omfwd's, TCP_USER_TIMEOUT: how long data may stay unacknowledged.
        queue: of the action; rsyslog's own default is direct, which is none.
        resume_retry_count: attempts before a message is given up, -1 for no end; rsyslog's own
            default is 0.
        resume_interval: between two attempts.
    """

    name = "rsyslog send"
    summary = "rsyslog that forwards with omrelp or omfwd, fed through imuxsock, imfile or imptcp"
    role = "sender"

    to: Endpoint
    port: int = Field(default=PORT, ge=1, le=65535)
    output: Literal["omrelp", "omfwd"] = "omrelp"
    input: Literal["imuxsock", "imfile", "imptcp"] = "imuxsock"
    input_port: int = Field(default=1514, ge=1, le=65535)
    sessions: int = Field(default=1, ge=1, le=1000)
    window: int | None = Field(default=None, ge=2)
    timeout: WholeSeconds = 90.0
    rebind_interval: int | None = Field(default=None, ge=1)
    keepalive: Keepalive = None
    user_timeout: RealTimeout = None
    queue: Queue | None = None
    resume_retry_count: int | None = Field(default=None, ge=-1)
    resume_interval: WholeSeconds = 30.0

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (
            self.output == "omrelp"
            and self.keepalive is not None
            and not self._is_of(OMRELP_HAS_KEEPALIVE)
        ):
            raise ValueError(
                "omrelp has no keepalive before 8.2510, and from then on only parameters that do "
                "nothing (librelp offers none to its clients); set `preload keepalive`"
            )
        if self.user_timeout is not None and not (
            self.output == "omfwd" and self._is_of(OMFWD_HAS_USER_TIMEOUT)
        ):
            raise ValueError(
                "of rsyslog only omfwd can ask for TCP_USER_TIMEOUT, from 8.2608 on: "
                "set `release: debian 14`"
            )
        if self.output == "omfwd" and self.window is not None:
            raise ValueError("omfwd has no window: plain TCP is not acknowledged; leave it out")
        if self.syntax == "legacy":
            unknown = [
                name
                for name, said in (
                    ("window", self.window is not None),
                    ("keepalive", self.keepalive is not None),
                    ("user timeout", self.user_timeout is not None),
                    ("rebind interval", self.rebind_interval is not None),
                    ("sessions", self.sessions > 1),
                    ("an imfile that does not poll", self.input == "imfile"),
                )
                if said
            ]
            if unknown:
                raise ValueError(
                    f"there is no $ directive for {' and '.join(unknown)}; "
                    "set `syntax: rainerscript`"
                )
        return self

    def _is_of(self, releases: Collection[Release]) -> bool:
        # Of one that is named by its path nobody knows the version before it is started.
        return self.release in releases or self.binary != "rsyslogd"

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        timers = list(keepalive_timers(self.keepalive))
        if self.output == "omrelp":
            timers.append(Timer("timeout", self.timeout, "answer"))
        if self.user_timeout is not None:
            timers.append(Timer("user timeout", self.user_timeout, "answer"))
        return timers

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return self.missing_for((self.input, self.output))

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        files = files_of(context, NAME)
        target = context.addresses[self.to]
        if self.input == "imuxsock":
            feed, ready = Feed("unix datagram", path=files.input), Ready(exists=files.input)
        elif self.input == "imfile":
            source = f"{files.spool}.input"
            feed, ready = Feed("file", path=source), Ready(exists=files.pid)
        else:
            feed = Feed("tcp", port=self.input_port)
            ready = Ready(listening=self.input_port)
        source = feed.path or str(feed.port)
        write = _legacy if self.syntax == "legacy" else _script
        return rsyslogd(
            NAME,
            self,
            context,
            write(self, source, target),
            ready=ready,
            places={"to": target, "port": str(self.port), "input": source},
            feed=feed,
            made=[feed.path] if feed.kind == "file" else [],
        )


def _script(options: RsyslogSend, source: str, target: str) -> list[str]:
    modules: dict[str, dict[str, Value]] = {"imuxsock": {"SysSock.Use": False}}
    inputs: dict[str, dict[str, Value]] = {
        # Its special parser is for syslog(3), which says no host; the lab writes RFC 5424.
        "imuxsock": {
            "socket": source,
            "createPath": True,
            "ratelimit.interval": 0,
            "useSpecialParser": False,
            "parseHostname": True,
        },
        "imfile": {"file": source, "tag": "halfopen"},
        "imptcp": {"address": "127.0.0.1", "port": source},
    }
    lines = [
        statement("module", {"load": options.input, **modules.get(options.input, {})}),
        *(statement("module", {"load": name}) for name in (options.output,) if name != "omfwd"),
        'ruleset(name="forward") {',
    ]
    if options.sessions > 1:
        # The third field of a message's own text is its number.
        lines.append(f"  set $.turn = cnum(field($msg, 58, 3)) % {options.sessions};")
    for turn in range(options.sessions):
        action = statement("action", _action(options, target, turn))
        wanted = f"if $.turn == {turn} then " if options.sessions > 1 else ""
        lines.append(f"  {wanted}{action}")
    lines.append("}")
    values = {"type": options.input, "ruleset": "forward", **inputs[options.input]}
    return [*lines, statement("input", values)]


def _action(options: RsyslogSend, target: str, turn: int) -> dict[str, Value]:
    values: dict[str, Value] = {"type": options.output, "name": f"forward-{turn}"}
    values |= {"target": target, "port": options.port}
    if options.output == "omrelp":
        values |= {"timeout": options.timeout, "windowSize": options.window}
    else:
        values["protocol"] = "tcp"
        if options.user_timeout is not None:
            values["tcp_user_timeout"] = 1000 * options.user_timeout  # milliseconds
    if options.keepalive is not None:
        values |= {
            "keepAlive": True,
            "keepAlive.time": options.keepalive.idle,
            "keepAlive.interval": options.keepalive.interval,
            "keepAlive.probes": options.keepalive.probes,
        }
    values |= {
        "rebindInterval": options.rebind_interval,
        "action.resumeRetryCount": options.resume_retry_count,
        "action.resumeInterval": options.resume_interval,
    }
    return values | script_values(options.queue, f"forward-{turn}")


def _legacy(options: RsyslogSend, source: str, target: str) -> list[str]:
    inputs = {
        "imuxsock": [
            "$ModLoad imuxsock",
            "$OmitLocalLogging on",
            "$IMUXSockRateLimitInterval 0",
            f"$AddUnixListenSocket {source}",
        ],
        "imptcp": [
            "$ModLoad imptcp",
            "$InputPTCPServerListenIP 127.0.0.1",
            f"$InputPTCPServerRun {source}",
        ],
    }
    lines = inputs[options.input]
    if options.output == "omrelp":
        lines.append("$ModLoad omrelp")
    lines += directives(
        {
            "ActionResumeRetryCount": options.resume_retry_count,
            "ActionResumeInterval": options.resume_interval,
            **directive_values(options.queue, "forward-0", "ActionQueue"),
        }
    )
    where = ":omrelp:" if options.output == "omrelp" else "@@"
    return [*lines, f':msg, contains, "{MARK}" {where}{endpoint(target, options.port)}']
