"""rsyslog: imtcp, imptcp, imrelp, omfwd and omrelp, and the old `$InputTCPServer...` and `@@host`.

rsyslog's manual, the page of each module.  Keepalive is off everywhere unless `keepalive` asks for
it; `keepalive.time`, `.interval` (seconds) and `.probes` are the system's where they are 0 or
missing.  imtcp takes them for the module, since 8.2106 also for an input; imptcp and imrelp for
each input; omfwd (with protocol="tcp") for each action.  omrelp has no such option, nor has the old
`@@host`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    Source,
)
from halfopen.advice.configs._rainerscript import Parameter, Statement, statements

_TIMES = ("keepalive.time", "keepalive.interval", "keepalive.probes")
_OLD = {
    "inputtcpserver": ("_time", "_intvl", "_probes"),
    "inputptcpserver": ("_time", "_intvl", "_probes"),
}
_OLD_MODULE = {"inputtcpserver": "imtcp", "inputptcpserver": "imptcp"}
_LISTENERS = ("imtcp", "imptcp", "imrelp")
_OTHER_SIDE = "set keepalive at the receiver, or preload libkeepalive"


class RsyslogReader(ConfigReader):
    """Reader of rsyslog's files; what is included counts if it is given, too."""

    name = "rsyslog"
    files = ("rsyslog.conf", "rsyslog.d/*.conf", "*rsyslog*.conf")

    def recognises(self, text: str) -> bool:
        """Whether an object or directive of rsyslog's own is there."""
        known = (
            r'^\s*(module|input)\s*\(\s*(load|type)\s*=\s*"(im|om)\w+"'
            r'|\baction\s*\(\s*type\s*=\s*"om\w+"|^\$(ModLoad|Input\w+|ActionQueue\w+)\s'
        )
        return re.search(known, text, re.MULTILINE | re.IGNORECASE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its listeners and clients."""
        for each in rsyslog_connections(sources):
            yield each.configured


@dataclass(frozen=True)
class RsyslogConnection:
    """A listener or a client.

    Attributes:
        module: `imtcp`, `omrelp` and so on; `@@` for the old forwarding.
        port: as it is written.
        target: of a client, as it is written; empty for a listener.
        parameters: of the input or action, in lower case; for `@@` the `$Action...` directives
            since the action before it.
        configured: its keepalive.
    """

    module: str
    port: str
    target: str
    parameters: Mapping[str, str]
    configured: ConfiguredConnection


def rsyslog_connections(sources: Sequence[Source]) -> Iterator[RsyslogConnection]:
    """The listeners and clients of rsyslog's files.

    Raises:
        InputError: a file does not parse.
    """
    said = [each for source in sources for each in statements(source)]
    modules = {each.value("load").lower(): each for each in said if each.kind == "module"}
    directives = {each.name: each for each in said if each.kind == "directive"}
    pending: dict[str, str] = {}
    for each in said:
        kind = each.value("type").lower()
        values = {name: found.value for name, found in each.parameters.items()}
        port, target = each.value("port", "514"), each.value("target") or "?"
        if each.kind == "input" and kind in _LISTENERS:
            yield RsyslogConnection(kind, port, "", values, _listener(each, kind, modules))
        elif each.kind == "action":
            pending = {}
            if kind in ("omfwd", "builtin:omfwd"):
                if each.value("protocol", "udp").lower() == "tcp":
                    found = _object(each, f"client to {target}:{port} (omfwd)", each)
                    yield RsyslogConnection("omfwd", port, target, values, found)
            elif kind == "omrelp":
                found = _without(each, f"client to {target}:{port} (omrelp)", "omrelp")
                yield RsyslogConnection("omrelp", port, target, values, found)
        elif each.kind == "forward":
            found = _without(each, f"client to {each.name}:{port} (@@)", "@@")
            yield RsyslogConnection("@@", port, each.name, pending, found)
            pending = {}
        elif each.kind == "directive" and each.name in _RUN:
            module = _OLD_MODULE.get(_RUN[each.name], "imrelp")
            port = each.value("value", "514")
            yield RsyslogConnection(module, port, "", {}, _old_listener(each, directives))
        elif each.kind == "directive" and each.name.startswith("action"):
            pending = {**pending, each.name: each.value("value")}


_RUN = {f"{name}run": name for name in _OLD} | {"inputrelpserverrun": ""}


def _listener(each: Statement, kind: str, modules: Mapping[str, Statement]) -> ConfiguredConnection:
    what = f"listener {each.value('port', '514')} ({kind})"
    own = any(name in each.parameters for name in ("keepalive", *_TIMES))
    if kind == "imtcp" and "imtcp" in modules:
        module = modules["imtcp"]
        return _object(each, what, each, module) if own else _object(each, what, module)
    if kind != "imtcp" or own:
        return _object(each, what, each)
    return ConfiguredConnection(
        each.source,
        each.start,
        what,
        asks=False,
        unknown='module(load="imtcp"), which sets its keepalive, is in another file: give it with '
        "--config, too",
    )


def _object(
    each: Statement, what: str, of: Statement, usual: Statement | None = None
) -> ConfiguredConnection:
    """A connection whose keepalive is among the parameters of `of`, else of `usual`."""

    def holder(name: str) -> Statement:
        return of if usual is None or name in of.parameters else usual

    idle, interval, probes = (_figure(holder(name), name) or None for name in _TIMES)
    return ConfiguredConnection(
        each.source,
        each.start,
        what,
        asks=_switch(holder("keepalive"), "keepalive"),
        timers=ConfiguredTimers(idle, interval, probes),
        remedy=lambda to: _with_keepalive(of, to),
    )


def _with_keepalive(of: Statement, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    keepalive = to.keepalive
    values = dict(
        zip(
            ("keepalive", *_TIMES),
            ("on", str(keepalive.idle), str(keepalive.interval), str(keepalive.probes)),
            strict=True,
        )
    )
    edits, missing = [], ""
    for name, value in values.items():
        found = of.parameters.get(name)
        if found is None:
            missing += f' {name}="{value}"'
        elif found.value != value:
            edits.append(Edit(of.source, found.start, found.end, f'"{value}"'))
    if missing:
        ends = [each.end for each in of.parameters.values()]
        at = max(ends, default=of.end)
        edits.append(Edit(of.source, at, at, missing if ends else missing[1:]))
    return edits


def _without(each: Statement, what: str, name: str) -> ConfiguredConnection:
    """A connection of what has no option for keepalive."""
    return ConfiguredConnection(
        each.source,
        each.start,
        what,
        asks=False,
        remedy=lambda to: _forward_edits(each, to) if each.kind == "forward" else (),
        hint="" if each.kind == "forward" else f"{name} has no option for keepalive: {_OTHER_SIDE}",
    )


def _old_listener(each: Statement, directives: Mapping[str, Statement]) -> ConfiguredConnection:
    prefix = _RUN[each.name]
    port = each.value("value", "514")
    if not prefix:
        return _without(each, f"listener {port} (imrelp)", "$InputRELPServerRun")
    base = f"{prefix}keepalive"
    names = [f"{base}{end}" for end in _OLD[prefix]]
    idle, interval, probes = (
        _figure(directives[name], "value") or None if name in directives else None for name in names
    )
    return ConfiguredConnection(
        each.source,
        each.start,
        f"listener {port} ({_OLD_MODULE[prefix]})",
        asks=base in directives and _switch(directives[base], "value"),
        timers=ConfiguredTimers(idle, interval, probes),
        remedy=lambda to: _old_edits(each, [base, *names], directives, to),
    )


def _old_edits(
    each: Statement, names: Sequence[str], directives: Mapping[str, Statement], to: Recommended
) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    keepalive = to.keepalive
    values = ("on", str(keepalive.idle), str(keepalive.interval), str(keepalive.probes))
    edits, missing = [], ""
    for name, value in zip(names, values, strict=True):
        if name in directives:
            found = directives[name].parameters["value"]
            edits.append(Edit(directives[name].source, found.start, found.end, value))
        else:
            missing += f"${_WRITTEN[name]} {value}\n"
    # The listener takes what was set before it.
    if missing:
        edits.append(Edit(each.source, each.start, each.start, missing))
    return edits


_WRITTEN = {
    f"{name}keepalive{end}": f"{written}KeepAlive{end}"
    for name, written in (
        ("inputtcpserver", "InputTCPServer"),
        ("inputptcpserver", "InputPTCPServer"),
    )
    for end in ("", *_OLD[name])
}


def _forward_edits(each: Statement, to: Recommended) -> Sequence[Edit]:
    """The forwarding as an action of omfwd, which has keepalive."""
    if to.keepalive is None:
        return ()
    keepalive = to.keepalive
    host = each.name.strip("[]")
    options = each.value("options").strip("()").split(",")
    more = ' TCP_Framing="octet-counted"' if "o" in options else ""
    more += "".join(f' ziplevel="{z[1:]}"' for z in options if z[:1] == "z" and z[1:].isdecimal())
    if template := each.value("template"):
        more += f' template="{template}"'
    text = (
        f'action(type="omfwd" target="{host}" port="{each.value("port", "514")}" protocol="tcp" '
        f'keepalive="on" keepalive.time="{keepalive.idle}" '
        f'keepalive.interval="{keepalive.interval}" keepalive.probes="{keepalive.probes}"{more})'
    )
    return [Edit(each.source, each.start, each.end, text)]


def _figure(of: Statement, name: str) -> int:
    found = of.parameters.get(name)
    if found is None:
        return 0
    if not (found.value.isascii() and found.value.isdecimal() and len(found.value) < 10):
        raise _wrong(of, name, found, "use a whole number")
    return int(found.value)


def _switch(of: Statement, name: str) -> bool:
    found = of.parameters.get(name)
    if found is None:
        return False
    value = found.value.lower()
    if value not in ("on", "off", "yes", "no", "1", "0"):
        raise _wrong(of, name, found, "use on or off")
    return value in ("on", "yes", "1")


def _wrong(of: Statement, name: str, found: Parameter, remedy: str) -> Exception:
    shown = f"${of.name}" if of.kind == "directive" else f"{of.kind}(): {name}"
    return of.source.error(
        found.start, f"{shown}: {found.value[:40]!r} is not accepted here", remedy
    )


READER = RsyslogReader()
