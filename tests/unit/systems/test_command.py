"""Any command: what is started, fed and read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.ports import Feed, ProgramSpec, Ready, SystemContext
from halfopen.systems import all_systems
from halfopen.systems.command_send import CommandSend

CONTEXT = SystemContext(
    host="sender",
    address="198.18.1.1",
    addresses={"sender": "198.18.1.1", "log-receiver": "198.18.2.2"},
    directory="/run/of/sender",
    seed=1,
    ledger_directory="/notes/of/sender",
)


def program(system: str, **options: Any) -> ProgramSpec:
    spec = all_systems()[system]
    given = spec.model_validate({key.replace("_", " "): v for key, v in options.items()})
    (found,) = given.programs(CONTEXT)
    return found


def test_hosts_and_its_directory_are_filled_in_and_what_is_a_shells_is_left() -> None:
    found = program(
        "command send",
        start=["sh", "-c", 'exec relay ${log-receiver} ${HOME} ${directory} "${1}" ${nobody}'],
        env={"TO": "${log-receiver}:514"},
        files={"etc/relay.conf": "target=${log-receiver}\n"},
    )
    assert found.argv[0].endswith("/sh")
    assert found.argv[2] == 'exec relay 198.18.2.2 ${HOME} /run/of/sender "${1}" ${nobody}'
    assert found.env == {"TO": "198.18.2.2:514"}
    assert found.files == {"/run/of/sender/etc/relay.conf": "target=198.18.2.2\n"}
    assert found.directory == "/run/of/sender"
    assert (found.feed, found.output, found.ready) == (Feed(), None, None)


@pytest.mark.parametrize(
    ("given", "feed"),
    [
        ({"tcp": 514}, Feed("tcp", port=514)),
        ({"udp": 514}, Feed("udp", port=514)),
        ({"file": "in.log"}, Feed("file", "/run/of/sender/in.log")),
        ({"unix stream": "/dev/log"}, Feed("unix stream", "/dev/log")),
        ({"unix datagram": "${directory}/log"}, Feed("unix datagram", "/run/of/sender/log")),
    ],
)
def test_messages_go_in_where_it_is_said(given: dict[str, Any], feed: Feed) -> None:
    assert program("command send", start=["sh"], feed=given).feed == feed


def test_messages_come_out_where_it_is_said() -> None:
    usual = program("command receive", start=["sh"])
    assert usual.output == f"/notes/of/sender/{usual.name}.out"
    assert usual.feed is None
    assert program("command receive", start=["sh"], output="x.log").output == (
        "/run/of/sender/x.log"
    )


def test_readiness_is_what_was_said() -> None:
    found = program(
        "command forward",
        start=["sh"],
        ready={"listening": 80, "line": "^up", "file": "log", "exists": "${directory}/pid"},
    )
    assert found.ready == Ready(
        listening=80, line="^up", file="/run/of/sender/log", exists="/run/of/sender/pid"
    )
    assert (found.feed, found.output) == (None, None)


def test_a_program_that_is_not_there_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = all_systems()["command receive"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert spec.model_validate({"start": ["sh"]}).missing() == ()
    options = spec.model_validate({"start": ["no-such-program-here", "-v"]})
    (told,) = options.missing()
    assert "no-such-program-here is missing" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": []}, "start"),
        ({"start": ["sh"], "ready": {}}, "`ready` is empty"),
        ({"start": ["sh"], "ready": {"file": "x"}}, "a file needs a line"),
        ({"start": ["sh"], "ready": {"line": "(("}}, "is not a regular expression"),
        ({"start": ["sh"], "feed": {}}, "feed takes one of"),
        ({"start": ["sh"], "feed": {"tcp": 1, "udp": 1}}, "feed takes one of"),
        ({"start": ["sh"], "files": {"../x": ""}}, "not inside"),
        ({"start": ["sh"], "files": {"/etc/../x": ""}}, "not inside"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        program("command send", **options)


def test_what_an_image_runs_by_itself_keeps_its_own_directory() -> None:
    found = program(
        "command send",
        arguments=["--to", "${log-receiver}"],
        files={"/etc/relay.conf": "dir=${directory}\n", "own.conf": "x\n"},
    )
    assert (found.argv, found.directory) == ((), None)
    assert found.arguments == ("--to", "198.18.2.2")
    assert found.image_files == {"/etc/relay.conf": "dir=/run/of/sender\n"}
    assert found.files == {"/run/of/sender/own.conf": "x\n"}
    read = CommandSend.model_validate
    assert "without `start`" in str(read({}).image_required())
    inside = read({"start": ["sh"], "files": {"/etc/relay.conf": ""}})
    assert inside.image_required() == "the file /etc/relay.conf belongs to an image"
    assert read({"start": ["sh"], "files": {"relay.conf": ""}}).image_required() is None
    with pytest.raises(ValidationError, match="add them to `start`"):
        program("command send", start=["sh"], arguments=["-c"])
