"""postgresql:// and jdbc:postgresql:// strings in files, and as an argument."""

from __future__ import annotations

import pytest

from halfopen.advice.config_files import read_configuration
from halfopen.advice.config_judge import edited
from halfopen.advice.config_model import ConfiguredTimers, Sysctls
from halfopen.errors import InputError
from tests.unit.advice.configs.hostile import check_hostile
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
# DATABASE_URL=postgresql://old/app
DATABASE_URL="postgresql://me:secret@db:6432/app?keepalives_idle=60&tcp_user_timeout=9000"
spring.datasource.url=jdbc:postgresql://a,b:5433/app?ssl=true
"""
KIND = "postgresql-url"


def test_strings_of_libpq_and_pgjdbc() -> None:
    one, two = read(KIND, FILE)
    assert (one.line, one.what, one.asks) == (2, "client to db:6432 (libpq)", True)
    assert (one.timers, one.user_timeout_ms) == (ConfiguredTimers(60), 9000)
    assert (two.line, two.what, two.asks) == (3, "client to a,b:5433 (pgjdbc)", False)
    assert survivals(KIND, FILE) == ["safe", "unsafe"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("postgres://db", "client to db:5432 (libpq)"),
        ("postgresql://[2001:db8::1]/a", "client to [2001:db8::1]:5432 (libpq)"),
        ("postgresql:///a?host=db&port=9", "client to db:9 (libpq)"),
        ("postgresql://u@localhost/a", None),
        ("postgresql:///a", None),
        ("postgresql://%2Frun%2Fpg/a", None),
        ("jdbc:postgresql://localhost/a", None),
        ("${URL:jdbc:postgresql://db/a}", "client to db:5432 (pgjdbc)"),
    ],
)
def test_where_it_connects_to(text: str, what: str | None) -> None:
    assert [each.what for each in read(KIND, text)] == ([what] if what else [])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("postgresql+asyncpg://db/a", "the driver asyncpg is not libpq"),
        ("postgresql://db/a?${MORE}", "a part of the string is a variable"),
        ("postgresql://db/${NAME}", "a part of the string is a variable"),
        ("jdbc:postgresql://db/a\n\nx.tcpKeepAlive=true", "line 3 sets tcpKeepAlive outside"),
        ("jdbc:postgresql://db/a\nhikari.keepalive-time=1", "line 2 sets keepalive-time outside"),
    ],
)
def test_what_the_string_does_not_say_is_not_judged(text: str, why: str) -> None:
    (found,) = judge(KIND, text)
    assert found.survival == "not judged"
    assert why in found.why


def test_cures() -> None:
    (done,) = cured(KIND, "u=postgresql://db?keepalives=0&keepalives_idle=900, and\n")
    assert done == (
        "u=postgresql://db?keepalives=1&keepalives_idle=175&keepalives_interval=75"
        "&keepalives_count=9&tcp_user_timeout=850000, and\n"
    )
    (done,) = cured(KIND, "postgresql+psycopg2://db")
    assert done.startswith("postgresql+psycopg2://db/?keepalives_idle=175&")
    (done,) = cured(KIND, "<u>postgresql://db/a?x=y&amp;keepalives=0</u>")
    assert "&amp;keepalives=1&amp;keepalives_idle=175" in done


def test_pgjdbc_also_needs_the_systems_timers() -> None:
    (found,) = judge(KIND, "jdbc:postgresql://db/a?")
    assert (
        edited("jdbc:postgresql://db/a?", found.edits) == "jdbc:postgresql://db/a?tcpKeepAlive=true"
    )
    assert "set net.ipv4.tcp_keepalive_time" in found.hint
    text = "jdbc:postgresql://db/a?tcpKeepAlive=true"
    assert survivals(KIND, text) == ["unsafe"]
    system = Sysctls(ConfiguredTimers(60, 75, 9))
    assert [str(each.survival) for each in judge(KIND, text, system=system)] == ["safe"]


def test_a_diff_shows_no_password() -> None:
    text = "postgresql://me:s3cret@db/a?password=s3cret&keepalives=0\n"
    (found,) = judge(KIND, text)
    assert "s3cret" not in found.diff
    assert "+postgresql://me:***@db/a?password=***&keepalives=1&keepalives_idle=175" in found.diff
    assert "s3cret" in edited(text, found.edits)


def test_a_string_may_be_the_argument() -> None:
    found = read_configuration(["postgresql://db/a?keepalives_idle=60"])
    (connection,) = found.connections
    assert (connection.source.path, connection.timers.idle) == ("argument", 60)
    with pytest.raises(InputError, match="argument:1: keepalives_idle: 'soon' is not accepted"):
        read_configuration(["jdbc:postgresql://db/a", "postgresql://db/a?keepalives_idle=soon"])


@pytest.mark.parametrize(
    "text", ["postgresql://db/a?keepalives=on", "jdbc:postgresql://d/a?tcpKeepAlive=1"]
)
def test_what_is_wrong_has_its_line(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:2: .* is not accepted here; use"):
        read(KIND, f"\n{text}\n")


def test_no_form_of_a_file_makes_it_crash() -> None:
    check_hostile(KIND, FILE)
