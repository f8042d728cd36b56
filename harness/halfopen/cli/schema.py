"""`halfopen schema`: the JSON Schema of scenario files, for editors."""

from __future__ import annotations

import typer

from halfopen.scenario.schema import schema_text
from halfopen.vocabulary import default_vocabulary


def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    typer.echo(schema_text(default_vocabulary()), nl=False)
