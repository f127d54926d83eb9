"""Scores by dimension: measured in a run, kept with it, moved, rolled up, and what would raise them most."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mahakam.feeds import quarantine
from mahakam.feeds.known import dataset
from mahakam.feeds.scores import DIMENSIONS, Standing, days, history, raises, rolled, standing
from mahakam.store.model import Run
from support.feeds import GOOD, HEADER, Town

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BAD = (
    "A4;;kota;4;117.01;-0.41\n"  # no name
    "A5;Hilir;laut;4;117.01;-0.41\n"  # a kind that does not exist
    "A6;Hulu;darat;4;117.01;-0.41\n"  # again
    "A7;Muara;laut;1;118.9;-0.41\n"  # a kind, outside the town, and few seats
    "A1;Pasar;kota;4;117.01;-0.41\n"  # a key for the second time (both of its rows are held)
    "A8;Kuaro;air;1;117.01;-0.41\n"  # only a warning
)


def test_a_run_keeps_its_quality_by_dimension(town: Town) -> None:
    town.write("data/stops.csv", HEADER + GOOD + BAD)
    run = town.run()
    kept = town.parts.store.run(run.id)
    assert kept is not None
    assert (kept.read, kept.held, kept.quality["flagged"]) == (9, 6, 1)
    share = {name: round(9 - 9 * value) for name, value in kept.quality["dimensions"].items()}
    assert share == {"completeness": 1, "validity": 3, "uniqueness": 2, "consistency": 2, "accuracy": 1}
    assert kept.quality["flags"] == [[[["few-seats", "seats"]], 1]]
    assert list(kept.quality["dimensions"]) == [one for one in DIMENSIONS if one in share]


def test_a_dimension_without_a_rule_is_not_measured(town: Town) -> None:
    town.write("data/stops.csv", HEADER + GOOD)
    assert "timeliness" not in town.run().quality["dimensions"]


def test_what_would_raise_the_score_most(town: Town) -> None:
    town.write("data/stops.csv", HEADER + GOOD + BAD)
    run = town.run()
    first, second, third = raises(run, town.parts.store.held_reasons("town", "stops"))
    assert (first.rule, first.field, first.rows) == ("enum", "kind", 3)
    assert first.gain == pytest.approx(2 / 9)  # the third such row lies outside, too
    assert (second.rule, second.rows, second.gain) == ("primaryKey", 2, pytest.approx(2 / 9))
    assert third.gain == pytest.approx(1 / 9)


def test_the_promised_points_come_true(town: Town) -> None:
    """What a repair is said to bring is what the score rises by when it is done."""
    town.write("data/stops.csv", HEADER + GOOD + BAD)
    run = town.run()
    now = dataset(town.parts.store, town.parts.place("town"), "stops").score
    best = raises(run, town.parts.store.held_reasons("town", "stops"), most=1)[0]
    pairs = {("kelas", "laut"): "air", ("kelas", "darat"): "kota"}
    quarantine.correct(town.parts, "town", "stops", pairs, "a steward")
    quarantine.replay(town.parts, "town", "stops", "a steward")
    one = dataset(town.parts.store, town.parts.place("town"), "stops")
    assert now is not None
    assert one.score == pytest.approx(now + best.gain)
    stands = standing(one, NOW)
    assert stands.moved == pytest.approx(best.gain)
    assert stands.dimensions["validity"] == 1


def test_rows_that_a_steward_left_out_count_no_more(town: Town) -> None:
    town.write("data/stops.csv", HEADER + GOOD + "A5;Hilir;laut;4;117.01;-0.41\n")
    town.run()
    quarantine.dismiss(town.parts, town.parts.store.held("town", "stops")[0].id, "a steward", "a test stop")
    quarantine.replay(town.parts, "town", "stops", "a steward")
    one = dataset(town.parts.store, town.parts.place("town"), "stops")
    assert one.score == 1
    assert one.run is not None
    assert one.run.quality["dimensions"]["validity"] == 1
    assert raises(one.run, town.parts.store.held_reasons("town", "stops")) == []


def test_a_feed_that_is_late_is_less_and_less_timely(town: Town) -> None:
    feed = (town.folder / "feeds/stops.yaml").read_text()
    town.write("feeds/stops.yaml", feed + 'schedule: "0 6 * * *"\n')
    town.write("data/stops.csv", HEADER + GOOD)
    town.run()
    one = dataset(town.parts.store, town.parts.place("town"), "stops")
    assert one.last is not None
    began = datetime.fromisoformat(one.last.started)
    assert standing(one, began + timedelta(hours=1)).dimensions["timeliness"] == 1
    some = [standing(one, began + timedelta(days=n)).dimensions["timeliness"] for n in (3, 9, 90)]
    assert 1 > some[0] > some[1] > some[2] > 0
    late = began + timedelta(days=9)
    assert standing(one, late, late - timedelta(hours=1)).dimensions["timeliness"] == 1, (
        "nothing new is in time"
    )


def run_of(id: int, feed: str, day: int, held: int) -> Run:
    at = f"2026-01-{day:02}T08:00:00Z"
    quality = {"dimensions": {"validity": 1 - held / 10}, "flagged": 0, "flags": []}
    return Run(id, "town", feed, at, "held", at, read=10, held=held, quality=quality)


def test_the_history_of_a_dataset_and_of_all_together() -> None:
    runs = [run_of(4, "b", 3, 5), run_of(3, "a", 2, 0), run_of(2, "b", 1, 0), run_of(1, "a", 1, 4)]
    assert [(run.id, one.overall, one.before) for run, one in history(r for r in runs if r.feed == "a")] == [
        (1, 0.6, None),
        (3, 1.0, 0.6),
    ]
    assert [(day, one.overall, one.datasets) for day, one in days(runs)] == [
        ("2026-01-01", pytest.approx(0.8), 2),
        ("2026-01-02", 1.0, 2),
        ("2026-01-03", 0.75, 2),
    ]
    assert [day for day, _one in days(runs, "Pacific/Kiritimati")][-1] == "2026-01-03"
    assert [day for day, _one in days(runs, "Pacific/Pago_Pago")][-1] == "2026-01-02"


def test_an_agency_is_the_mean_of_its_datasets() -> None:
    some = [
        Standing(0.5, {"validity": 0.5}, 0.7, "2026-01-01T00:00:00Z"),
        Standing(1.0, {"validity": 1.0, "timeliness": 0.5}, None, "2026-01-03T00:00:00Z"),
        Standing(None, datasets=0),
    ]
    one = rolled(some)
    assert (one.overall, one.dimensions) == (0.75, {"validity": 0.75, "timeliness": 0.5})
    assert one.moved == pytest.approx(-0.1)
    assert one.datasets == 2
    assert one.at == "2026-01-03T00:00:00Z"
    assert rolled([]).overall is None
