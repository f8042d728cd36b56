"""The docker lab's parts that need no engine."""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path, PurePosixPath

import pytest

import halfopen
from halfopen.errors import LabError
from halfopen.labs.docker.containers import _program, _unpack
from halfopen.labs.docker.engine import HELPER_IMAGE, this_node, translate_engine_errors
from halfopen.labs.docker.garbage import Owner, this_process
from halfopen.model.program import ProgramSpec
from halfopen.ports import SystemContext
from halfopen.vocabulary import default_vocabulary

ROOT = Path(halfopen.__file__).parent
REPOSITORY = ROOT.parents[1]


def test_a_process_is_alive_until_it_is_gone_or_another_has_its_number() -> None:
    ours = this_process()
    assert ours.state == "alive"
    assert Owner(ours.node, ours.pid, ours.started - 60).state == "dead"
    assert Owner("some/other", ours.pid, ours.started).state == "elsewhere"
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = Owner(this_node(), child.pid, time.time())
    assert theirs.state == "alive"
    child.communicate()
    assert theirs.state == "dead"


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    """A subject may have written what it likes to the volume: links, names with dots."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in ("hosts/a/log", "hosts/../../escaped", "hosts/a/../../../escaped"):
            entry = tarfile.TarInfo(name)
            entry.size = 4
            tar.addfile(entry, io.BytesIO(b"text"))
        link = tarfile.TarInfo("hosts/a/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
        through = tarfile.TarInfo("hosts/a/link/escaped")
        through.size = 4
        tar.addfile(through, io.BytesIO(b"text"))
    into = tmp_path / "run" / "hosts"
    _unpack(buffer.getvalue(), into)
    assert (into / "a/log").read_bytes() == b"text"
    assert not (into / "a/link").is_symlink()
    assert not Path("/etc/escaped").exists()
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(found) == [into / "a/link/escaped", into / "a/log"]


def test_programs_find_their_image() -> None:
    ours = _program(ProgramSpec("p", (sys.executable, "-m", "relpio"), {}))
    assert (ours["image"], ours["command"][0]) == (HELPER_IMAGE, "python3")
    theirs = _program(ProgramSpec("p", ("/opt/x", "-n"), {}, image="some/image:1"))
    assert (theirs["image"], theirs["command"]) == ("some/image:1", ["/opt/x", "-n"])
    its_own = _program(ProgramSpec("p", (), {}, image="some/image:1"))
    assert "command" not in its_own and "entrypoint" not in its_own
    command = _program(ProgramSpec("p", ("nc",), {}))
    assert (command["image"], command["command"]) == (HELPER_IMAGE, ["nc"])
    assert "PYTHONPATH" not in command["environment"]


def test_programs_in_containers_are_looked_up_there() -> None:
    """What is installed on this machine is not what they find."""
    systems = default_vocabulary().systems
    context = SystemContext(
        host="a", address="198.18.0.2", addresses={"a": "198.18.0.2", "b": "198.18.1.2"},
        directory="/halfopen/hosts/a/disk", seed=1, contained=True, sockets="/halfopen/hosts/a",
    )  # fmt: skip
    given = {"to": "b"}
    for name, options in {
        "rsyslog send": given, "rsyslog receive": {}, "syslog-ng send": given,
        "syslog-ng receive": {}, "kafka broker": {"release": "0.8.2"}, "kafka produce": given,
        "kafka java produce": given, "kafka scala produce": given,
        "command send": {"start": ["nc", "${b}"]},
    }.items():  # fmt: skip
        system = systems[name]
        assert (system.image is None) == (name == "command send")
        for program in system.model_validate(options).programs(context):
            first, *rest = program.argv
            assert first in (sys.executable, PurePosixPath(first).name), name
            assert not [each for each in rest if str(Path.home()) in each], name
            assert not program.env, name
            if program.feed is not None and program.feed.kind == "unix datagram":
                assert program.feed.path.startswith("/halfopen/hosts/a/")


def test_an_engine_that_goes_away_is_said_in_our_words() -> None:
    with pytest.raises(LabError, match="cannot do this"), translate_engine_errors("do this"):
        raise ConnectionRefusedError(111, "Connection refused")


def _third_party(package: Path) -> set[str]:
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"halfopen", "relpio"}


def test_the_helper_image_holds_whatever_the_agent_may_import() -> None:
    """Else a scenario would break in the middle, in this lab alone."""
    inside = set()
    for package in (
        "labs/agent",
        "labs/forwarder",
        "middlebox",
        "packet_faults",
        "probes",
        "verbs",
    ):
        inside |= _third_party(ROOT / package)
    script = (REPOSITORY / ".ci/images").read_text()
    match = re.search(r"wheels build/wheels '\(([a-z0-9|]+)\)", script)
    assert match is not None
    # What disks need runs in the sandbox of the netns lab alone: see _NOT_HERE.
    assert inside - {"mfusepy"} <= {*match[1].split("|"), "toxiproxy"}


@pytest.mark.skipif(os.name != "posix", reason="scripts of sh")
@pytest.mark.parametrize("name", ["engine", "images"])
def test_the_scripts_are_sound(name: str) -> None:
    subprocess.run(["sh", "-n", REPOSITORY / ".ci" / name], check=True)
