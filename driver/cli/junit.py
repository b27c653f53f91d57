"""JUnit XML: a run as CI systems read test results, one test case per point."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from ...experiments.errors import UsageError
from ..folder.files import StorageError, cannot_write, write_bytes

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a test case did not pass.

    Attributes:
        kind: failure (it ran, and the result is not what was expected) or error (it did not).
        message: one line.
        exit_code: the command's.
        text: all that is to be said.
    """

    kind: Literal["failure", "error"]
    message: str
    exit_code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case; it passed if it has no fault.

    Attributes:
        name: a point's label.
        seconds: how long it took.
        fault: why it did not pass.
        output: what to show with it.
    """

    name: str
    seconds: float
    fault: Fault | None = None
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One experiment's test cases.

    Attributes:
        name: the experiment's name; also the class of its test cases.
        started: time, ISO 8601 without a zone, UTC.
        seconds: how long all of it took.
        properties: what it was made with and what came out.
        cases: one per point.
    """

    name: str
    started: str
    seconds: float
    properties: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Case, ...]

    def count(self, kind: str) -> int:
        """Return how many test cases have a fault of a kind."""
        return sum(case.fault is not None and case.fault.kind == kind for case in self.cases)


def junit_xml(suite: Suite) -> bytes:
    """Return a suite as a JUnit XML document, in UTF-8.

    Only what the common readers agree on is used: it is valid by the schema of Jenkins' xUnit
    plugin, and a test case has at most one fault, because most readers show only the first.
    Characters that XML cannot hold are left out.
    """
    numbers = {
        "name": _clean(suite.name),
        "tests": str(len(suite.cases)),
        "failures": str(suite.count("failure")),
        "errors": str(suite.count("error")),
        "time": _seconds(suite.seconds),
    }
    root = ElementTree.Element("testsuites", numbers)
    more = {"skipped": "0", "timestamp": suite.started}
    element = ElementTree.SubElement(root, "testsuite", numbers | more)
    properties = ElementTree.SubElement(element, "properties")
    for name, value in suite.properties.items():
        named = {"name": _clean(name), "value": _clean(value)}
        ElementTree.SubElement(properties, "property", named)
    for case in suite.cases:
        _add_case(element, suite.name, case)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def check_junit_path(path: Path) -> None:
    """Check, before a run costs time, that a JUnit file can be put there.

    Raises:
        UsageError: the name does not end in .xml (so that no experiment file is overwritten by a
            slip), the directory is missing, or something else than a file is there.
    """
    if path.suffix.lower() != ".xml":
        raise UsageError(f"--junit {path}: not the name of a JUnit file; let it end in .xml")
    try:
        folder, taken = path.parent.is_dir(), path.exists() and not path.is_file()
    except OSError as error:
        raise UsageError(f"--junit {cannot_write(path, error)}; give another name") from error
    if not folder:
        raise UsageError(f"--junit {path}: there is no directory {path.parent}; make it first")
    if taken:
        raise UsageError(f"--junit {path}: exists and is not a file; give another name")


def write_junit(path: Path, suite: Suite) -> None:
    """Write a suite, whole or not at all.

    Raises:
        StorageError: the file system refuses.
    """
    try:
        write_bytes(path, junit_xml(suite))
    except StorageError as error:
        raise StorageError(f"--junit {error}") from error


def _add_case(suite: ElementTree.Element, classname: str, case: Case) -> None:
    names = {"classname": _clean(classname), "name": _clean(case.name)}
    element = ElementTree.SubElement(suite, "testcase", names | {"time": _seconds(case.seconds)})
    if case.fault is not None:
        about = {"message": _clean(case.fault.message), "type": str(case.fault.exit_code)}
        ElementTree.SubElement(element, case.fault.kind, about).text = _clean(case.fault.text)
    if case.output:
        ElementTree.SubElement(element, "system-out").text = _clean(case.output)


def _clean(text: str) -> str:
    """Return text without the characters that XML 1.0 cannot hold, not even escaped."""
    return _NOT_XML.sub("", text)


def _seconds(seconds: float) -> str:
    return f"{max(0.0, seconds):.3f}"
