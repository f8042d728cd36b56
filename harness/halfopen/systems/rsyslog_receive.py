"""The system `rsyslog receive`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from halfopen.fields import Keepalive, Timer, keepalive_timers
from halfopen.ports import ProgramSpec, Ready, SystemContext
from halfopen.products.found import find_program
from halfopen.products.rsyslog.common import (
    MARK,
    PORT,
    Common,
    Files,
    files_of,
    rsyslogd,
)
from halfopen.products.rsyslog.queue import Queue, directive_values, script_values
from halfopen.products.rsyslog.script import Value, directives, statement

NAME = "rsyslog-receive"
# imtcp, imptcp: the prefix of their `$` directives
_LEGACY = {"imtcp": "InputTCPServer", "imptcp": "InputPTCPServer", "imrelp": "InputRELPServer"}


class RsyslogReceive(Common):
    """rsyslog that receives messages with imrelp, imtcp or imptcp, and writes them to a file.

    What no option sets is left to rsyslog.

    Attributes:
        port: TCP port to listen on.
        input: the module that listens: imrelp (RELP), imtcp or imptcp (plain TCP).
        output: the module that writes: omfile, or omprog, which hands to a program that does.
        keepalive: of the accepted connections; rsyslog's own default is off.
        notify_on_close: imtcp and imptcp say when a connection closes.
        max_sessions: connections at once, of imtcp and imptcp.
        queue: of the action that writes.
    """

    name = "rsyslog receive"
    summary = (
        "rsyslog that receives messages with imrelp, imtcp or imptcp and writes them to a file"
    )
    role = "receiver"

    port: int = Field(default=PORT, ge=1, le=65535)
    input: Literal["imrelp", "imtcp", "imptcp"] = "imrelp"
    output: Literal["omfile", "omprog"] = "omfile"
    keepalive: Keepalive = None
    notify_on_close: bool = False
    max_sessions: int | None = Field(default=None, ge=1)
    queue: Queue | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.input == "imrelp" and (self.notify_on_close or self.max_sessions is not None):
            raise ValueError("imrelp has neither notices of closing nor a maximum of sessions")
        if self.syntax == "legacy" and self.input == "imrelp" and self.keepalive is not None:
            raise ValueError("imrelp has no $ directive for keepalive; set `syntax: rainerscript`")
        if self.syntax == "legacy" and self.output == "omprog":
            raise ValueError("omprog is configured in RainerScript; set `syntax: rainerscript`")
        return self

    def timers(self) -> Sequence[Timer]:
        """The durations that decide verdicts."""
        return keepalive_timers(self.keepalive)

    def missing(self) -> Sequence[str]:
        """What this machine lacks, each with its remedy."""
        return self.missing_for((self.input, self.output))

    def program(self, context: SystemContext) -> ProgramSpec:
        """How it is started."""
        files = files_of(context, NAME)
        write = _legacy if self.syntax == "legacy" else _script
        return rsyslogd(
            NAME,
            self,
            context,
            write(self, files, context.address),
            ready=Ready(listening=self.port),
            places={"port": str(self.port), "address": context.address},
            output=files.output,
        )


def _script(options: RsyslogReceive, files: Files, address: str) -> list[str]:
    module: dict[str, Value] = {"load": options.input}
    values: dict[str, Value] = {"type": options.input, "port": options.port, "address": address}
    values["ruleset"] = "write"
    if options.input == "imtcp":
        # Of the module in 8.2302, of the input too in later ones.
        module |= _keepalive(options) | {"maxSessions": options.max_sessions}
        module |= {"notifyOnConnectionClose": options.notify_on_close}
    elif options.input == "imptcp":
        module["maxSessions"] = options.max_sessions
        values |= _keepalive(options) | {"notifyOnConnectionClose": options.notify_on_close}
    else:
        values |= _keepalive(options)
    action: dict[str, Value] = {"type": options.output, "name": "write", "template": "line"}
    if options.output == "omfile":
        action["file"] = files.output
    else:
        action["binary"] = f"{find_program('tee')} -a {files.output}"
    lines = [
        statement("module", module),
        *(statement("module", {"load": name}) for name in (options.output,) if name != "omfile"),
        'template(name="line" type="string" string="%rawmsg%\\n")',
        'ruleset(name="write") {',
        f"  {statement('action', action | script_values(options.queue, 'write'))}",
        "}",
    ]
    return [*lines, statement("input", values)]


def _keepalive(options: RsyslogReceive) -> dict[str, Value]:
    if options.keepalive is None:
        return {}
    return {
        "keepAlive": True,
        "keepAlive.time": options.keepalive.idle,
        "keepAlive.interval": options.keepalive.interval,
        "keepAlive.probes": options.keepalive.probes,
    }


def _legacy(options: RsyslogReceive, files: Files, address: str) -> list[str]:
    prefix = _LEGACY[options.input]
    values: dict[str, Value] = {}
    if options.keepalive is not None:
        values |= {
            f"{prefix}KeepAlive": True,
            f"{prefix}KeepAlive_probes": options.keepalive.probes,
            f"{prefix}KeepAlive_intvl": options.keepalive.interval,
            f"{prefix}KeepAlive_time": options.keepalive.idle,
        }
    if options.notify_on_close:
        values[f"{prefix}NotifyOnConnectionClose"] = True
    if options.max_sessions is not None:
        values["InputTCPMaxSessions"] = options.max_sessions
    if options.input == "imptcp":
        values[f"{prefix}ListenIP"] = address
    values[f"{prefix}Run"] = options.port  # the last: it takes what was said before
    return [
        f"$ModLoad {options.input}",
        *directives(values),
        '$template line,"%rawmsg%\\n"',
        *directives(directive_values(options.queue, "write", "ActionQueue")),
        f':msg, contains, "{MARK}" {files.output};line',
    ]
