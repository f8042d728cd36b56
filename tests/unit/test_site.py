"""The documentation as a site: strict, whole, and without a reference to any other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from halfopen.cli.lazy import COMMANDS
from halfopen.vocabulary import default_vocabulary

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))

import hooks  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(directory)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_the_reference_has_all_that_a_scenario_and_the_command_line_can_name(site: Path) -> None:
    known = default_vocabulary()
    for page, names in {
        "checks": known.checks,
        "faults": known.faults,
        "profiles": known.profiles,
        "systems": known.systems,
        "commands": [f"halfopen {name}" for name in COMMANDS],
    }.items():
        text = (site / "reference" / page / "index.html").read_text("utf-8")
        heads = {
            re.sub(r"<[^>]+>|¶|&para;", "", head).strip()
            for head in re.findall(r"<h2 id=[^>]*>(.*?)</h2>", text)
        }
        assert set(names) == heads, page


def test_links_between_files_of_the_repository_are_links_between_pages(site: Path) -> None:
    home = (site / "project" / "readme" / "index.html").read_text("utf-8")
    assert 'href="../../systems/"' in home
    assert 'href="../architecture/"' in home
    tutorial = (site / "tutorials" / "first-incident" / "index.html").read_text("utf-8")
    assert 'href="../../project/readme/"' in tutorial
    ci = (site / "ci" / "index.html").read_text("utf-8")
    assert "<code>action.yml</code>" in ci and 'href="../../action.yml"' not in ci


def test_a_page_fetches_nothing_from_another_host(site: Path) -> None:
    fetched = re.compile(
        r"<(?:script|img|iframe)[^>]+src=\"https?:|<link[^>]+rel=\"(?:stylesheet|preconnect)\"[^>]+https?:"
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    assert [page for page in pages if fetched.search(page.read_text("utf-8"))] == []
    assert (site / "incidents" / "fortigate-idle-relp.svg").exists()


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("[how](docs/warp.md#speed)", "[how](../warp.md#speed)"),
        ("[SECURITY.md](SECURITY.md)", "[SECURITY.md](security.md)"),
        ("[the action](action.yml)", "the action (`action.yml`)"),
        ("[action.yml](action.yml)", "`action.yml`"),
        ("[there](https://example.org/x)", "[there](https://example.org/x)"),
    ],
)
def test_what_is_no_page_is_no_link(text: str, made: str) -> None:
    pages = {"warp.md", "project/security.md", "project/readme.md"}
    link = hooks.LINK.fullmatch(text)
    assert link is not None
    assert hooks.relinked(link, "README.md", "project/readme.md", pages) == made
