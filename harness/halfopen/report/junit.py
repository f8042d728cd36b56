"""The results as JUnit XML, as continuous integration reads it.

One test suite for each scenario, one test case for each variant.  An `unknown` and
an `error` are both errors in JUnit; a property `verdict` has the word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from halfopen.model.verdict import VariantResult, Verdict
from halfopen.report._text import in_words
from halfopen.report.files import write_file

# What XML 1.0 cannot hold at all, not even escaped; a corrupted message may be full of it.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.UNKNOWN: "error",
    Verdict.ERROR: "error",
    Verdict.UNSUPPORTED: "skipped",
}


def junit_xml(results: Iterable[VariantResult]) -> ElementTree.Element:
    """The `testsuites` element for `results`."""
    suites: dict[str, list[VariantResult]] = {}
    for result in results:
        suites.setdefault(result.scenario, []).append(result)
    root = ElementTree.Element("testsuites", name="halfopen")
    for scenario, variants in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", _counts(scenario, variants))
        for result in variants:
            _case(suite, result)
    return root


def write_junit(results: Iterable[VariantResult], path: Path) -> None:
    """Write :func:`junit_xml` to `path`."""
    root = junit_xml(results)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    write_file(path, f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _counts(scenario: str, variants: list[VariantResult]) -> dict[str, str]:
    verdicts = [result.verdict for result in variants]
    return {
        "name": _clean(scenario),
        "tests": str(len(variants)),
        "failures": str(verdicts.count(Verdict.FAIL)),
        "errors": str(verdicts.count(Verdict.UNKNOWN) + verdicts.count(Verdict.ERROR)),
        "skipped": str(verdicts.count(Verdict.UNSUPPORTED)),
        "time": f"{sum(result.wall_s for result in variants):.3f}",
    }


def _case(suite: ElementTree.Element, result: VariantResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": _clean(result.scenario),
            "name": _clean(f"{result.variant} [{result.lab}]"),
            "time": f"{result.wall_s:.3f}",
        },
    )
    if result.file:
        case.set("file", _clean(result.file))
    properties = ElementTree.SubElement(case, "properties")
    ElementTree.SubElement(properties, "property", name="verdict", value=result.verdict.value)
    if result.lab_why:
        value = _clean(result.lab_why)
        ElementTree.SubElement(properties, "property", name="lab_why", value=value)
    if result.control is not None:
        clean = "clean" if result.control.clean else "not clean"
        value = _clean(f"{clean}: {result.control.in_words}")
        ElementTree.SubElement(properties, "property", name="control", value=value)
    tag = _TAGS.get(result.verdict)
    if tag is not None:
        element = ElementTree.SubElement(case, tag, {"message": _clean(result.why)})
        element.text = _clean(in_words(result))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
