"""Types of the values that a scenario file may hold, shared by systems, checks, faults, profiles.

A system's options, a check's parameters and a fault's parameters are pydantic models built on
:class:`Section`.  The type of a field says what the time scale does to it: a :data:`Duration` is
divided by the scale, :data:`WholeSeconds` too, but then rounded to whole seconds of at least one
(the kernel takes TCP keepalive in nothing finer), anything else stays as it is.  It also says which
kind of host a name means (:mod:`.hosts`), which file (:mod:`.files`), and whether a check's
parameter selects what it looks at (:mod:`.selectors`).
"""

from __future__ import annotations

from halfopen.fields.bounds import SEEN, Bound, BoundField, Messages, Share, parse_bound
from halfopen.fields.durations import (
    DURATION_SCHEMA,
    Duration,
    PositiveDuration,
    RealDelay,
    RealTime,
    RealTimeout,
    Shift,
    TimeOfDay,
    WholeSeconds,
    off,
    read_duration,
)
from halfopen.fields.files import BesideScenario, RelativeFile
from halfopen.fields.hosts import (
    AnyHost,
    Endpoint,
    EndpointGroup,
    Endpoints,
    HostRef,
    HostReference,
    Link,
    MiddleboxHost,
    ToxiproxyHost,
    host_references,
)
from halfopen.fields.keepalive import (
    KEEPALIVE_SCHEMA,
    Keepalive,
    KeepaliveTimers,
    Timer,
    keepalive_timers,
)
from halfopen.fields.section import Scaled, Section, Unscaled, WrittenFloat, WrittenInt, marks
from halfopen.fields.selectors import Selector, selected
from halfopen.fields.sizes import Bytes, Rate

__all__ = [
    "DURATION_SCHEMA",
    "KEEPALIVE_SCHEMA",
    "SEEN",
    "AnyHost",
    "BesideScenario",
    "Bound",
    "BoundField",
    "Bytes",
    "Duration",
    "Endpoint",
    "EndpointGroup",
    "Endpoints",
    "HostRef",
    "HostReference",
    "Keepalive",
    "KeepaliveTimers",
    "Link",
    "Messages",
    "MiddleboxHost",
    "PositiveDuration",
    "Rate",
    "RealDelay",
    "RealTime",
    "RealTimeout",
    "RelativeFile",
    "Scaled",
    "Section",
    "Selector",
    "Share",
    "Shift",
    "TimeOfDay",
    "Timer",
    "ToxiproxyHost",
    "Unscaled",
    "WholeSeconds",
    "WrittenFloat",
    "WrittenInt",
    "host_references",
    "keepalive_timers",
    "marks",
    "off",
    "parse_bound",
    "read_duration",
    "selected",
]
