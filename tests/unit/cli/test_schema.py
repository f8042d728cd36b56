"""`halfopen schema` prints the schema that is shipped."""

from __future__ import annotations

from typer.testing import CliRunner

from halfopen.cli.main import app
from halfopen.scenario.schema import SHIPPED


def test_it_prints_what_is_shipped() -> None:
    result = CliRunner().invoke(app, ["schema"])
    assert result.exit_code == 0
    assert result.stdout == SHIPPED.read_text(encoding="utf-8")
