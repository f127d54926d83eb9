"""Learning paths: an exercise is done by what the node knows, of that person and that city, and by nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import ConfigError
from mahakam.indicators.series import series
from mahakam.indicators.trace import inputs, trace
from mahakam.learning.facts import Named, feed_run, indicator_fed, row_repaired, row_traced
from mahakam.learning.kept import Completion, completions, keep
from mahakam.learning.paths import paths_of, read_path
from mahakam.store.model import Change
from support.demo_part import EXAMPLES, node_over, part_of_demo

AT = "2026-11-27T01:00:00+00:00"
WHO = "a test"
"""Who loaded the part of the demo."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = node_over(tmp_path / "data")
    yield found
    found.close()


def test_a_run_counts_for_who_started_it_in_its_city(node: Node) -> None:
    proof = feed_run(node.broker, node.places["samarinda"], WHO)
    assert proof
    run = node.store.tenant().run(int(proof.detail))
    assert run
    assert (run.place, run.feed, run.author) == ("samarinda", proof.what, WHO)
    assert feed_run(node.broker, node.places["samarinda"], "somebody else") is None
    assert feed_run(node.broker, node.places["bontang"], WHO) is None


def test_a_value_that_rests_on_the_rows_of_a_run_counts_for_who_brought_them(node: Node) -> None:
    proof = indicator_fed(node.broker, node.places["samarinda"], WHO)
    assert proof
    assert proof.href.startswith("/trace/value/samarinda/")
    assert indicator_fed(node.broker, node.places["samarinda"], "somebody else") is None


def test_a_held_row_counts_once_its_change_was_let_in(node: Node) -> None:
    store, place = node.store.tenant(), node.places["jakarta"]
    [held] = store.held("jakarta", "fires-2013", limit=1)
    column = next(iter(held.raw))
    change = Change(held.id, "siti", AT, column, held.raw[column], "x")
    store.write(lambda transaction: transaction.record_change(change))
    assert row_repaired(node.broker, place, "siti") is None, "changed, not let in yet"
    held.state = "released"
    store.write(lambda transaction: transaction.save_held(held))
    proof = row_repaired(node.broker, place, "siti")
    assert proof
    assert proof.href == f"/quarantine/jakarta/fires-2013/{held.id}"
    assert row_repaired(node.broker, place, "budi") is None
    assert row_repaired(node.broker, node.places["samarinda"], "siti") is None


def test_a_row_is_traced_by_file_row_and_cell_together(node: Node) -> None:
    place = node.places["samarinda"]
    found = series(node.broker, place, "heavy-rain-days")
    assert found
    assert found.latest
    traced = trace(node.broker, found.latest.id)
    assert traced
    one = inputs(node.broker, traced, limit=5).inputs[3]
    lineage = node.store.tenant().lineage(one.entity)
    assert lineage
    cell = next(str(value) for value in one.cells.values() if isinstance(value, int | float))
    file = lineage.file.rpartition("/")[2]

    def check(file: str, row: str, cell: str, period: str = found.latest.label) -> bool:
        return (
            row_traced(node.broker, place, Named("heavy-rain-days", period, file, row, cell), AT) is not None
        )

    assert check(file, str(lineage.line), cell)
    assert check(lineage.file.upper(), f" {lineage.line} ", cell)
    assert not check(file, "1", cell), "the header is no row behind it"
    assert not check(file, str(lineage.line), "123456")
    assert not check("other.csv", str(lineage.line), cell)
    assert not check("", str(lineage.line), cell)
    assert not check(file, str(lineage.line), "")
    assert not check(file, str(lineage.line), cell, "1999")
    assert not check(file, "x" * 500, cell)


def test_the_first_time_counts(node: Node) -> None:
    store, proof = node.store.tenant(), feed_run(node.broker, node.places["samarinda"], WHO)
    assert proof
    made = Completion(
        account="a/b", name="Siti", place="samarinda", path="first", exercise="publish", at=AT, proof=proof
    )
    keep(store, made)
    keep(store, Completion(account="a/b", name="Other", place="samarinda", path="first", exercise="publish",
                           at="2027-01-01T00:00:00+00:00", proof=proof))  # fmt: skip
    assert completions(store, "first", "samarinda") == [made]
    assert completions(store, "first", "bontang") == []


def test_the_example_holds_for_every_city_of_the_network(node: Node) -> None:
    problems: list[ConfigError] = []
    found = paths_of(node.places["samarinda"], node.places, [node.places["ascn"]], problems)
    assert ([one.verify for one in found["first-indicator"].exercises], problems) == (
        ["feed_run", "row_repaired", "row_traced", "indicator_fed"], []
    )  # fmt: skip
    for text in (found["first-indicator"].about, *(one.how for one in found["first-indicator"].exercises)):
        assert set(text) == {"en", "id"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("verify: feed_run", "verify: my_word", "must be one of feed_run"),
        ("key: repair-row", "key: publish-feed", "the same key"),
        ("exercises:", "tasks:", "tasks"),
        ("    verify: row_traced\n", "", "needs 'verify'"),
    ],
)
def test_a_wrong_file_says_what_would_be_right(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (EXAMPLES / "ascn/learning/first-indicator.yaml").read_text()
    assert old in text
    (tmp_path / "path.yaml").write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read_path(tmp_path / "path.yaml")
