"""HTTP sources that are asked for what is new: no record lost or brought twice, whatever happens to a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from support.agency import Portal
from support.feeds import STOPS, Town, from_origin

FIRST, SECOND = "2026-01-01T08:00:00+08:00", "2026-01-01T01:00:00Z"
"""The second is the later one, although its text sorts before."""


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    made.records = [{**stop, "ubah": FIRST} for stop in STOPS]
    yield made
    made.close()


def changes(town: Town, portal: Portal, **options: Any) -> None:
    since = {"parameter": "updated_after", "rises": "ubah"}
    from_origin(
        town,
        http={"url": f"{portal.url}/changes", "paging": {"parameter": "offset"}, "since": since, **options},
        records="items",
    )


def asked(portal: Portal) -> list[str]:
    """What each request since the last look asked to be newer than."""
    found = [parse_qs(urlsplit(path).query).get("updated_after", [""])[0] for path, _ in portal.seen]
    portal.seen.clear()
    return list(dict.fromkeys(found))


def test_each_record_is_brought_once(town: Town, portal: Portal) -> None:
    changes(town, portal)
    assert town.run().stored == 7
    assert asked(portal) == [""]
    nothing = town.run()
    assert (nothing.state, nothing.message) == ("unchanged", f"nothing is newer than ubah {FIRST}")
    assert asked(portal) == [FIRST]
    portal.records += [
        {**STOPS[0], "kode": "B1", "ubah": FIRST},
        {**STOPS[1], "nama": "Baru", "ubah": SECOND},
    ]
    run = town.run()
    assert (run.read, run.stored) == (2, 2), "one of the same moment that came later, one that changed"


def test_moments_are_compared_and_not_their_spelling(town: Town, portal: Portal) -> None:
    changes(town, portal)
    portal.records[3]["ubah"] = SECOND
    town.run()
    asked(portal)
    town.run()
    assert asked(portal) == [SECOND]


def test_a_first_value(town: Town, portal: Portal) -> None:
    changes(
        town, portal, since={"parameter": "updated_after", "rises": "ubah", "first": "2025-01-01T00:00:00Z"}
    )
    assert town.run().stored == 7
    assert asked(portal) == ["2025-01-01T00:00:00Z"]


def test_a_run_that_failed_is_made_up_for(town: Town, portal: Portal) -> None:
    changes(town, portal)

    def full() -> None:
        raise OSError(28, "No space left on device")

    assert town.run(progress=town.at("check", full)).state == "failed"
    assert town.run().stored == 7
    assert asked(portal) == [""]


def test_what_was_held_stays_held_once(town: Town, portal: Portal) -> None:
    portal.records[2]["kelas"] = "laut"
    changes(town, portal)
    assert town.run().held == 1
    portal.records[4] = {**portal.records[4], "nama": "Baru", "ubah": SECOND}
    assert town.run().stored == 1
    assert [held.raw["kode"] for held in town.held()] == ["A3"]


KILLED = """
import os, signal, sys
from pathlib import Path
from mahakam.app import Node
from mahakam.config import Settings
from mahakam.feeds import fetching
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[3]
if where == "settled":
    fetching._keep = die
node = Node(Settings(data=Path(sys.argv[1]), config=(Path(sys.argv[2]),)))
parts = Parts(node.broker, node.places, Path(sys.argv[1]), True)
run_feed(parts, "town", "stops", progress=lambda step, *_: die() if step == where else None)
"""


@pytest.mark.fault("a fetch of new data, kill -9 at each step", "no part of what the source has")
@pytest.mark.parametrize("where", ["read", "check", "store", "settled"])
def test_kill_9_at_any_point(town: Town, portal: Portal, where: str) -> None:
    """``settled``: the rows are stored and held, but where to go on was not noted yet."""
    portal.records[2]["kelas"] = "laut"
    changes(town, portal)
    town.node.close()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(town.data), str(town.config), where],
        env={**os.environ, "MAHAKAM_PRIVATE_ADDRESSES": "1"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    town.reopen()
    changes(town, portal)
    town.run()
    assert town.ids() == ["A1", "A2", "A4", "A5", "A6", "A7"]
    assert [held.raw["kode"] for held in town.held()] == ["A3"]
    assert town.run().message == f"nothing is newer than ubah {FIRST}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"since": "updated_after"}, "since: must be {parameter: updated_after, rises: updated_at}"),
        ({"since": {"parameter": "a"}}, "since: must be {parameter"),
        ({"since": {"parameter": "a", "rises": "changed"}}, "a record has no column 'changed'; it has kode"),
        ({"since": {"parameter": "a", "rises": "nama.x"}}, "a record has no column 'nama.x'"),
        ({"since": {"parameter": "updated_after", "rises": "ubah"}, "paging": None}, ""),
    ],
)
def test_a_wrong_since_is_said(town: Town, portal: Portal, options: dict[str, Any], said: str) -> None:
    changes(town, portal, **options)
    if said:
        assert said in town.failed()
    else:
        assert town.run().read == 3, "the only page"


def test_a_column_of_numbers_and_texts(town: Town, portal: Portal) -> None:
    portal.records[1]["ubah"] = "x"
    changes(town, portal)
    assert "rises: ubah has moments and texts" in town.failed()


def test_an_etag_is_only_of_its_own_address(town: Town, portal: Portal) -> None:
    from_origin(town, http={"url": f"{portal.url}/stops.csv"})
    assert town.run().stored == 7
    from_origin(town, http={"url": f"{portal.url}/other.csv"})
    assert town.run().read == 7
    assert "if-none-match" not in portal.seen[-1][1]
    assert town.run().state == "unchanged"
    assert portal.seen[-1][1]["if-none-match"] == '"v1"'


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/cut", "sends an answer that is cut off before its end"),
        ("/away", "cannot be reached"),
        ("/secret", "answered 401: it wants a key or password"),
    ],
)
def test_an_answer_that_cannot_be_used(town: Town, portal: Portal, path: str, said: str) -> None:
    from_origin(town, http={"url": portal.url + path, "wait": 0.01})
    failed = town.failed()
    assert said in failed
    assert town.ids() == []


def test_an_answer_that_is_too_large(town: Town, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    from mahakam.feeds.origins import _web

    monkeypatch.setattr(_web.Web, "__init__", _limited(_web.Web.__init__))
    from_origin(town, http={"url": f"{portal.url}/stops.csv", "wait": 0.01})
    assert "answers more than 100 bytes" in town.failed()


def _limited(made: Any) -> Any:
    def init(self: Any, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **{**more, "most": 100})

    return init


def test_a_server_that_is_away(town: Town) -> None:
    from_origin(town, http={"url": "http://127.0.0.1:1/stops.csv", "wait": 0.01})
    assert "http://127.0.0.1:1/stops.csv cannot be reached" in town.failed()
