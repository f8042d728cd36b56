"""`python -m halfopen.products.kafka [--to DIR]`: bring the jars of Kafka here, by Maven.

And make current brokers start faster (:mod:`halfopen.products.kafka.class_archive`).  With `--to`,
the jars are copied into a directory for each release below DIR, whatever was there.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from halfopen.errors import UnsupportedError
from halfopen.products.kafka.class_archive import make_class_archive
from halfopen.products.kafka.releases import RELEASES, fetch, version


def main() -> int:
    """Bring every release; exit status 3 if that cannot be done here."""
    parser = argparse.ArgumentParser(prog="halfopen.products.kafka")
    parser.add_argument("--to", type=Path)
    to: Path | None = parser.parse_args().to
    for release in RELEASES:
        try:
            where = fetch(release)
        except UnsupportedError as error:
            print(error, file=sys.stderr)  # noqa: T201 - it is a command
            return 3
        if to is not None:
            shutil.rmtree(to / release, ignore_errors=True)
            shutil.copytree(where, to / release, ignore=shutil.ignore_patterns("*.jsa"))
            where = to / release
        print(f"Kafka {version(release)}: {where}")  # noqa: T201
    try:
        make_class_archive()
    except UnsupportedError as error:
        print(f"brokers will start slower: {error}", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
