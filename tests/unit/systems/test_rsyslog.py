"""rsyslog as a system: its configuration in both languages, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext
from halfopen.products.rsyslog import installed
from halfopen.products.rsyslog.queue import Queue, directive_values, script_values
from halfopen.products.rsyslog.script import fill, statement
from halfopen.scenario.scaling import scale_section
from halfopen.systems import all_systems

KEEPALIVE = {"idle": "30 min", "interval": "75 s", "probes": 9}


def program(system: str, base: str = "", **options: Any) -> ProgramSpec:
    context = SystemContext(
        host="node",
        address="198.18.1.1",
        addresses={"node": "198.18.1.1", "server": "198.18.2.2"},
        directory="/disk",
        seed=1,
        base=base,
        ledger_directory="/notes",
    )
    spec = all_systems()[system]
    given = spec.model_validate({key.replace("_", " "): v for key, v in options.items()})
    # As it comes out of a plan: everything is said, also what was left out.
    given = spec.model_validate(given.model_dump(mode="json"))
    (found,) = given.programs(context)
    return found


def configuration(found: ProgramSpec) -> str:
    return found.files[f"/notes/{found.name}.conf"]


def said(text: str, kind: str, name: str) -> dict[str, str]:
    """The parameters of the statement `kind(type="name" ...)` or `kind(load="name" ...)`."""
    (line,) = re.findall(rf'{kind}\((?:type|load)="{name}"([^)]*)\)', text)
    return dict(re.findall(r'([\w.]+)="([^"]*)"', line))


def test_omrelp_has_a_queue_of_its_own_and_its_waits() -> None:
    text = configuration(
        program(
            "rsyslog send",
            to="server",
            window=8,
            resume_retry_count=-1,
            queue={"type": "disk-assisted", "size": 100, "save on shutdown": True},
        )
    )
    action = said(text, "action", "omrelp")
    assert action["target"] == "198.18.2.2"
    assert (action["windowSize"], action["timeout"]) == ("8", "90")
    assert (action["action.resumeRetryCount"], action["action.resumeInterval"]) == ("-1", "30")
    assert (action["queue.type"], action["queue.filename"]) == ("LinkedList", "forward-0")
    assert (action["queue.size"], action["queue.saveOnShutdown"]) == ("100", "on")


def test_what_is_left_out_is_left_to_rsyslog() -> None:
    action = said(configuration(program("rsyslog send", to="server")), "action", "omrelp")
    assert not any(name.startswith("queue.") for name in action)
    assert "action.resumeRetryCount" not in action
    receive = configuration(program("rsyslog receive"))
    assert "keepAlive" not in receive
    assert "$MaxOpenFiles" not in receive


@pytest.mark.parametrize(
    ("kind", "place"), [("imrelp", "input"), ("imptcp", "input"), ("imtcp", "module")]
)
def test_each_input_is_told_of_keepalive_where_it_listens_to_that(kind: str, place: str) -> None:
    text = configuration(program("rsyslog receive", input=kind, keepalive=KEEPALIVE))
    found = said(text, place, kind)
    assert [found[f"keepAlive{end}"] for end in ("", ".time", ".interval", ".probes")] == [
        "on",
        "1800",
        "75",
        "9",
    ]


def test_directives_say_the_same() -> None:
    text = configuration(
        program(
            "rsyslog receive",
            syntax="legacy",
            input="imptcp",
            keepalive=KEEPALIVE,
            notify_on_close=True,
            max_open_files=64,
        )
    )
    lines = text.splitlines()
    assert lines[0] == "$MaxOpenFiles 64"
    run = lines.index("$InputPTCPServerRun 2514")
    for line in (
        "$InputPTCPServerKeepAlive on",
        "$InputPTCPServerKeepAlive_time 1800",
        "$InputPTCPServerKeepAlive_intvl 75",
        "$InputPTCPServerKeepAlive_probes 9",
        "$InputPTCPServerNotifyOnConnectionClose on",
    ):
        assert lines.index(line) < run, "what comes after it means the next input"


def test_each_session_has_an_action_with_a_queue_of_its_own() -> None:
    text = configuration(program("rsyslog send", to="server", sessions=3, queue={"type": "disk"}))
    assert "% 3;" in text
    assert re.findall(r'queue.filename="([^"]*)"', text) == ["forward-0", "forward-1", "forward-2"]
    assert re.findall(r"if \$\.turn == (\d) then action", text) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("options", "feed", "ready"),
    [
        (
            {},
            Feed("unix datagram", "/run/halfopen-node.log"),
            Ready(exists="/run/halfopen-node.log"),
        ),
        ({"input": "imptcp"}, Feed("tcp", port=1514), Ready(listening=1514)),
        (
            {"input": "imfile"},
            Feed("file", "/disk/spool.input"),
            Ready(exists="/notes/rsyslog-send.pid"),
        ),
    ],
)
def test_messages_go_in_where_the_input_takes_them(
    options: dict[str, Any], feed: Feed, ready: Ready
) -> None:
    found = program("rsyslog send", to="server", **options)
    assert (found.feed, found.ready) == (feed, ready)


def test_omprog_hands_to_a_program_that_writes_the_output() -> None:
    found = program("rsyslog receive", output="omprog")
    assert said(configuration(found), "action", "omprog")["binary"].endswith(
        "/tee -a /disk/messages"
    )
    assert found.output == "/disk/messages"


def test_your_own_configuration_is_filled_in(tmp_path: Path) -> None:
    (tmp_path / "my.conf").write_text('action(target="@to@:@port@" mail="a@example.org")\n@input@')
    found = program("rsyslog send", str(tmp_path), to="server", config="my.conf")
    assert configuration(found) == (
        'action(target="198.18.2.2:2514" mail="a@example.org")\n/run/halfopen-node.log'
    )


@pytest.mark.parametrize(
    ("system", "options", "reason"),
    [
        ("rsyslog send", {"keepalive": KEEPALIVE}, "omrelp has no keepalive.*`preload keepalive`"),
        ("rsyslog send", {"output": "omfwd", "window": 8}, "omfwd has no window"),
        ("rsyslog send", {"syntax": "legacy", "sessions": 2}, "no [$] directive for sessions"),
        ("rsyslog send", {"queue": {"type": "disk", "low watermark": 5}}, "only a disk-assisted"),
        ("rsyslog send", {"queue": {"type": "direct", "size": 5}}, "direct queue holds nothing"),
        ("rsyslog receive", {"max sessions": 5}, "imrelp has neither"),
        ("rsyslog receive", {"syntax": "legacy", "keepalive": KEEPALIVE}, "no [$] directive"),
        ("rsyslog receive", {"syntax": "legacy", "output": "omprog"}, "omprog"),
    ],
)
def test_what_rsyslog_cannot_do_is_refused(
    system: str, options: dict[str, Any], reason: str
) -> None:
    needed = {"to": "server"} if system == "rsyslog send" else {}
    with pytest.raises(ValidationError, match=reason):
        all_systems()[system].model_validate({**needed, **options})


def test_what_rsyslog_takes_in_whole_seconds_is_scaled_to_whole_seconds() -> None:
    spec = all_systems()["rsyslog send"]
    options = spec.model_validate({"to": "server", "timeout": "90 s"})
    scaled, _ = scale_section(options, 1800)
    assert (scaled.timeout, scaled.resume_interval) == (1.0, 1.0)  # type: ignore[attr-defined]


def test_the_waits_of_a_queue_are_in_the_units_of_rsyslog() -> None:
    queue = Queue.model_validate({
        "type": "disk",
        "timeout enqueue": "0 s",
        "timeout shutdown": "1 min",
        "timeout action completion": "250 ms",
        "timeout worker thread shutdown": "3 s",
        "dequeue slow down": "1 s",
        "max disk space": "64 KiB",
        "max file size": "16 KiB",
    })  # fmt: skip
    found = script_values(queue, "q")
    assert found["queue.timeoutEnqueue"] == 0
    assert found["queue.timeoutShutdown"] == 60_000
    assert found["queue.timeoutActionCompletion"] == 250
    assert found["queue.timeoutWorkerThreadShutdown"] == 3000
    assert found["queue.dequeueSlowDown"] == 1_000_000  # microseconds
    assert (found["queue.maxDiskSpace"], found["queue.maxFileSize"]) == (65_536, 16_384)


def test_no_scale_divides_the_waits_of_a_queue() -> None:
    queue = Queue.model_validate({"timeout enqueue": "1 min", "dequeue slow down": "1 s"})
    assert scale_section(queue, 600) == (queue, [])


def test_a_queue_says_the_same_in_both_languages() -> None:
    queue = Queue(type="disk-assisted", size=10, high_watermark=8, discard_mark=9)
    script = {
        name.removeprefix("queue.").lower(): v for name, v in script_values(queue, "q").items()
    }
    legacy = directive_values(queue, "q", "ActionQueue")
    # Here the directive has its words in another order.
    script["workertimeoutthreadshutdown"] = script.pop("timeoutworkerthreadshutdown")
    assert {k.removeprefix("ActionQueue").lower(): v for k, v in legacy.items()} == {
        **script,
        "syncqueuefiles": None,
    }


def test_quotes_and_backslashes_do_not_end_a_value() -> None:
    assert statement("action", {"file": 'a"b\\c', "none": None}) == 'action(file="a\\"b\\\\c")'


def test_an_unknown_place_stays_as_it_is() -> None:
    assert fill("@to@ @nobody@ @", {"to": "x"}) == "x @nobody@ @"


def test_what_is_missing_is_said_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "find_program", lambda _: None)
    (said_,) = installed.missing("rsyslogd", ["omrelp"])
    assert said_ == "rsyslog is not installed: apt-get install rsyslog rsyslog-relp"
    monkeypatch.setattr(installed, "version", lambda _: "8.2302.0")
    monkeypatch.setattr(installed, "_FOLDERS", ("nowhere",))
    (said_,) = installed.missing("rsyslogd", ["imuxsock", "omrelp"])
    assert said_ == "rsyslog's module omrelp is not installed: apt-get install rsyslog-relp"
