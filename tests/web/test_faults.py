"""Every rule that a form or a file can break has its words, in both languages, filled by the values it comes with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mahakam
from mahakam.faults import Fault
from mahakam.network.plan_rows import COLUMNS
from mahakam.web.faults import fault_words
from mahakam.web.language import reading

ROOMS = ("network", "feeds/year", "web")


def raised() -> Iterator[tuple[str, str, frozenset[str]]]:
    """(where, code, names of its values) of each fault that the sources make."""
    for room in ROOMS:
        for path in sorted((Path(mahakam.__file__).parent / room).rglob("*.py")):
            source = path.read_text("utf-8")
            if "from mahakam.faults import" not in source:
                continue  # what is wrong with a resident's request is another room's
            for node in ast.walk(ast.parse(source)):
                if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("Fault", "refuse"):
                    continue
                code = node.args[1] if len(node.args) > 1 else None
                if not isinstance(code, ast.Constant):
                    continue
                names = {one.arg for one in node.keywords if one.arg}
                if len(node.args) > 2 and isinstance(node.args[2], ast.Dict):
                    names |= {str(key.value) for key in node.args[2].keys if isinstance(key, ast.Constant)}
                yield f"{path.name}:{node.lineno}", str(code.value), frozenset(names)


CELLS = {
    ("plan_rows.py", f"cell_{kind}", frozenset({"what"})) for of in COLUMNS.values() for kind in of.values()
}
FOUND = sorted({*raised(), *CELLS}, key=lambda one: (one[0], one[1]))


def test_they_are_found() -> None:
    assert len(FOUND) > 80
    assert {"proof", "unreported", "objection"} <= {code for _, code, _ in FOUND}


@pytest.mark.parametrize("language", ["en", "id"])
@pytest.mark.parametrize(
    ("where", "code", "names"), FOUND, ids=[f"{where}-{code}" for where, code, _ in FOUND]
)
def test_a_fault_is_said(where: str, code: str, names: frozenset[str], language: str) -> None:
    values = dict.fromkeys(names, "Xyz")
    with reading(language):
        said = fault_words(Fault("field", code, values))
    assert "%(" not in said, f"{where}: {code} needs a value that it does not come with"
    assert len(said) > 5
