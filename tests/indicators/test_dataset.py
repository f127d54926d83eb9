"""Large tables are counted and traced where they are: in their Parquet file."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from mahakam.indicators.compute import compute_all
from mahakam.indicators.series import series
from mahakam.indicators.trace import inputs, trace
from mahakam.indicators.value import value_id
from support.indicators import EXAMPLES, City

SINGAPORE = EXAMPLES / "ascn" / "singapore"


def dataset(city: City, name: str, table: pa.Table, run: int = 0) -> Path:
    """A Parquet file in the node's data folder, and the Dataset entity that describes it."""
    file = city.data / "datasets" / f"{name}.parquet"
    file.parent.mkdir(exist_ok=True)
    parquet.write_table(table, file)
    city.broker.upsert(
        {
            "id": f"urn:ngsi-ld:Dataset:town:{name}",
            "type": "Dataset",
            "scope": "/prov/town",
            "file": {"type": "Property", "value": f"datasets/{name}.parquet"},
            "run": {"type": "Property", "value": run},
        }
    )
    return file


def test_rain_of_390_000_rows(city: City) -> None:
    """The sums by month on the city's clock and the wettest rows are those of a plain loop over the file."""
    with gzip.open(SINGAPORE / "data/singapore_rainfall_2017_06.csv.gz", "rt", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) > 390_000
    zone = timezone(timedelta(hours=8))
    moments = [datetime.fromisoformat(row["timestamp_sgt"]).replace(tzinfo=zone) for row in rows]
    amounts = [float(row["value"]) for row in rows]
    numbers = list(range(1, len(rows) + 1))
    table = pa.table(
        {
            "_row": pa.array(numbers, pa.int64()),
            "_line": pa.array([number + 1 for number in numbers], pa.int64()),
            "station": [row["station_id"] for row in rows],
            "dateObserved": pa.array(
                [moment.astimezone(UTC).replace(tzinfo=None) for moment in moments], pa.timestamp("us")
            ),
            "precipitation": amounts,
        }
    )
    dataset(city, "rain", table)
    city.indicator(
        "rain",
        '{name: Rain, from: "dataset:rain", formula: "sum(precipitation) / count(distinct station)",'
        ' counted: "precipitation > 10", per: month, time: dateObserved, unit: mm}',
    )
    (outcome,) = compute_all(city.broker)
    assert not outcome.problem
    total: Counter[str] = Counter()
    count: Counter[str] = Counter()
    wet: Counter[str] = Counter()
    stations = defaultdict(set)
    for row, moment, amount in zip(rows, moments, amounts, strict=True):
        label = f"{moment:%Y-%m}"
        total[label] += amount  # type: ignore[assignment]
        count[label] += 1
        wet[label] += amount > 10
        stations[label].add(row["station_id"])
    found = series(city.broker, city.place, "rain")
    assert found
    assert {one.label: one.inputs for one in found.values} == dict(count)
    for one in found.values:
        assert one.value == pytest.approx(total[one.label] / len(stations[one.label]))
        assert one.counted == wet[one.label]

    traced = trace(city.broker, value_id("town", "rain", "2017-06"))
    assert traced
    page = inputs(city.broker, traced, limit=20)
    assert page.total == count["2017-06"]
    assert wet["2017-06"] > 1
    assert [one.counted for one in page.inputs] == [n < wet["2017-06"] for n in range(20)]
    for one in page.inputs:
        row = rows[one.row - 1]
        assert one.line == one.row + 1
        assert one.cells["precipitation"] == float(row["value"])
        assert one.cells["station"] == row["station_id"]
    assert inputs(city.broker, traced, only="counted").total == wet["2017-06"]
    assert inputs(city.broker, traced, only="others", limit=1).total == count["2017-06"] - wet["2017-06"]


def test_a_dataset_written_again_is_counted_again(city: City) -> None:
    text = '{name: N, from: "dataset:trips", formula: "sum(n)", per: year, time: year}'
    city.indicator("trips", text)
    assert [one.state for one in compute_all(city.broker)] == ["noInputs"]
    dataset(city, "trips", pa.table({"_row": [1, 2], "_line": [2, 3], "year": [2020, 2021], "n": [5, 7]}))
    assert [one.state for one in compute_all(city.broker)] == ["computed"]
    assert [one.state for one in compute_all(city.broker)] == ["unchanged"]
    dataset(city, "trips", pa.table({"_row": [1], "_line": [2], "year": [2020], "n": [6]}), run=2)
    assert [one.state for one in compute_all(city.broker)] == ["computed"]
    found = series(city.broker, city.place, "trips")
    assert found
    assert [(one.label, one.value) for one in found.values] == [("2020", 6)]


def test_a_column_that_is_not_there_is_named(city: City) -> None:
    dataset(city, "trips", pa.table({"_row": [1], "_line": [2], "year": [2020], "riders": [6]}))
    city.indicator("trips", '{name: N, from: "dataset:trips", formula: "sum(rider)", per: year, time: year}')
    (outcome,) = compute_all(city.broker)
    assert outcome.state == "failed"
    assert "dataset:trips has no column 'rider'; did you mean 'riders'?" in outcome.problem


def test_a_file_outside_the_data_folder_is_not_read(city: City, tmp_path: Path) -> None:
    dataset(city, "trips", pa.table({"_row": [1], "_line": [2], "year": [2020], "n": [6]}))
    outside = tmp_path / "secret.parquet"
    parquet.write_table(pa.table({"year": [2020], "n": [1]}), outside)
    for path in ("../secret.parquet", str(outside)):
        city.broker.upsert(
            {
                "id": "urn:ngsi-ld:Dataset:town:trips",
                "type": "Dataset",
                "scope": "/prov/town",
                "file": {"type": "Property", "value": path},
            }
        )
        city.indicator("trips", '{name: N, from: "dataset:trips", formula: "sum(n)", per: year, time: year}')
        assert [one.state for one in compute_all(city.broker, force=True)] == ["noInputs"]
