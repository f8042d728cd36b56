"""Docker Compose: sysctls of services."""

from __future__ import annotations

import pytest

from halfopen.advice.config_files import config_readers
from halfopen.advice.config_model import ConfiguredTimers, Source, Sysctls
from halfopen.errors import InputError
from tests.unit.advice.configs.hostile import check_hostile
from tests.unit.advice.configs.reading import cured, judge, read, survivals

FILE = """\
x-usual: &usual
  image: a
  sysctls: { net.ipv4.tcp_keepalive_time: "60" }
services:
  web:
    <<: *usual
  db:
    image: b
    sysctls:
      - net.ipv4.tcp_keepalive_time=600
      - net.core.somaxconn=10
  bare: { image: c }
  away:
    network_mode: host
"""


def test_each_service_has_its_own_sysctls() -> None:
    web, db, bare, away = read("compose", FILE)
    said = "a socket of service web that asks for keepalive and sets no timers"
    assert (web.line, web.what, web.asks) == (3, said, True)
    assert web.timers == ConfiguredTimers(60, 75, 9)
    assert (db.line, db.timers) == (10, ConfiguredTimers(600, 75, 9))
    assert (bare.line, bare.timers) == (12, ConfiguredTimers(7200, 75, 9))
    assert (away.line, away.timers) == (13, ConfiguredTimers())
    assert survivals("compose", FILE) == ["safe", "unsafe", "unsafe", "unsafe"]


def test_the_hosts_sysctls_count_with_its_network_only() -> None:
    system = Sysctls(ConfiguredTimers(60, 10, 6))
    found = judge("compose", FILE, system=system)
    assert [str(each.survival) for each in found] == ["safe", "unsafe", "unsafe", "safe"]


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("network_mode: service:web", "it has the network of service web"),
        ("network_mode: 'container:x'", "it has the network of container x"),
        ("network_mode: $MODE", "network_mode is a variable"),
        ("sysctls: ['net.ipv4.tcp_keepalive_time=${TIME}']", "tcp_keepalive_time is a variable"),
        ("extends: {service: web}", "it extends another service"),
        ("command: [sh, -c, sysctl -w net.ipv4.tcp_keepalive_time=9]", "its command may set"),
        ("entrypoint: sysctl -w net.ipv4.tcp_keepalive_time=9", "its entrypoint may set"),
    ],
)
def test_what_is_not_in_the_file_is_not_judged(service: str, why: str) -> None:
    (found,) = judge("compose", f"services:\n  a:\n    {service}\n")
    assert found.survival == "not judged"
    assert why in found.why


def test_files_of_one_directory_are_one_project() -> None:
    one = Source("a/compose.yaml", "services:\n  web: {image: a}\n")
    two = Source(
        "a/compose.override.yaml",
        "services:\n  web:\n    sysctls:\n      net.ipv4.tcp_keepalive_time: 60\n",
    )
    reader = config_readers()["compose"]
    (web,) = reader.read([one, two])
    assert (web.source.path, web.line, web.timers.idle) == (two.path, 4, 60)
    assert len(list(reader.read([one, Source("b/compose.yaml", two.text)]))) == 2


TIME, INTERVAL = "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl"
CURES = {
    "a:\n    image: x\n": f"  a:\n    sysctls:\n      {TIME}: 175\n",
    "a: { image: x }\n": f"a: {{sysctls: {{{TIME}: 175, ",
    f"a:\n    sysctls:\n      {TIME}: 900\n": f"      {TIME}: 175\n",
    "a:\n    sysctls:\n      x: 1\n": f"sysctls:\n      {TIME}: 175\n      {INTERVAL}: 75\n",
    f"a:\n    sysctls:\n    - {INTERVAL}=900\n": f"    - {INTERVAL}=75\n",
    'a:\n    sysctls: ["x=1"]\n': f"sysctls: [{TIME}=175, ",
    "a:\n    sysctls: {}\n": f"sysctls: {{{TIME}: 175, ",
}


@pytest.mark.parametrize(("service", "part"), CURES.items())
def test_cures(service: str, part: str) -> None:
    (done,) = cured("compose", f"services:\n  {service}")
    assert part in done
    assert read("compose", done)[0].timers == ConfiguredTimers(175, 75, 9)


def test_a_cure_of_what_is_shared_is_made_where_it_is() -> None:
    (done,) = cured(
        "compose", FILE.replace('"60"', "900").replace("network_mode: host", "image: d")
    )
    assert "tcp_keepalive_time: 175 }" in done
    assert "      - net.ipv4.tcp_keepalive_time=175\n      - net.core.somaxconn=10\n" in done


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services:\n  a: [\n", "not YAML"),
        ("services:\n  a:\n    sysctls: {net.ipv4.tcp_keepalive_time: 1m}\n", "3: net.ipv4.tcp_k"),
        ("services:\n  a:\n    sysctls: {net.ipv4.tcp_keepalive_time: 0}\n", "3: net.ipv4.tcp_k"),
        ("services:\n  a: " + "[" * 200_000, "2: nested deeper than 100 levels"),
        ("services:\n  a: {{ .Values.a }}\n  b: {{ c }} d", "what `helm template` prints"),
        ("services:\n  a: \x00", "2: a character that YAML does not allow"),
        ("services:\n  a: *nothing", "2: no anchor &nothing before it"),
    ],
)
def test_what_is_wrong_has_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=r"0\.conf:[1-9]") as error:
        read("compose", text)
    assert message in str(error.value)


def test_aliases_are_not_expanded() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60))
    assert len(read("compose", f"a0: &a0 x\n{levels}\nservices:\n  web: {{image: *a59}}\n")) == 1
    assert len(read("compose", "services:\n  web: &w {<<: *w, image: a}\n")) == 1


def test_no_form_of_a_file_makes_it_crash() -> None:
    check_hostile("compose", FILE)
