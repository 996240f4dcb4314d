"""The bill of materials lists what is locked, and no license of it forbids what the project's own allows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
BILL: dict[str, Any] = json.loads((REQUIREMENTS / "sbom.json").read_text())
MADE_ON = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}
ALLOWED = {
    *("MIT", "MIT-0", "MIT-CMU", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Zlib", "CC0-1.0", "Apache-2.0"),
    *("Python-2.0", "PSF-2.0"),
    *("MPL-1.1", "MPL-2.0", "LGPL-2.1", "LGPL-3.0-only"),  # of libraries that are imported, and not changed
    *("License :: OSI Approved :: BSD License", "License :: OSI Approved :: Apache Software License"),
    "License :: OSI Approved :: GNU Library or Lesser General Public License (LGPL)",
    "License :: OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
}  # fmt: skip
NOT_DECLARED = {"antlr4-python3-runtime": "BSD-3-Clause", "protobuf": "BSD-3-Clause"}
"""What the license file says of a package whose metadata names no license."""


def locked() -> Iterator[tuple[str, str]]:
    """Yield name and version of each locked package that is installed where the bill was made."""
    for line in (REQUIREMENTS / "all.lock").read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate(MADE_ON):
                yield canonicalize_name(requirement.name), str(requirement.specifier).removeprefix("==")


def test_the_bill_of_materials_lists_what_is_locked() -> None:
    listed = {(canonicalize_name(each["name"]), each["version"]) for each in BILL["components"]}
    assert listed == {*locked()}, "run `make requirements/sbom.json`"


def test_the_bill_of_materials_is_the_same_whenever_and_wherever_it_is_made() -> None:
    text = json.dumps(BILL)
    assert BILL["bomFormat"] == "CycloneDX"
    assert "serialNumber" not in BILL
    assert "timestamp" not in BILL["metadata"]
    assert not re.search(r"file:|/home/|/root/|/tmp/|\.venv", text)


def names_of(component: dict[str, Any]) -> list[str]:
    """Return the licenses that a package declares; it can be used under each of them."""
    name = canonicalize_name(component["name"])
    declared = component.get("licenses") or [{"expression": NOT_DECLARED.get(name, "none")}]
    return [
        each.get("expression") or each["license"].get("id") or each["license"]["name"] for each in declared
    ]


def is_allowed(expression: str) -> bool:
    """Return whether an SPDX expression allows use in a project of another license."""
    return any(
        all(part in ALLOWED for part in alternative.split(" AND "))
        for alternative in expression.split(" OR ")
    )


@pytest.mark.parametrize("component", BILL["components"], ids=lambda each: each["name"])
def test_a_license_allows_its_use(component: dict[str, Any]) -> None:
    assert any(map(is_allowed, names_of(component))), names_of(component)


@pytest.mark.parametrize(
    "expression", ["GPL-3.0-only", "MIT AND GPL-2.0-only", "AGPL-3.0-or-later", "none", "Proprietary"]
)
def test_a_license_that_forbids_it_is_found(expression: str) -> None:
    assert not is_allowed(expression)
