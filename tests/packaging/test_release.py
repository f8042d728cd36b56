"""`make release` makes whole distributions of a commit, or says what it lacks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import halfopen

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository of one commit, with the files of this one as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    tree = tmp_path / "tree"
    tree.mkdir()
    subprocess.run(
        ["cp", "--parents", "--no-dereference", "--target-directory", str(tree)]
        + [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()],
        cwd=ROOT,
        check=True,
    )
    git(tree, "init", "--quiet")
    commit(tree)
    return tree


def git(tree: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *who, *words], cwd=tree, check=True, capture_output=True)


def commit(tree: Path) -> None:
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "as it is")


def release(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [".ci/release"],
        cwd=tree,
        env={
            **os.environ,
            "BIN": str(Path(sys.executable).parent),
            "HALFOPEN_PURE": "1",  # what compiling yields, test_wheels.py says
            "RELPIO_PURE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
    )
    return done.returncode, done.stdout


def test_the_distributions_of_a_version_are_made_and_checked(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    dated = f"## {halfopen.__version__} - 2027-01-31\n\n- What is new.\n\n## 0.0.1 - 2026-01-01\n"
    changelog.write_text(changelog.read_text().replace("## Unreleased\n", dated, 1))
    commit(checkout)
    status, said = release(checkout)
    assert status == 0, said
    assert f"halfopen and relpio {halfopen.__version__}" in said
    version = re.escape(halfopen.__version__)
    made = sorted(each.name for each in (checkout / "dist").iterdir())
    assert [re.sub(rf"-{version}.*?(\.tar\.gz|\.whl)$", r"\1", each) for each in made] == [
        "NOTES.md",
        "SHA256SUMS",
        "halfopen.whl",
        "halfopen.tar.gz",
        "relpio.whl",
        "relpio.tar.gz",
    ]
    assert (checkout / "dist" / "NOTES.md").read_text() == "- What is new.\n\n"
    subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=checkout / "dist", check=True
    )


def test_what_is_not_ready_is_not_released(checkout: Path) -> None:
    status, said = release(checkout)
    assert status == 2
    assert f"no section '## {halfopen.__version__} - YYYY-MM-DD'" in said
    (checkout / "left.txt").write_text("")
    status, said = release(checkout)
    assert status == 2
    assert "the tree is not clean" in said
    assert not (checkout / "dist").exists()
    version = checkout / "impl" / "relpio" / "version.py"
    version.write_text('__version__ = "9.9.9"\n')
    status, said = release(checkout)
    assert status == 2
    assert "relpio 9.9.9: give both the same version" in said
