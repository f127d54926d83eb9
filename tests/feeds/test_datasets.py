"""Large tables stay tables: Singapore's rain by five minutes and gauge, as one Parquet file and its description."""

from __future__ import annotations

import csv
import gzip
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds.dataset_rows import lineage_of_row, stored_dataset, versions_of
from mahakam.feeds.datasets import VERSIONS
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.store.model import Run

SINGAPORE = Path(__file__).parents[2] / "examples/ascn/singapore"
RAIN = SINGAPORE / "data/singapore_rainfall_2017_06.csv.gz"
FEED = "rain-2017-06"
ID = f"urn:ngsi-ld:Dataset:singapore:{FEED}"
ZONE = timezone(timedelta(hours=8))


def rain_rows(number: int | None = None) -> list[dict[str, str]]:
    with gzip.open(RAIN, "rt", encoding="utf-8", newline="") as text:
        return list(islice(csv.DictReader(text), number))


class Gauges:
    """Singapore's folder with a slice of its rain, on a node of its own."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "places" / "singapore"
        shutil.copytree(SINGAPORE, self.folder, ignore=shutil.ignore_patterns("data"))
        (self.folder / "data").mkdir()
        self.data = root / "data"
        self.data.mkdir()
        self.node = Node(Settings(data=self.data, config=(root / "places",)))
        self.parts = Parts.of(self.node)
        self.rows = rain_rows(2000)
        self.write(self.rows)

    def write(self, rows: list[dict[str, str]], name: str = RAIN.name) -> Path:
        path = self.folder / "data" / name
        with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
            writer = csv.DictWriter(text, ["station_id", "value", "timestamp_sgt"])
            writer.writeheader()
            writer.writerows(rows)
        return path

    def run(self, **more: Any) -> Run:
        return run_feed(self.parts, "singapore", FEED, author="tester", **more)

    @property
    def parquets(self) -> list[Path]:
        return sorted((self.data / "datasets" / "singapore" / FEED).iterdir())

    def stored(self) -> list[dict[str, Any]]:
        found = stored_dataset(self.parts, "singapore", FEED)
        assert found
        return parquet.read_table(found.file).to_pylist()  # type: ignore[no-any-return]

    def document(self) -> dict[str, Any]:
        document = self.parts.broker.get(ID)
        assert document
        return document

    def change_feed(self, old: str, new: str) -> None:
        path = self.folder / "feeds" / f"{FEED}.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
def gauges(tmp_path: Path) -> Iterator[Gauges]:
    made = Gauges(tmp_path)
    yield made
    made.node.close()


def test_every_cell_of_the_file_stands_typed_in_the_parquet_file(gauges: Gauges) -> None:
    run = gauges.run()
    assert (run.state, run.read, run.stored, run.unchanged, run.held) == ("clean", 2000, 2000, 0, 0)
    stored = gauges.stored()
    assert len(stored) == len(gauges.rows)
    for number, (row, raw) in enumerate(zip(stored, gauges.rows, strict=True), 1):
        moment = datetime.fromisoformat(raw["timestamp_sgt"]).replace(tzinfo=ZONE)
        assert row == {
            "_row": number,
            "_line": number + 1,
            "_file": RAIN.name,
            "_sheet": "",
            "_flagged": False,
            "station": raw["station_id"],
            "dateObserved": moment.astimezone(UTC).replace(tzinfo=None),
            "precipitation": float(raw["value"]),
        }


def test_the_dataset_is_described_in_terms_of_dcat(gauges: Gauges) -> None:
    run = gauges.run()
    document = gauges.document()
    values = {
        name: part["value"] for name, part in document.items() if isinstance(part, dict) and "value" in part
    }
    assert document["type"] == "Dataset"
    assert document["scope"] == "/singapore"
    assert document["title"]["languageMap"]["id"] == "Hujan per lima menit Juni 2017"
    assert values["theme"] == "environment"
    assert values["license"] == "Singapore Open Data Licence 1.0"
    assert values["publisher"] == "Meteorological Service Singapore"
    assert values["issued"] == values["modified"] == run.started
    assert (values["rows"], values["run"]) == (2000, run.id)
    assert [column["name"] for column in values["columns"]] == ["station", "dateObserved", "precipitation"]
    assert gauges.data / values["file"] == gauges.parquets[0]


def test_a_run_again_changes_nothing(gauges: Gauges) -> None:
    gauges.run()
    before, files = gauges.document(), [(each, each.stat().st_mtime_ns) for each in gauges.parquets]
    assert gauges.run().state == "unchanged"
    forced = gauges.run(force=True)
    assert (forced.state, forced.stored, forced.unchanged) == ("clean", 0, 2000)
    assert gauges.document() == before
    assert [(each, each.stat().st_mtime_ns) for each in gauges.parquets] == files


def test_a_newer_file_takes_the_place_of_the_older_which_stays_readable(gauges: Gauges) -> None:
    first = gauges.run()
    before = gauges.stored()
    gauges.write(gauges.rows[:1500])
    second = gauges.run()
    assert (second.stored, second.unchanged) == (1500, 0)
    assert len(gauges.stored()) == 1500
    older = stored_dataset(gauges.parts, "singapore", FEED, version=first.id)
    assert older
    assert parquet.read_table(older.file).to_pylist() == before
    assert stored_dataset(gauges.parts, "singapore", FEED, version=second.id + 1) is None
    assert [(v["run"], v["rows"]) for v in versions_of(gauges.document())] == [
        (second.id, 1500),
        (first.id, 2000),
    ]
    document = gauges.document()
    assert document["issued"]["value"] == first.started
    assert document["modified"]["value"] == second.started
    assert document["run"]["value"] == second.id


def test_so_many_versions_are_kept_and_no_more(gauges: Gauges) -> None:
    runs = []
    for less in range(VERSIONS + 2):
        gauges.write(gauges.rows[: 50 - less])
        runs.append(gauges.run().id)
    assert [version["run"] for version in versions_of(gauges.document())] == runs[: -VERSIONS - 1 : -1]
    assert len(gauges.parquets) == VERSIONS
    assert stored_dataset(gauges.parts, "singapore", FEED, version=runs[0]) is None


def test_new_words_about_the_same_rows_change_the_description_alone(gauges: Gauges) -> None:
    first = gauges.run()
    file = gauges.parquets
    gauges.change_feed("owner: Meteorological Service Singapore", "owner: MSS")
    second = gauges.run()
    assert (second.stored, second.unchanged) == (0, 2000)
    assert gauges.parquets == file
    assert gauges.document()["publisher"]["value"] == "MSS"
    assert gauges.document()["run"]["value"] == first.id


def test_rows_with_errors_are_held_and_released_when_they_pass(gauges: Gauges) -> None:
    rows = [dict(row) for row in gauges.rows]
    rows[4]["value"] = "wet"
    rows[9]["value"] = "61"
    rows[19]["station_id"] = ""
    gauges.write(rows)
    run = gauges.run()
    assert (run.state, run.read, run.stored, run.held) == ("held", 2000, 1997, 3)
    assert {row["_row"] for row in gauges.stored()} == set(range(1, 2001)) - {5, 10, 20}
    held = gauges.parts.store.held("singapore", FEED)
    assert [(each.row, each.line) for each in held] == [(5, 6), (10, 11), (20, 21)]
    assert held[0].raw["value"] == "wet"
    gauges.write(gauges.rows)
    run = gauges.run()
    assert (run.state, run.stored, run.held) == ("clean", 2000, 0)
    released = gauges.parts.store.held("singapore", FEED, "released")
    assert {(each.row, each.entity) for each in released} == {(row, ID) for row in (5, 10, 20)}


def test_a_broken_row_is_held_and_a_warned_one_flagged(gauges: Gauges) -> None:
    contract = gauges.folder / "contracts/rain-gauge.yaml"
    rule = (
        "{type: custom, engine: mahakam, name: heavy, implementation: 'precipitation < 1', severity: warning}"
    )
    contract.write_text(contract.read_text() + f"    quality:\n      - {rule}\n")
    lines = [f"{row['station_id']},{row['value']},{row['timestamp_sgt']}" for row in gauges.rows]
    lines[7] = lines[7].rpartition(",")[0]
    path = gauges.folder / "data" / RAIN.name
    path.write_bytes(gzip.compress("\n".join(["station_id,value,timestamp_sgt", *lines, ""]).encode()))
    run = gauges.run()
    wet = {n for n, row in enumerate(gauges.rows, 1) if float(row["value"]) >= 1}
    assert wet
    assert 8 not in wet
    assert {row["_row"] for row in gauges.stored() if row["_flagged"]} == wet
    assert run.warnings == len(wet)
    assert [each.row for each in gauges.parts.store.held("singapore", FEED)] == [8]
    assert 8 not in {row["_row"] for row in gauges.stored()}


def test_when_every_row_is_held_the_dataset_stays(gauges: Gauges) -> None:
    gauges.run()
    before, stored = gauges.document(), gauges.stored()
    gauges.write([{**row, "value": "?"} for row in gauges.rows[:100]])
    run = gauges.run()
    assert (run.state, run.stored, run.held) == ("held", 0, 100)
    assert gauges.document() == before
    assert gauges.stored() == stored


def test_several_files_are_one_dataset_whose_rows_know_their_file(gauges: Gauges) -> None:
    gauges.change_feed(
        "source: {file: data/singapore_rainfall_2017_06.csv.gz}", "source: {files: data/part*.csv.gz}"
    )
    gauges.write(gauges.rows[:700], "part1.csv.gz")
    gauges.write([], "part2.csv.gz")
    gauges.write(gauges.rows[700:], "part3.csv.gz")
    run = gauges.run()
    assert (run.state, run.read, run.stored) == ("clean", 2000, 2000)
    places = [(row["_file"], row["_row"], row["_line"]) for row in gauges.stored()]
    assert places == [
        *(("part1.csv.gz", n, n + 1) for n in range(1, 701)),
        *(("part3.csv.gz", n, n + 1) for n in range(1, 1301)),
    ]
    lineage = lineage_of_row(gauges.parts, "singapore", FEED, 3, "part3.csv.gz")
    assert lineage
    assert lineage.raw == gauges.rows[702]


def test_a_row_is_followed_into_the_archived_file(gauges: Gauges) -> None:
    run = gauges.run()
    (gauges.folder / "data" / RAIN.name).unlink()
    lineage = lineage_of_row(gauges.parts, "singapore", FEED, 1234)
    assert lineage
    assert (lineage.entity, lineage.run, lineage.file) == (ID, run.id, RAIN.name)
    assert (lineage.row, lineage.line, lineage.raw) == (1234, 1235, gauges.rows[1233])
    assert lineage_of_row(gauges.parts, "singapore", FEED, 2001) is None
    assert lineage_of_row(gauges.parts, "singapore", "no-such", 1) is None


KILLED = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds import datasets
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

data, places, moment = sys.argv[1:]
kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
setattr(datasets, moment, kill)
run_feed(Parts.of(Node(Settings(data=Path(data), config=(Path(places),)))), "singapore", "rain-2017-06")
"""


