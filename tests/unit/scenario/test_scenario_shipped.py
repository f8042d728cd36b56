"""The files that are shipped: the schema, the template, the incident."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from halfopen.labs import all_labs
from halfopen.ports import Vocabulary
from halfopen.scenario import load_scenario, make_plans, new_scenario
from halfopen.scenario.schema import SHIPPED, build_schema, schema_text
from halfopen.vocabulary import default_vocabulary
from halfopen.yamlfile import read_yaml

from .kinds import NETNS

INCIDENT = (
    Path(__file__).parents[3] / "scenarios" / "incidents" / "fortigate-idle-relp.scenario.yaml"
)


def fits(value: Any, schema: Any) -> Any:
    """Whether a value fits a JSON Schema, as far as ours use it."""
    if "anyOf" in schema and not any(fits(value, each) for each in schema["anyOf"]):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "boolean": bool,
    }
    kinds["number"] = (int, float)
    wanted = schema.get("type", [])
    if wanted and not any(
        isinstance(value, kinds[each]) and (each == "boolean") == isinstance(value, bool)
        for each in ([wanted] if isinstance(wanted, str) else wanted)
    ):
        return False
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
        return (
            all(key in value for key in schema.get("required", []))
            and all(
                fits(each, properties[key])
                if key in properties
                else rest is not False and fits(each, rest)
                for key, each in value.items()
            )
            and all(
                re.search(schema.get("propertyNames", {}).get("pattern", ""), key) for key in value
            )
            and schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 999)
        )
    if isinstance(value, list):
        enough = len(value) >= schema.get("minItems", 0)
        return enough and all(fits(each, schema.get("items", {})) for each in value)
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


def test_the_shipped_schema_is_what_the_code_builds() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == schema_text(default_vocabulary()), (
        "write it again: make schema"
    )


def test_the_schema_knows_what_the_vocabulary_knows(vocabulary: Vocabulary) -> None:
    schema = build_schema(vocabulary)
    hosts = schema["properties"]["hosts"]["additionalProperties"]["anyOf"]
    assert [each["title"] for each in hosts] == ["relpio receive", "relpio send", "middlebox"]
    assert hosts[1]["required"] == ["run", "to"]
    checks = schema["properties"]["expect"]["items"]["properties"]
    assert sorted(checks) == sorted(vocabulary.checks)
    text = json.dumps(schema)
    for name in re.findall(r"#/\$defs/(\w+)", text):
        assert name in schema["$defs"]


def test_the_incident_fits_the_schema() -> None:
    schema = build_schema(default_vocabulary())
    plain = read_yaml(INCIDENT).plain()
    assert fits(plain, schema)
    plain["hosts"]["sender"]["windw"] = 5
    assert not fits(plain, schema)


def test_the_incident_is_planned_for_every_lab() -> None:
    scenario = load_scenario(INCIDENT, default_vocabulary())
    assert [each.name for each in scenario.variants] == [
        "keepalive-off",
        "sysctl-only",
        "keepalive-7200",
        "keepalive-1800",
        "sender-busy",
        "sender-busy-user-timeout",
    ]
    for lab in all_labs().values():
        plans = make_plans(scenario, lab=lab, scale=None, seed=1)
        assert len(plans) == 6
    off = plans[0]
    assert {each.check: each.reproduces for each in off.checks if each.reproduces} == {
        "half-open": {"": "exactly 3"},
        "fds": {"": "exactly 4"},
    }


@pytest.mark.parametrize(
    "name", ["a first try", "IPVS: 900 s", "", "a\nb\tc", 'it\'s "so" # {x}', "true", "Ärger"]
)
def test_a_new_scenario_can_be_played(tmp_path: Path, name: str) -> None:
    path = tmp_path / "new.scenario.yaml"
    path.write_text(new_scenario(name), encoding="utf-8")
    scenario = load_scenario(path, default_vocabulary())
    assert scenario.name == (" ".join(name.split()) or "my scenario")
    plans = make_plans(scenario, lab=NETNS, scale=None, seed=0)
    assert [plan.variant for plan in plans] == ["keepalive-off", "keepalive-1800"]
    assert fits(read_yaml(path).plain(), build_schema(default_vocabulary()))
