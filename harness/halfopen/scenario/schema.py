"""The JSON Schema of scenario files, for editors: completion, and mistakes underlined as typed.

It is built from the vocabulary, and shipped as `scenario.schema.json` beside this module.  What a
schema cannot say (a host that is not there, a path that does not end in endpoints) only the loader
says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from halfopen.fields import DURATION_SCHEMA, KEEPALIVE_SCHEMA, Section
from halfopen.model.topology import MOST_LINKS
from halfopen.ports import Vocabulary
from halfopen.scenario.containers import ContainerKeys
from halfopen.scenario.hosts import NAME, SECONDS_SYSCTLS
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.scenario.paths import FAMILIES
from halfopen.scenario.scaling import LARGEST_SCALE
from halfopen.scenario.step_keys import STEPS, FaultStep, InstantStep

SHIPPED = Path(__file__).with_name("scenario.schema.json")

Schema = dict[str, Any]


def build_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of a scenario that may name what `vocabulary` holds."""
    models = _Models(vocabulary)
    whole = models.host(vocabulary, partial=False)
    part = models.host(vocabulary, partial=True)
    common: Schema = {
        "about": {"type": "string", "description": "What happens, in a few sentences."},
        "control": {
            "type": "string",
            "description": "Why no expectation need fail without the faults (run --control).",
        },
        "scale": {
            "type": "number",
            "minimum": 1,
            "maximum": LARGEST_SCALE,
            "description": "Seconds of production that pass in one second of a real-time lab.",
        },
        "path": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 3,
            "uniqueItems": True,
            "description": "Hosts from end to end: a system, middleboxes, a system.",
        },
        "paths": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 3,
                "uniqueItems": True,
            },
            "minItems": 1,
            "description": "Several paths, instead of one: hosts of one name are the same host.",
        },
        "return path": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "uniqueItems": True,
            "description": "The way back, from the last host to the first, if it differs.",
        },
        "family": {"enum": list(FAMILIES), "description": "Address family of the hosts."},
        "steps": {"type": "array", "minItems": 1, "items": models.step(vocabulary)},
        "expect": {"type": "array", "minItems": 1, "items": models.expectation(vocabulary)},
    }
    reproduces: Schema = {
        "type": "object",
        "minProperties": 1,
        "description": "Figures that must fail (delivery.lost): each with what is observed.",
        "additionalProperties": {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^(exactly|at most|at least) \d+$"},
                {"const": "seen"},
            ]
        },
    }
    variant = _object({**common, "hosts": _hosts(part), "reproduces": reproduces})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "halfopen scenario",
        **_object(
            {
                "scenario": {"type": "string", "minLength": 1},
                "source": {"type": "string", "description": "Where it is taken from."},
                **common,
                "hosts": _hosts(whole),
                "reproduces": reproduces,
                "variants": {
                    "type": "object",
                    "minProperties": 1,
                    "description": "Each a difference from the above, with its own verdict.",
                    "additionalProperties": variant,
                },
            },
            ["scenario"],
        ),
        **({"$defs": models.definitions} if models.definitions else {}),
    }


def schema_text(vocabulary: Vocabulary) -> str:
    """The schema as the text of the file that is shipped."""
    return json.dumps(build_schema(vocabulary), indent=1, sort_keys=True) + "\n"


def _object(properties: Schema, required: Iterable[str] = ()) -> Schema:
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required := list(required):
        found["required"] = required
    return found


def _hosts(host: Schema) -> Schema:
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": host,
    }


_SYSCTLS: Schema = {
    "type": "object",
    "description": "net.* settings of the host's network namespace.",
    "propertyNames": {"pattern": r"^net\."},
    "properties": dict.fromkeys(sorted(SECONDS_SYSCTLS), DURATION_SCHEMA),
    "additionalProperties": {"type": ["integer", "string"]},
}


_PRELOAD = (
    "Keepalive for all its connections, by libkeepalive; no effect on a statically linked program."
)


class _Models:
    """The schemas of all sections of the vocabulary, with definitions that do not collide."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        sections: list[type[Section]] = [MiddleboxOptions, ContainerKeys, *STEPS.values()]
        sections += vocabulary.systems.values()
        sections += vocabulary.checks.values()
        sections += vocabulary.faults.values()
        sections += [FaultStep, InstantStep]
        unique = list(dict.fromkeys(sections))
        found, whole = models_json_schema(
            [(each, "validation") for each in unique], by_alias=True, ref_template="#/$defs/{model}"
        )
        self.definitions: Schema = whole.get("$defs", {})
        self._sections: dict[type[Section], Schema] = {}
        for each in unique:
            name = found[(each, "validation")]["$ref"].rsplit("/", 1)[1]
            self._sections[each] = self.definitions[name]
        for name in [n for n, d in self.definitions.items() if _is_one_of(d, self._sections)]:
            del self.definitions[name]

    def properties(self, section: type[Section]) -> Schema:
        """The keys of a section."""
        return dict(self._sections[section].get("properties", {}))

    def required(self, section: type[Section]) -> list[str]:
        """The keys that a section must have."""
        return list(self._sections[section].get("required", []))

    def host(self, vocabulary: Vocabulary, *, partial: bool) -> Schema:
        """A host; if `partial`, what a variant may say of one."""
        kinds: list[Schema] = []
        for name, spec in sorted(vocabulary.systems.items()):
            run = {"const": name, "description": spec.summary}
            preload = {"description": _PRELOAD, **KEEPALIVE_SCHEMA}
            common = {"run": run, "sysctls": _SYSCTLS, "preload keepalive": preload}
            common |= self.properties(ContainerKeys)
            common["count"] = {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_LINKS,
                "description": "So many hosts: a group, whose members are NAME.1, NAME.2, ...",
            }
            properties = {**common, **self.properties(spec)}
            required = [] if partial else ["run", *self.required(spec)]
            kinds.append({"title": name, **_object(properties, required)})
        names = sorted(vocabulary.profiles)
        profile = {"anyOf": [{"enum": names}, {"type": "string", "pattern": r"\.ya?ml$|/"}]}
        properties = {"profile": profile, **self.properties(MiddleboxOptions)}
        middlebox = _object(properties, [] if partial else ["profile"])
        return {"anyOf": [*kinds, {"title": "middlebox", **middlebox}]}

    def step(self, vocabulary: Vocabulary) -> Schema:
        """A step."""
        kinds = [
            {"title": kind, **_object(self.properties(each), self.required(each))}
            for kind, each in STEPS.items()
        ]
        for name, spec in sorted(vocabulary.faults.items()):
            fault = {"const": name, "description": spec.summary}
            general = self.properties(FaultStep if spec.heals() else InstantStep)
            properties = {"fault": fault, **general, **self.properties(spec)}
            required = ["fault", *self.required(spec)]
            kinds.append({"title": f"fault {name}", **_object(properties, required)})
        healing = [name for name, spec in vocabulary.faults.items() if spec.heals()]
        heal = {"enum": sorted(healing), "description": "end a fault early"}
        kinds.append({"title": "heal", **_object({"heal": heal}, ["heal"])})
        return {"anyOf": kinds}

    def expectation(self, vocabulary: Vocabulary) -> Schema:
        """An expectation: one check with its parameters."""
        checks = {}
        for name, check in sorted(vocabulary.checks.items()):
            params = _object(self.properties(check), self.required(check))
            checks[name] = {"description": check.summary, **params}
        return {**_object(checks), "minProperties": 1, "maxProperties": 1}


def _is_one_of(definition: Schema, sections: dict[type[Section], Schema]) -> bool:
    return any(definition is each for each in sections.values())
