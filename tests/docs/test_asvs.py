"""The table of docs/security-asvs.md is whole, and what it names is there."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security-asvs.md"
VERDICTS = ("holds", "not applicable", "not yet")
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+) \| (.+) \| (.+) \|$")
_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+|[\w-]+\.\w+)(?:::(\w+))?`")
"""A file, with a folder or an ending; after ``::`` a test in it."""


def rows() -> list[tuple[str, str, str, str]]:
    """(number, words, verdict, where or why) of each line."""
    found = [_ROW.match(line) for line in PAGE.read_text("utf-8").splitlines()]
    return [(match[1], match[2], match[3], match[4]) for match in found if match]


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def file_of(name: str) -> Path | None:
    """The file that the page means: of the project, or of the package."""
    return next((path for path in (ROOT / name, ROOT / "src" / "mahakam" / name) if path.is_file()), None)


def test_every_requirement_is_there_once() -> None:
    asked = json.loads((Path(__file__).parent / "asvs-5.0.0.json").read_text("utf-8"))
    wanted = [*asked["level 1"].split(), *asked["level 2"].split()]
    assert sorted(number for number, *_ in rows()) == sorted(wanted)


@pytest.mark.parametrize("row", rows(), ids=[row[0] for row in rows()])
def test_a_line_says_what_holds_and_where_or_why(row: tuple[str, str, str, str]) -> None:
    _number, words, verdict, where = row
    assert verdict in VERDICTS
    assert words.strip()
    named = _NAMED.findall(where)
    if verdict == "holds":
        assert named, "what holds is to be seen in a file or a test"
    else:
        assert len(re.sub(r"`[^`]*`", "", where).split()) > 1, "a reason was expected"
    for name, test in named:
        path = file_of(name)
        assert path is not None, f"there is no file {name}"
        if test:
            assert test.startswith("test_")
            assert test in names_in(path), f"{name} has no {test}"


def test_the_counts_are_those_of_the_lines() -> None:
    counted = Counter(verdict for _, _, verdict, _ in rows())
    said = dict(re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    assert {name: int(number) for name, number in said.items()} == counted
