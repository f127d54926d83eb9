"""When feeds are due, and that one runs at a time."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from mahakam.cli.feed import due_feeds
from mahakam.config import ConfigError
from mahakam.feeds import definition
from mahakam.feeds.schedule import following, is_due
from mahakam.feeds.turn import Running, last_turn, turn
from support.feeds import FEED, Town


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def scheduled(town: Town, expression: str) -> definition.Feed:
    town.write("feeds/stops.yaml", f'{FEED}schedule: "{expression}"\n')
    return definition.load(town.parts.place("town"), "stops")


def test_a_schedule_is_in_the_places_time(town: Town) -> None:
    feed = scheduled(town, "0 6 * * *")
    assert following(feed, at("2026-01-01T00:00")) == at("2026-01-01T22:00")  # 6 in the morning, UTC+8


def test_what_was_missed_is_one_run(town: Town) -> None:
    feed = scheduled(town, "0 6 * * *")
    assert is_due(feed, None, at("2026-01-01T00:00"))
    assert not is_due(feed, at("2026-01-01T00:00"), at("2026-01-01T21:59"))
    assert is_due(feed, at("2026-01-01T00:00"), at("2026-01-01T22:00"))
    assert is_due(feed, at("2026-01-01T00:00"), at("2026-03-01T00:00"))


def test_a_run_that_found_nothing_new_counts(town: Town) -> None:
    town.write("data/stops.csv", "kode;nama;kelas;kursi;lon;lat\nA1;Pasar;kota;4;117.01;-0.41\n")
    scheduled(town, "0 0 1 1 *")
    assert due_feeds(town.parts) == [("town", "stops")]
    assert town.run().state == "clean"
    assert town.run().state == "unchanged"
    assert last_turn(town.parts.data, "town", "stops") is not None
    assert due_feeds(town.parts) == []


@pytest.mark.parametrize("expression", ["every day", "61 * * * *", "0 0 31 2 *"])
def test_a_wrong_schedule_is_a_clear_error(town: Town, expression: str) -> None:
    with pytest.raises(ConfigError, match="schedule:"):
        scheduled(town, expression)


@pytest.mark.fault("a process that runs a feed, kill -9", "nobody waits for it: the next run begins")
def test_one_run_at_a_time_over_processes(town: Town) -> None:
    town.write("data/stops.csv", "kode;nama;kelas;kursi;lon;lat\nA1;Pasar;kota;4;117.01;-0.41\n")
    script = (
        "import sys; from pathlib import Path; from mahakam.feeds.turn import turn\n"
        "with turn(Path(sys.argv[1]), 'town', 'stops'): print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(town.parts.data)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        with pytest.raises(Running, match="is running now"):
            town.run()
        with turn(town.parts.data, "town", "other"):
            pass
        other.kill()
    assert town.run().state == "clean"
