"""The image of the harness plays scenarios with what docs/ci asks for, and with nothing less."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest
from ruamel.yaml import YAML

from halfopen.labs.docker.engine import missing_image
from halfopen.products.images import our_image

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
IMAGE = our_image("harness")
PUBLISHED = f"registry.example.org/{IMAGE}"

CAPABILITIES = {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"}
CHECKOUT = "DAC_OVERRIDE"  # to write into a directory that the CI system made as another user

# Played by both engines: packet sockets are the userspace engine's alone.
SCENARIO = """\
scenario: an hour of silence
scale: 600
hosts:
  sender: { run: relpio send, to: receiver, ack timeout: 20 min, keepalive: off }
  firewall: { profile: fortigate, half open: 30 min }
  receiver: { run: relpio receive, keepalive: off }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 75 min
  - send: 20 messages
expect:
  - delivery: { lost: 0, corrupted: 0, stuck: 0, duplicated: at most 20 }
  - idle drops: { at: firewall, count: at least 1 }
  - half-open: { at: receiver, at end: 0 }
variants:
  kernel:
    hosts: { firewall: { engine: conntrack } }
    reproduces: { half-open: 1 }
  userspace:
    hosts: { firewall: { engine: userspace } }
    reproduces: { half-open: 1 }
"""


def _yaml(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((CI / name).read_text())


GITHUB = _yaml("github-actions.yml")["jobs"]
GITLAB = _yaml("gitlab-ci.yml")["halfopen"]
RUNNER = tomllib.loads((CI / "gitlab-runner.toml").read_text())["runners"][0]["docker"]
POD = _yaml("kubernetes-job.yaml")["spec"]["template"]["spec"]["containers"][0]


def _options(key: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (key, value)]


def _of_github() -> tuple[list[str], list[str]]:
    """Options of the container, and the command in it."""
    runs = [step["run"] for step in GITHUB["inside"]["steps"] if "run" in step]
    return shlex.split(GITHUB["inside"]["container"]["options"]), shlex.split(runs[0])


def _of_gitlab() -> tuple[list[str], list[str]]:
    options = _options("--cap-drop", RUNNER["cap_drop"]) + _options("--cap-add", RUNNER["cap_add"])
    options += _options("--security-opt", RUNNER["security_opt"])
    return options, ["sh", "-c", "\n".join(GITLAB["script"])]


def _of_kubernetes() -> tuple[list[str], list[str]]:
    context = POD["securityContext"]
    options = _options("--cap-drop", context["capabilities"]["drop"])
    options += _options("--cap-add", context["capabilities"]["add"])
    options += ["--user", str(context["runAsUser"])]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}  # the engine's own, here too
    assert context["appArmorProfile"] == {"type": "Unconfined"}
    return [*options, "--security-opt", "apparmor=unconfined"], POD["command"]


INSIDE = {"GitHub": _of_github, "GitLab": _of_gitlab, "Kubernetes": _of_kubernetes}


@pytest.fixture(scope="module", autouse=True)
def image(images: None) -> None:
    client = docker.from_env()
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        pytest.skip(missing_image(IMAGE))
    finally:
        client.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a scenario, owned by somebody who is not root."""
    directory = tmp_path / "checkout"
    (directory / "scenarios").mkdir(parents=True)
    (directory / "scenarios" / "silence.scenario.yaml").write_text(SCENARIO)
    if os.geteuid() == 0:
        for each in (directory, *directory.rglob("*")):
            os.chown(each, 1001, 1001)
    return directory


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _play(
    options: Sequence[str], command: Sequence[str], checkout: Path | None = None
) -> tuple[int, str]:
    """Run a command in the image, in a copy of the checkout: exit status, and what it said."""
    if checkout is not None:
        command = ["sh", "-c", f'cd /{checkout.name} && exec "$@"', "sh", *command]
    retries = ("--env", "HALFOPEN_LATE_RETRIES=2")  # a busy machine spoils no verdict
    made = _docker("create", "--network", "none", *retries, *options, IMAGE, *command)
    try:
        if checkout is not None:
            _docker("cp", "--archive", str(checkout), f"{made}:/")
        done = subprocess.run(
            ["docker", "start", "--attach", made], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr
    finally:
        _docker("rm", "--force", "--volumes", made)


def _without(options: Sequence[str], capability: str) -> list[str]:
    where = options.index(capability)
    return [*options[: where - 1], *options[where + 1 :]]


def test_no_file_asks_for_more_than_is_tested() -> None:
    assert "--privileged" not in (CI / "github-actions.yml").read_text()
    assert RUNNER["privileged"] is False and POD["securityContext"]["privileged"] is False
    for image in (GITHUB["inside"]["container"]["image"], GITLAB["image"], RUNNER["image"],
                  POD["image"], _yaml("github-actions.yml")["env"]["IMAGE"]):  # fmt: skip
        assert image == PUBLISHED
    for name, of in INSIDE.items():
        options, _ = of()
        added = {b for a, b in itertools.pairwise(options) if a == "--cap-add"}
        assert added - {CHECKOUT} == CAPABILITIES, name
        assert "ALL" in options, name


def test_the_readme_says_what_each_capability_is_for() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", (CI / "README.md").read_text(), re.MULTILINE))
    assert told == {*CAPABILITIES, CHECKOUT}


@pytest.mark.parametrize("system", INSIDE)
def test_a_job_in_the_container_gives_verdicts(system: str, checkout: Path) -> None:
    options, command = INSIDE[system]()
    status, said = _play(options, command, checkout)
    assert (status, "2 reproduced" in said) == (0, True), said


def test_a_container_without_capabilities_gives_verdicts(checkout: Path) -> None:
    """The very commands of the file, in a checkout; but the sysctl of the runner's machine.

    A variant that a busy machine spoiled is run again.
    """
    shutil.copytree(CI, checkout / "docs" / "ci")
    steps = [step["run"] for step in GITHUB["without-capabilities"]["steps"] if "run" in step]
    script = "\n".join(each for each in steps if not each.startswith("sudo sysctl"))
    assert "docker run " in script
    script = script.replace("docker run ", "docker run --env HALFOPEN_LATE_RETRIES=2 ")
    done = subprocess.run(
        ["sh", "-e", "-c", script],
        cwd=checkout,
        env={**os.environ, "IMAGE": IMAGE},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, "2 reproduced" in done.stdout) == (0, True), done.stdout + done.stderr
    assert (checkout / "out" / "junit.xml").exists()


def test_each_capability_is_needed(checkout: Path) -> None:
    options, command = _of_github()

    def left_out(capability: str) -> tuple[int, str]:
        return _play(_without(options, capability), one, checkout)

    one = [*command, "--variant", "userspace"]
    tried = sorted({*CAPABILITIES, CHECKOUT})
    with ThreadPoolExecutor(3) as pool:
        for capability, (status, said) in zip(tried, pool.map(left_out, tried), strict=True):
            assert status != 0 and "reproduced" not in said, f"{capability} is not needed"


@pytest.mark.parametrize("left_out", ["seccomp", "systempaths"])
def test_each_option_instead_of_capabilities_is_needed(left_out: str) -> None:
    offered = {"seccomp": f"seccomp={CI / 'seccomp.json'}", "systempaths": "systempaths=unconfined"}
    rest = [value for name, value in offered.items() if name != left_out]
    options = ["--user", "10514:10514", "--cap-drop", "ALL", *_options("--security-opt", rest)]
    _, said = _play(options, ["halfopen", "doctor"])
    assert re.search(r"lab netns +not supported", said)
