"""Files of agencies that nobody chose for us: each is read as a person reads it, and becomes a feed without code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from mahakam.feeds.connecting.draft import wrong
from mahakam.feeds.connecting.look import look
from mahakam.feeds.connecting.publish import publish, taken
from mahakam.feeds.sources import read
from mahakam.quality import note_words
from support.agency_files import FILES, Sent
from support.feeds import Town


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def made(sent: Sent, folder: Path) -> Path:
    path = folder / sent.name
    sent.make(path)
    return path


@pytest.mark.parametrize("sent", FILES, ids=lambda sent: sent.name)
def test_a_file_is_read_as_a_person_reads_it(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sent: Sent
) -> None:
    table = read(made(sent, tmp_path), connection, entry=sent.entry or None)
    assert table.columns == sent.columns
    rows = {row[0]: list(row[2:]) for row in table.relation.fetchall()}
    assert sorted(rows) == list(range(1, sent.rows + 1))
    for number, cells in sent.cells.items():
        assert rows[number][: len(cells)] == list(cells)
    assert [fault.row for fault in table.faults] == list(sent.faults)
    assert table.left_out == sent.left_out


@pytest.mark.parametrize("sent", FILES, ids=lambda sent: sent.name)
def test_a_file_becomes_a_feed_without_code(town: Town, tmp_path: Path, sent: Sent) -> None:
    file = made(sent, tmp_path)
    draft = look(file, "town", "siti", {"entry": sent.entry} if sent.entry else None)
    assert draft.problem == ""
    place = town.parts.places["town"]
    assert wrong(draft, taken(place)) == []
    for part in sent.notes:
        assert any(part in note for note in draft.notes), draft.notes
    for note in draft.notes:
        assert note_words.said(note, "id") != note, f"no words in Indonesian for: {note}"
    run = publish(town.parts, place, draft, file, "siti")
    assert run.state in ("clean", "held"), run.message
    assert run.stored + run.held == sent.rows, "each row is stored once or held once"
    assert run.stored > 0
    if not sent.faults:
        assert run.held <= sent.rows // 10, run.summary
