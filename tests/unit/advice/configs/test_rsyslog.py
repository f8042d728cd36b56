"""rsyslog: listeners and clients of both syntaxes."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
# input(type="imtcp" port="1") is a comment, "as is this
module(load="imtcp" KeepAlive="on" KeepAlive.Time="300")
/* input(type="imptcp"
   port="2") */
input(type="imtcp" port="514")
input(type="imtcp" port="515" keepalive="off")
input(type="imptcp" port="601" keepalive="on" keepalive.time="100" # more
      keepalive.interval="20" keepalive.probes="0")
input(type="imrelp" port="2514")
input(type="imudp" port="514")
if $msg contains "action(type=" then {
  action(type="omfwd" target="logs" port="10514" protocol="tcp" queue.type="linkedList")
}
action(type="omfwd" target="logs")
*.* action(type="omrelp" target="relay" port="2515")
*.* @@(o,z5)central:6514;RSYSLOG_Forward
& @udp-only
"""


def test_what_is_described_in_which_line() -> None:
    found = read("rsyslog", FILE)
    assert [(each.line, each.what, each.asks) for each in found] == [
        (5, "listener 514 (imtcp)", True),
        (6, "listener 515 (imtcp)", False),
        (7, "listener 601 (imptcp)", True),
        (9, "listener 2514 (imrelp)", False),
        (12, "client to logs:10514 (omfwd)", False),
        (15, "client to relay:2515 (omrelp)", False),
        (16, "client to central:6514 (@@)", False),
    ]
    assert found[0].timers == found[1].timers == ConfiguredTimers(300, None, None)
    assert found[2].timers == ConfiguredTimers(100, 20, None)


def test_verdicts() -> None:
    safe, unsafe = "safe", "unsafe"
    assert survivals("rsyslog", FILE) == [safe, unsafe, safe, *[unsafe] * 4]


def test_what_is_written_instead_is_safe() -> None:
    text = FILE.replace('*.* action(type="omrelp" target="relay" port="2515")\n', "")
    (now,) = cured("rsyslog", text)
    own = 'keepalive.time="175" keepalive.interval="75" keepalive.probes="9"'
    assert f'input(type="imtcp" port="515" keepalive="on" {own})' in now
    assert f'queue.type="linkedList" keepalive="on" {own})' in now
    assert (
        '*.* action(type="omfwd" target="central" port="6514" protocol="tcp" keepalive="on" '
        f'{own} TCP_Framing="octet-counted" ziplevel="5" template="RSYSLOG_Forward")\n' in now
    )
    assert 'KeepAlive.Time="300")' in now


def test_omrelp_has_no_line_to_write() -> None:
    (found,) = judge("rsyslog", 'action(type="omrelp" target="relay")')
    assert (found.survival, found.diff) == ("unsafe", "")
    assert "omrelp has no option for keepalive" in found.hint


def test_a_module_that_is_loaded_elsewhere_decides() -> None:
    inputs = 'input(type="imtcp" port="514")\n'
    (found,) = judge("rsyslog", inputs)
    assert found.survival == "not judged"
    assert 'module(load="imtcp"), which sets its keepalive, is in another file' in found.why
    assert survivals("rsyslog", inputs, 'module(load="imtcp" keepalive="on")') == ["unsafe"]
    module = 'module(load="imtcp" keepalive="on" keepalive.time="60")'
    assert survivals("rsyslog", inputs, module) == ["safe"]
    assert cured("rsyslog", inputs, 'module(load="imtcp")')[0] == inputs


def test_the_old_syntax() -> None:
    text = """\
$ModLoad imtcp
$InputTCPServerKeepAlive on   # please
$InputTCPServerKeepAlive_time 7200
$InputTCPServerRun 514
$InputPTCPServerRun 515
$InputRELPServerRun 2514
"""
    found = read("rsyslog", text)
    assert [(each.line, each.what, each.asks) for each in found] == [
        (4, "listener 514 (imtcp)", True),
        (5, "listener 515 (imptcp)", False),
        (6, "listener 2514 (imrelp)", False),
    ]
    assert found[0].timers == ConfiguredTimers(7200, None, None)
    (now,) = cured("rsyslog", text.rsplit("$", 1)[0])
    assert "$InputTCPServerKeepAlive on   # please\n$InputTCPServerKeepAlive_time 175\n" in now
    assert "$InputPTCPServerKeepAlive on\n" in now


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\ninput(type="imtcp" port=514)', "0.conf:2: cannot read the parameters of input() at"),
        ('input(type="imtcp"', "cannot read the parameters of input() to their end"),
        ('input(port="1"\n port="2")', "0.conf:2: duplicate parameter 'port'"),
        ('input(type="imptcp" keepalive="maybe")', "use on or off"),
        ('input(type="imptcp" keepalive.time="1h")', "keepalive.time: '1h' is not accepted here"),
        ("$InputTCPServerKeepAlive\n$InputTCPServerRun 1", "$inputtcpserverkeepalive: ''"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read("rsyslog", text)
    assert message in str(error.value)
