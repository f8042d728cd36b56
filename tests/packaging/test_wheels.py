"""Both distributions build, hold what they need and nothing else, and run when installed."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import halfopen
import relpio
from halfopen.optional import PACKAGES

ROOT = Path(__file__).parents[2]
LIBRARY = sorted((ROOT / "scenarios").rglob("*.scenario.yaml"))
PROJECTS = {"halfopen": ROOT, "relpio": ROOT / "impl"}

SCENARIO = """\
scenario: a short talk
hosts:
  sender: { run: relpio send, to: receiver }
  firewall: { profile: fortigate }
  receiver: { run: relpio receive }
path: [sender, firewall, receiver]
steps:
  - send: 3 messages
expect:
  - delivery: { lost: 0 }
"""


def build(project: Path, target: str, directory: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(directory)],
        cwd=project,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (built,) = directory.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {
        name: build(project, "wheel", tmp_path_factory.mktemp(name))
        for name, project in PROJECTS.items()
    }


def names_and_entry_points(wheel: Path) -> tuple[set[str], str]:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry_points,) = [n for n in names if n.endswith("entry_points.txt")]
        return names, archive.read(entry_points).decode()


class Environment:
    """A virtual environment with pip and nothing else."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory, symlinks=True, with_pip=False)
        self.bin = directory / "bin"

    def install(self, *arguments: str) -> None:
        """Install from files alone: what would have to be fetched is an error."""
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install"),
                *("--quiet", "--disable-pip-version-check", "--no-index", *arguments),
            ],
            check=True,
            timeout=120,
        )

    def run(self, command: str, *arguments: str, path: str = "") -> tuple[int, str]:
        """Exit status and all output of an installed command."""
        done = subprocess.run(
            [str(self.bin / command), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ.get("HOME", "/"),
                "PYTHONPATH": path,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout


def test_the_wheel_of_halfopen_is_complete(wheels: dict[str, Path]) -> None:
    names, points = names_and_entry_points(wheels["halfopen"])
    assert "halfopen/py.typed" in names
    assert "halfopen/scenario/scenario.schema.json" in names
    assert any(n.startswith("halfopen/profiles/data/") and n.endswith(".yaml") for n in names)
    assert any(n.startswith("halfopen/report/templates/") for n in names)
    library = {str(each.relative_to(ROOT / "scenarios")) for each in LIBRARY}
    assert library == {
        n.removeprefix("halfopen/library/") for n in names if n.endswith(".scenario.yaml")
    }
    assert {n.split("/")[0] for n in names} == {
        "halfopen", f"halfopen-{halfopen.__version__}.dist-info"
    }  # fmt: skip
    assert "halfopen = halfopen.cli.entry:main" in points
    assert "relpio" not in points


def test_the_wheel_of_relpio_is_complete(wheels: dict[str, Path]) -> None:
    names, points = names_and_entry_points(wheels["relpio"])
    assert "relpio/py.typed" in names
    info = f"relpio-{relpio.__version__}.dist-info"
    data = info.replace("dist-info", "data")
    assert {n.split("/")[0] for n in names} == {"relpio", info, data}
    for unit in ("relpio-receive.service", "relpio-receive.socket", "relpio-send.service"):
        assert f"{data}/data/share/relpio/systemd/{unit}" in names
    assert "relpio = relpio.__main__:main" in points
    with zipfile.ZipFile(wheels["relpio"]) as archive:
        assert "Requires-Dist" not in archive.read(f"{info}/METADATA").decode()
        assert archive.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("name", PROJECTS)
def test_the_source_archive_makes_the_same_wheel(
    name: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    archive = build(PROJECTS[name], "sdist", tmp_path)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    again = build(tmp_path / archive.name.removesuffix(".tar.gz"), "wheel", tmp_path / "again")
    with zipfile.ZipFile(wheels[name]) as one, zipfile.ZipFile(again) as other:
        assert {n: one.read(n) for n in one.namelist()} == {
            n: other.read(n) for n in other.namelist()
        }


def test_relpio_runs_in_an_empty_environment(wheels: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install(str(wheels["relpio"]))
    assert environment.run("relpio", "--version") == (0, f"relpio {relpio.__version__}\n")
    output, lines = tmp_path / "output", tmp_path / "lines"
    lines.write_text("one\ntwo\n")
    address = f"unix:{tmp_path / 'socket'}"
    receiver = subprocess.Popen(
        [environment.bin / "relpio", "receive", "--listen", address, "--output", str(output)],
        stderr=subprocess.PIPE,
    )
    try:
        assert receiver.stderr is not None
        assert b"listening" in receiver.stderr.readline()
        status, said = environment.run("relpio", "send", "--target", address, str(lines))
        assert status == 0, said
        assert output.read_text() == "one\ntwo\n"
    finally:
        receiver.terminate()
        assert receiver.wait(30) == 0
        receiver.communicate()


def test_halfopen_runs_where_it_is_installed_and_needs_relpio_only_to_play_it(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    third_party = sysconfig.get_path("purelib")  # for its modules; what .pth files add is not seen
    environment = Environment(tmp_path / "environment")
    environment.install("--no-deps", str(wheels["halfopen"]))
    scenario = tmp_path / "short.scenario.yaml"
    scenario.write_text(SCENARIO)
    play = ("run", str(scenario), "--no-report", "--out", str(tmp_path / "out"))

    status, said = environment.run("halfopen", "--version", path=third_party)
    assert status == 0, said
    assert halfopen.__version__ in said
    status, said = environment.run("halfopen", "library", path=third_party)
    assert (status, len(said.splitlines())) == (0, len(LIBRARY)), said
    status, said = environment.run("halfopen", "validate", "@incidents", path=third_party)
    assert status == 0, said
    assert "site-packages/halfopen/library/incidents/fortigate-idle-relp" in said
    status, said = environment.run("halfopen", *play, path=third_party)
    assert status == 3, said
    assert "relpio is not installed" in said
    assert "pip install" in said

    environment.install(str(wheels["relpio"]))
    status, said = environment.run("halfopen", *play, path=third_party)
    assert status == 0, said


def test_without_its_extras_it_does_the_rest_and_names_the_package_that_is_missing(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    core = tmp_path / "core"
    core.mkdir()
    left_out = {package.module for package in PACKAGES}
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if each.name not in left_out:
            (core / each.name).symlink_to(each)
    environment = Environment(tmp_path / "environment")
    environment.install("--no-deps", str(wheels["halfopen"]), str(wheels["relpio"]))
    scenario = tmp_path / "short.scenario.yaml"
    scenario.write_text(SCENARIO)
    play = ("run", str(scenario), "--out", str(tmp_path / "out"))

    status, said = environment.run("halfopen", *play, path=str(core))
    assert status == 0, said
    assert "no report: the Python package plotly is missing: `pip install plotly`" in said
    assert not list(tmp_path.rglob("report.html"))
    status, said = environment.run("halfopen", *play, "--lab", "docker", path=str(core))
    assert status == 3, said
    assert "the Python package docker is missing" in said
    scenario.write_text(
        SCENARIO.replace("run: relpio send", "run: http client").replace(
            "run: relpio receive", "run: http server"
        )
    )
    status, said = environment.run("halfopen", *play, path=str(core))
    assert status == 3, said
    assert "the Python package httpx is missing" in said
    status, said = environment.run("halfopen", "clean", path=str(core))
    assert status == 3, said
    assert "the Python package docker is missing" in said


def test_nothing_depends_on_paths_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "grep", "-nIE", r"(^|[^a-zA-Z0-9_.-])/(work|farm|home/[a-z]+)/", "--", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    found = [line for line in listed.stdout.splitlines() if "test_wheels.py" not in line]
    assert not found