@pytest.mark.fault("a run that writes Parquet, kill -9", "no version; what is read is whole")
@pytest.mark.parametrize("moment", ["_sync", "_describe", "_remove_others"])
def test_a_killed_run_leaves_the_dataset_whole(gauges: Gauges, moment: str) -> None:
    """Killed while the file is written, before the entity points to it, and before the older file is gone."""
    gauges.run()
    before = gauges.stored()
    gauges.write(gauges.rows[:900])
    command = [sys.executable, "-c", KILLED, str(gauges.data), str(gauges.folder.parent), moment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert len(gauges.parquets) == 2, "something of the killed run is left"
    assert gauges.stored() == (before if moment != "_remove_others" else before[:900])
    run = gauges.run()
    assert (run.state, run.stored + run.unchanged) == ("clean", 900)
    assert gauges.stored() == before[:900]
    kept = versions_of(gauges.document())
    assert [version["rows"] for version in kept] == [900, 2000]
    assert set(gauges.parquets) == {gauges.data / version["file"] for version in kept}


def test_a_field_named_like_a_column_of_ours_is_refused(gauges: Gauges) -> None:
    contract = gauges.folder / "contracts/rain-gauge.yaml"
    contract.write_text(contract.read_text().replace("name: precipitation", "name: _file"))
    gauges.change_feed("precipitation: value", "_file: value")
    run = gauges.run()
    assert run.state == "failed"
    assert "_file" in run.message
    assert gauges.parts.broker.get(ID) is None


def test_the_whole_month_and_the_indicator_over_it(tmp_path: Path) -> None:
    """390,045 rows; the mean of the gauges' sums is that of a plain loop over the file."""
    from mahakam.indicators.compute import compute_all
    from mahakam.indicators.series import series
    from mahakam.indicators.trace import inputs, trace

    (tmp_path / "data").mkdir()
    node = Node(Settings(data=tmp_path / "data", config=(SINGAPORE.parent,)))
    try:
        parts = Parts.of(node)
        run = run_feed(parts, "singapore", FEED)
        assert (run.state, run.read, run.stored, run.held, run.left_out) == ("clean", 390_045, 390_045, 0, 0)
        (outcome,) = compute_all(parts.broker, only=("singapore",), names=("rain",))
        assert (outcome.state, outcome.problem) == ("computed", "")
        rows = rain_rows()
        found = series(parts.broker, parts.places["singapore"], "rain")
        assert found
        (value,) = found.values
        assert (value.label, value.inputs) == ("2017-06", len(rows))
        total = sum(float(row["value"]) for row in rows)
        assert value.value == pytest.approx(total / len({row["station_id"] for row in rows}))
        traced = trace(parts.broker, value.id)
        assert traced
        assert [(share.id, share.inputs) for share in traced.runs] == [(run.id, len(rows))]
        for one in inputs(parts.broker, traced, limit=3, offset=200_000).inputs:
            lineage = lineage_of_row(parts, "singapore", FEED, one.row)
            assert lineage
            assert lineage.raw == rows[one.row - 1]
            assert (lineage.file, lineage.line) == (one.file, one.line)
    finally:
        node.close()
