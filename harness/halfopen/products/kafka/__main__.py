"""`python -m halfopen.products.kafka`: bring the jars of Kafka to this machine, by Maven."""

from __future__ import annotations

import sys

from halfopen.errors import UnsupportedError
from halfopen.products.kafka.releases import RELEASES, fetch, version


def main() -> int:
    """Bring every release; exit status 3 if that cannot be done here."""
    for release in RELEASES:
        try:
            where = fetch(release)
        except UnsupportedError as error:
            print(error, file=sys.stderr)  # noqa: T201 - it is a command
            return 3
        print(f"Kafka {version(release)}: {where}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
