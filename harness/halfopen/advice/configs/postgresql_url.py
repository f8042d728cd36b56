"""Clients of PostgreSQL: `postgresql://` and `jdbc:postgresql://` strings, in any file.

PostgreSQL's manual, "Connection URIs": the parameters are those of libpq; see `libpq.py` for their
defaults.  pgjdbc's manual, "Connection Parameters": `tcpKeepAlive` is false unless set, and asks
with the system's timers; it has no option for others.  A scheme with a driver, such as
`postgresql+asyncpg` (SQLAlchemy), is judged only if that driver is one of libpq's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import unquote

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import Setting, one_of, shortened, whole

_STRING = re.compile(
    r"(?P<jdbc>jdbc:)?\bpostgres(?:ql)?(?:\+(?P<driver>\w+))?://"
    r"""(?P<authority>[^\s/?#"'<>`]*)(?P<path>/[^\s?#"'<>`]*)?(?:\?(?P<query>[^\s#"'<>`]*))?"""
)
_PARAMETER = re.compile(r"(?P<key>[\w.]+)=(?P<value>.*?)(?=&amp;|&|$)", re.DOTALL)
_TIMERS = ("keepalives_idle", "keepalives_interval", "keepalives_count")
_LIBPQ = ("psycopg", "psycopg2", "psycopg2cffi", "psycopg_async", "pygresql")
_LOCAL = {"", "localhost", "127.0.0.1", "::1"}
_OPENING = {",": "", ";": "", ".": "", ")": "(", "]": "[", "}": "{"}
"""What may end the text around a string -> its opening bracket."""
_MOST_ENDS = 8
_OUTSIDE = re.compile(r"tcp-?_?keep-?_?alive|keepalive-?_?time", re.IGNORECASE)
_JDBC = "tcpKeepAlive"
_SYSTEM = (
    "pgjdbc takes the system's timers: set net.ipv4.tcp_keepalive_time, _intvl and _probes, too, "
    "and give that file with --config"
)


class PostgresqlUrlReader(ConfigReader):
    """Reader of strings in files, such as `.env` or `application.properties`."""

    name = "postgresql-url"
    files = ()
    guest = True

    def recognises(self, text: str) -> bool:
        """Whether such a string is there."""
        return _STRING.search(text) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """The connection of each string to another host."""
        for source in sources:
            blank = _STRING.sub(lambda each: " " * len(each[0]), source.text)
            other = _OUTSIDE.search(blank)
            outside = f"line {source.line(other.start())} sets {other[0]}" if other else ""
            for match in _STRING.finditer(source.text):
                line = source.text.rfind("\n", 0, match.start()) + 1
                if not source.text[line : match.start()].lstrip().startswith(("#", ";", "--")):
                    yield from _string(source, match, outside)


def _string(source: Source, match: re.Match[str], outside: str) -> Iterator[ConfiguredConnection]:
    end = match.start() + len(_balanced(match[0]))
    parameters = _parameters(source, match, end)
    hosts = [] if match["jdbc"] else _words(parameters, "hostaddr") or _words(parameters, "host")
    ends = match["authority"].rpartition("@")[2].split(",")
    hosts = hosts or [_host(each) for each in ends]
    if all(each in _LOCAL or each.startswith(("/", "%2F", "%2f", "@")) for each in hosts):
        return
    where = ",".join(hosts) if "host" in parameters or "hostaddr" in parameters else ",".join(ends)
    if ":" not in where.rpartition("]")[2]:
        where += f":{parameters['port'].value if 'port' in parameters else '5432'}"
    read = _pgjdbc if match["jdbc"] else _libpq
    rest = source.text[match.end("authority") : end]
    unknown = _unknown(match, rest, parameters, outside)
    asks, timers, patience = (True, ConfiguredTimers(), 0) if unknown else read(parameters)
    yield ConfiguredConnection(
        source,
        match.start(),
        f"client to {shortened(where)} ({'pgjdbc' if match['jdbc'] else 'libpq'})",
        asks,
        timers,
        patience,
        unknown=unknown,
        remedy=partial(_edits, source, match, end, parameters),
        hint=_SYSTEM if match["jdbc"] else "",
    )


def _balanced(text: str) -> str:
    """A string without what ends the text around it."""
    for _ in range(_MOST_ENDS):
        opening = _OPENING.get(text[-1])
        if opening is None or (opening and text.count(opening) >= text.count(text[-1])):
            break
        text = text[:-1]
    return text


def _parameters(source: Source, match: re.Match[str], end: int) -> Mapping[str, Setting]:
    if match["query"] is None:
        return {}
    start = match.start("query")
    return {
        each["key"]: Setting(
            source,
            each["key"],
            unquote(each["value"]),
            start + each.start(),
            (start + each.start("value"), start + each.end("value")),
        )
        for each in _PARAMETER.finditer(source.text[start:end])
    }


def _words(parameters: Mapping[str, Setting], name: str) -> list[str]:
    return parameters[name].value.split(",") if name in parameters else []


def _host(text: str) -> str:
    """An end without its port and brackets."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _unknown(
    match: re.Match[str], rest: str, parameters: Mapping[str, Setting], outside: str
) -> str:
    driver = match["driver"]
    if driver and driver not in _LIBPQ:
        return f"the driver {shortened(driver)} is not libpq, and its keepalive is not known"
    if re.search(r"[${]|%\(", rest):
        return "a part of the string is a variable, which may set keepalive"
    if match["jdbc"] and _JDBC not in parameters and outside:
        return f"{outside} outside of the string: write {_JDBC} in it"
    return ""


def _libpq(parameters: Mapping[str, Setting]) -> tuple[bool, ConfiguredTimers, int]:
    figures = [whole(parameters[key]) if key in parameters else 0 for key in _TIMERS]
    asks = "keepalives" not in parameters or whole(parameters["keepalives"]) > 0
    patience = parameters.get("tcp_user_timeout")
    timers = ConfiguredTimers(*(each or None for each in figures))
    return asks, timers, 0 if patience is None else whole(patience)


def _pgjdbc(parameters: Mapping[str, Setting]) -> tuple[bool, ConfiguredTimers, int]:
    asks = _JDBC in parameters and one_of(parameters[_JDBC], ("true",), ("false",))
    return asks, ConfiguredTimers(), 0


def _edits(
    source: Source,
    match: re.Match[str],
    end: int,
    parameters: Mapping[str, Setting],
    to: Recommended,
) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    if match["jdbc"]:
        values = {_JDBC: "true"}
    else:
        figures = (to.keepalive.idle, to.keepalive.interval, to.keepalive.probes)
        values = dict(zip(_TIMERS, map(str, figures), strict=True))
        values["tcp_user_timeout"] = str(to.user_timeout_ms)
        if "keepalives" in parameters:
            values["keepalives"] = "1"
    edits, missing = [], ""
    more = "&amp;" if "&amp;" in match[0] or source.path.endswith(".xml") else "&"
    for key, value in values.items():
        if key not in parameters:
            missing += f"{more}{key}={value}"
        elif parameters[key].value != value:
            edits.append(Edit(source, *parameters[key].span, value))
    if missing and match["query"] is None:
        slash = "" if match["path"] else "/"
        missing = f"{slash}?{missing.removeprefix(more)}"
    elif missing and not source.text[match.start("query") : end]:
        missing = missing.removeprefix(more)
    return [*edits, Edit(source, end, end, missing)] if missing else edits


READER = PostgresqlUrlReader()
