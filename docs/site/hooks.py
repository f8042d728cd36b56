"""What the documentation's site has beyond the files in `docs`.

Two kinds of pages are made when the site is built: the Markdown files beside this directory's
parent (README and others), and a reference of everything that a scenario or the command line can
name, from the code.  Links to files that are no pages become their names.
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # mkdocs loads a hook as a file, not as a part of a package

import reference  # noqa: E402

ROOT = HERE.parents[1]
PROJECT = {
    "README.md": "project/readme.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
"""Files at the root -> their pages."""

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
"""A link in Markdown, but not an image."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files in `docs`."""
    for name, page in PROJECT.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text("utf-8")))
    for page, text in reference.pages().items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(
    markdown: str,
    page: Page,
    config: MkDocsConfig,  # noqa: ARG001
    files: Files,
) -> str:
    """Make links between files of the repository links between pages."""
    source = page.file.src_uri
    origin = next((name for name, made in PROJECT.items() if made == source), f"docs/{source}")
    pages = {file.src_uri for file in files.documentation_pages()}
    return LINK.sub(lambda link: relinked(link, origin, source, pages), markdown)


def relinked(link: re.Match[str], origin: str, source: str, pages: set[str]) -> str:
    """A Markdown link as it is right on the site.

    Args:
        link: its text and target.
        origin: the file that has it, relative to the repository.
        source: the page that has it.
        pages: of the site.
    """
    target, hash_, anchor = link["target"].partition("#")
    if not target or "://" in target or target.startswith("mailto:"):
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
    page = PROJECT.get(path, path.removeprefix("docs/"))
    if page not in pages and not (path.startswith("docs/") and path.endswith(".svg")):
        known = link["text"].strip("`") in (path, posixpath.basename(path), target)
        return f"`{path}`" if known else f"{link['text']} (`{path}`)"
    return f"[{link['text']}]({posixpath.relpath(page, posixpath.dirname(source))}{hash_}{anchor})"
