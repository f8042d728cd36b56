"""pg_service.conf: clients of PostgreSQL."""

from __future__ import annotations

import pytest

from halfopen.advice.config_model import ConfiguredTimers
from halfopen.errors import InputError
from tests.unit.advice.configs.reading import cured, read, survivals

FILE = """\
# services
[one]
host=db
keepalives_idle=100
keepalives_count=4
tcp_user_timeout=9000

[two]
hostaddr=10.0.0.1
port=6432
keepalives=0
[socket]
host=/run/postgresql
"""


def test_services_with_a_host() -> None:
    one, two = read("libpq", FILE)
    assert (one.line, one.what, one.asks) == (2, "client to db:5432", True)
    assert (one.timers, one.user_timeout_ms) == (ConfiguredTimers(100, None, 4), 9000)
    assert (two.line, two.what, two.asks) == (8, "client to 10.0.0.1:6432", False)


def test_verdicts_and_cures() -> None:
    assert survivals("libpq", FILE) == ["safe", "unsafe"]
    (text,) = cured("libpq", FILE)
    assert "keepalives=1\nkeepalives_idle=175\nkeepalives_interval=75\n" in text
    assert text.count("tcp_user_timeout=850000\n[socket]") == 1


@pytest.mark.parametrize("text", ["host", "host=a\nkeepalives_idle=soon"])
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:[23]: "):
        read("libpq", f"[a]\n{text}\n")
