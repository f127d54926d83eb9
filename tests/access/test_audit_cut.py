"""The audit trail cut off after its time: what is left verifies, and nothing else passes for a cut."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from mahakam.access import audit
from mahakam.app import open_node
from mahakam.cli import cli
from mahakam.config import ConfigError, Settings
from mahakam.store.model import AuditEntry
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

AGES = (900, 800, 700, 10, 5, 0)
"""Days since each entry of the trail was written."""
NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


@pytest.fixture
def filled(store: EntityStore, monkeypatch: pytest.MonkeyPatch) -> EntityStore:
    fill(store, monkeypatch, AGES)
    return store


def fill(store: EntityStore, monkeypatch: pytest.MonkeyPatch, ages: tuple[int, ...]) -> None:
    for age in ages:
        at = (NOW - dt.timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        monkeypatch.setattr("mahakam.store.sql.audit._now", lambda at=at: at)
        store.write(lambda transaction, age=age: transaction.save_record("account", f"of-{age}", {"n": 1}))  # type: ignore[misc]


def chain(store: EntityStore) -> list[AuditEntry]:
    return list(store.audit_chain())


def year(store: EntityStore) -> int:
    return audit.cut_kept(store, 365 * 86_400, NOW)


def test_what_is_left_verifies_and_is_what_was_young(filled: EntityStore) -> None:
    before = chain(filled)
    assert year(filled) == 3
    left = chain(filled)
    assert left[:3] == before[3:]
    assert left[3].action == "audit.cut"
    assert (
        orjson.loads(left[3].detail)["cuts"] == [[0, 3, before[2].digest]] or len({e.lane for e in left}) == 1
    )
    assert orjson.loads(left[3].detail)["entries"] == 3
    found = audit.verify(left)
    assert (found.faults, found.entries) == ([], 4)
    assert year(filled) == 0, "nothing more is old"
    assert len(chain(filled)) == 4, "and nothing is said of it"


def test_the_exported_part_and_the_rest_are_one_chain(filled: EntityStore) -> None:
    kept = list(audit.read_lines(audit.lines(filled)))
    year(filled)
    left = chain(filled)
    assert audit.verify([*kept[:3], *left]).faults == []


def test_it_goes_on_and_is_cut_again(filled: EntityStore, monkeypatch: pytest.MonkeyPatch) -> None:
    year(filled)
    fill(filled, monkeypatch, (0,))
    assert audit.cut_kept(filled, 3 * 86_400, NOW) == 2, "also what the first cut left"
    assert audit.verify(chain(filled)).faults == []
    later = NOW + dt.timedelta(days=40)
    monkeypatch.setattr("mahakam.store.sql.audit._now", lambda: later.strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    assert audit.cut_kept(filled, 86_400, later) > 0
    left = chain(filled)
    assert len(left) == 2, "the newest of before, and the cut"
    assert audit.verify(left).faults == []


def test_the_newest_stays_though_all_are_old(filled: EntityStore) -> None:
    assert audit.cut_kept(filled, 86_400, NOW + dt.timedelta(days=4000)) == len(AGES) - 1
    assert audit.verify(chain(filled)).faults == []


def test_a_clock_that_ran_ahead_cuts_no_hole(store: EntityStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written with an old time after a young one is not taken out of the middle."""
    fill(store, monkeypatch, (900, 2, 800, 1))
    assert year(store) == 1
    assert audit.verify(chain(store)).faults == []


def test_nothing_else_passes_for_a_cut(filled: EntityStore) -> None:
    whole = chain(filled)
    assert "entries 1 to 3 missing" in audit.verify(whole[3:]).faults[0], "no entry says that it was cut"
    year(filled)
    left = chain(filled)
    assert "entries 1 to 4 missing" in audit.verify(left[1:]).faults[0], "one more was taken away"
    assert "missing" in audit.verify([left[0], *left[2:]]).faults[0]
    forged = replace(left[0], principal="somebody else")
    assert audit.verify([forged, *left[1:]]).faults, "the first is held to what was cut off"
    changed = replace(left[3], detail=left[3].detail.replace('"entries":3', '"entries":2'))
    assert audit.verify([*left[:3], changed]).faults


def test_heads_from_before_and_after(filled: EntityStore) -> None:
    whole = chain(filled)
    lane = whole[0].lane

    def head(entry: AuditEntry) -> dict[int, tuple[int, str]]:
        return {lane: (entry.n, entry.digest)}

    year(filled)
    left = chain(filled)
    for entry in (*whole[2:], left[-1]):
        assert audit.verify(left, head(entry)).faults == [], entry.n
    assert "was cut off" in audit.verify(left, head(whole[0])).faults[0]
    wrong = replace(whole[2], digest=whole[1].digest)
    assert audit.verify(left, head(wrong)).faults, "another digest at the very cut"


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_lanes_are_cut_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    first, second = open_store(store_url, tmp_path), open_store(store_url, tmp_path)
    try:
        for ages in ((900, 800), (700, 3)):
            fill(first.tenant(), monkeypatch, ages)
            fill(second.tenant(), monkeypatch, ages)
        assert len({one.lane for one in chain(first.tenant())}) == 2
        assert year(first.tenant()) > 3
        assert audit.verify(chain(second.tenant())).faults == []
        fill(second.tenant(), monkeypatch, (0,))
        audit.cut_kept(second.tenant(), 86_400, NOW)
        assert audit.verify(chain(first.tenant())).faults == []
        year(first.tenant())
        assert audit.verify(chain(first.tenant())).faults == []
    finally:
        first.close()
        second.close()


def test_where_nothing_is_audited_nothing_is_cut(tmp_path: Path) -> None:
    opened = open_store("", tmp_path, audit=False)
    assert audit.cut(opened.tenant(), "9999") == 0
    opened.close()


@pytest.mark.parametrize("text", ["PT1H", "5 years", "P", "-P1Y", "P1000Y", "x" * 100])
def test_a_time_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="AUDIT_KEEP"):
        open_node(Settings(tmp_path, audit_keep=text))
    done = CliRunner().invoke(
        cli, ["audit", "cut", "--keep", text, "--data", str(tmp_path)], standalone_mode=False
    )
    assert "--keep" in str(done.exception)


def test_the_command_and_the_leader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mahakam.leading import Leader

    with monkeypatch.context() as patch:
        opened = open_store("", tmp_path)
        fill(opened.tenant(), patch, AGES)
        opened.close()
    done = CliRunner().invoke(
        cli, ["audit", "cut", "--keep", "P840D", "--data", str(tmp_path)], standalone_mode=False
    )
    assert "entries are removed" in done.stderr, done.output
    verified = CliRunner().invoke(cli, ["audit", "verify", "--data", str(tmp_path)], standalone_mode=False)
    assert verified.return_value == 0, verified.output
    node = open_node(Settings(tmp_path, audit_keep="P30D"))
    try:
        Leader(node)._cut_audit()
        left = chain(node.store.tenant())
        assert audit.verify(left).faults == []
        assert left[-1].action == "audit.cut"
    finally:
        node.close()
