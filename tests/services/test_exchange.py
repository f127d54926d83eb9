"""The exchange with another Open311 server that has a mind of its own: it refuses, forgets, settles, and is old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mahakam.app import Node
from mahakam.config import ConfigError
from mahakam.services import georeport
from mahakam.services.desk import Desk, Wanted, revision_of
from mahakam.services.exchange import Exchange, Exchanged
from mahakam.services.exchange_servers import servers_of
from mahakam.services.handover import Handover
from mahakam.services.photo import keep_photo
from mahakam.services.request import Draft, Request, photo_path
from support.georeport import GeoReport, request
from support.papers import photo
from support.routed import ROAD, opened, routed_town

BASE = "https://city.example"
FORM = """form:
  properties:
    seen:
      title: Seen
      type: array
      items: {type: string, oneOf: [{const: water, title: Water}, {const: glass, title: Glass}]}
"""
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


@dataclass
class World:
    """A town, whose main road is another server's, and that server, whose lamps are the town's."""

    node: Node
    desk: Desk
    there: GeoReport
    folder: Path

    def setup(self, format: str = "json", push: object = None, **pull: object) -> None:
        server = {
            "name": "other",
            "format": format,
            "url": self.there.url,
            "push": push or {"team": "province", "services": {"pothole": "001"}},
            "pull": {"services": {"017": "street-light"}, **pull},
        }
        (self.folder / "exchange.yaml").write_text(yaml.safe_dump({"servers": [server]}))

    def round(self) -> Exchanged:
        return Exchange(self.desk, self.node.broker, self.node.places, BASE).run()

    def hole(self, words: str, **more: object) -> str:
        return self.desk.send(Draft("town", "pothole", words, ROAD, **more)).number  # type: ignore[arg-type]

    def pass_on(self, number: str, team: str) -> None:
        found = self.desk.request(number)
        assert found
        Handover(self.desk, self.node.broker, self.node.places).transfer(
            number, revision_of(found), team, "Theirs to do", "siti"
        )

    def lamps(self) -> list[Request]:
        return list(self.desk.scan(Wanted("/prov/town", ("street-light",))))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    places = routed_town(tmp_path / "places")
    town = places / "prov" / "town"
    pothole = town / "services" / "pothole.yaml"
    pothole.write_text(pothole.read_text() + FORM)
    node, desk, _hands = opened(tmp_path / "data", places)
    made = World(node, desk, GeoReport(), town)
    made.setup()
    yield made
    made.there.close()
    node.close()


def test_one_that_is_refused_there_holds_up_no_other(world: World) -> None:
    first, second = world.hole("Hole that they do not want"), world.hole("Hole that they take")
    world.there.rows.append(request("7", "017", "A lamp reported there"))
    world.there.refuses = lambda fields: "do not want" in fields["description"][0]
    done = world.round()
    assert (done.pushed, done.pulled) == (1, 1)
    assert len(done.problems) == 1
    assert first in done.problems[0]
    assert "not like this" in done.problems[0]
    assert second in world.there.taken[0]["description"][0]
    world.there.refuses = lambda _fields: False
    assert world.round().pushed == 1, "they want it now"


def test_one_that_is_gone_there_holds_up_no_news(world: World) -> None:
    for words in ("Hole that they lose", "Hole that they fill"):
        world.hole(words)
    world.round()
    lost = next(row for row in world.there.rows if "they lose" in row["description"])
    world.there.rows.remove(lost)
    world.there.rows[0] |= {"status": "closed", "status_notes": "Filled"}
    done = world.round()
    assert done.news == 1
    assert world.desk.count(Wanted("/prov/town", states=("answered",))) == 1


def test_the_photo_and_each_of_several_answers_go_along(world: World) -> None:
    name = keep_photo(world.node.settings.data, photo()).name
    world.hole("Hole", photos=(name,), answers={"seen": ["water", "glass"]})
    world.hole("Another", media="https://elsewhere.example/1.jpg")
    world.round()
    by_words = {fields["description"][0].split("\n")[0]: fields for fields in world.there.taken}
    assert by_words["Hole"]["media_url"] == [BASE + photo_path(name)]
    assert by_words["Hole"]["attribute[seen][]"] == ["water", "glass"]
    assert by_words["Another"]["media_url"] == ["https://elsewhere.example/1.jpg"]


def test_what_is_pulled_keeps_its_date_and_what_became_of_it(world: World) -> None:
    asked, settled = NOW - dt.timedelta(days=20), NOW - dt.timedelta(days=12)
    world.there.rows = [
        request("8", "017", "Dark for days", requested_datetime=asked.isoformat()),
        request(
            "9", "017", "Dark before", status="closed", status_notes="New lamp",
            requested_datetime=asked.isoformat(), updated_datetime=settled.isoformat(),
            agency_responsible="Their works",
        ),
        request("10", "017", "Ahead of its time", requested_datetime="2099-01-01T00:00:00Z"),
        request("11", "017", "No date at all", requested_datetime=None),
    ]  # fmt: skip
    assert world.round().pulled == 4
    found = {one.description: one for one in world.lamps()}
    assert all(
        dt.datetime.fromisoformat(found[words].requested) == asked
        for words in ("Dark for days", "Dark before")
    )
    for words in ("Ahead of its time", "No date at all"):
        assert NOW <= dt.datetime.fromisoformat(found[words].requested) <= dt.datetime.now(dt.UTC)
    before = found["Dark before"]
    assert (before.state, before.steps[-1].text, before.agency) == ("answered", "New lamp", "Their works")
    assert dt.datetime.fromisoformat(before.updated) == settled
    assert before.due == ""
    assert found["Dark for days"].state == "received"
    document = world.node.broker.get(f"urn:ngsi-ld:ServiceRequest:{before.number}")
    assert document
    assert dt.datetime.fromisoformat(document["settledDatetime"]["value"]) == settled


def test_what_was_pulled_is_settled_here_when_it_is_there(world: World) -> None:
    world.there.rows = [request("8", "017", "Lamp one"), request("9", "017", "Lamp two")]
    world.round()
    world.there.row("8").update(status="closed", status_notes="Their crew was faster")
    done = world.round()
    assert (done.news, done.pulled, done.problems) == (1, 0, [])
    found = {one.description: one for one in world.lamps()}
    assert (found["Lamp one"].state, found["Lamp one"].steps[-1].text) == (
        "answered",
        "Their crew was faster",
    )
    assert found["Lamp two"].state == "received"
    second = found["Lamp two"]
    world.desk.step(second.number, revision_of(second), "answered", "We did it", "", "siti")
    world.there.row("9").update(status="closed", status_notes="They did it")
    assert world.round().news == 0, "it was settled here before"
    assert world.round().news == 0


def test_more_than_ninety_days_are_pulled_step_by_step(world: World) -> None:
    """GeoReport gives ninety days at a time; what a city reported in years is asked for in as many steps."""
    world.there.dated = True
    days = (1, 80, 95, 200, 399)
    world.there.rows = [
        request(
            str(at), "017", f"{at} days ago", requested_datetime=(NOW - dt.timedelta(days=at)).isoformat()
        )
        for at in days
    ]
    assert world.round().pulled == 2, "what the server lists by itself"
    world.setup(since=(NOW - dt.timedelta(days=400)).date())
    assert world.round().pulled == 3
    assert world.round().pulled == 0
    assert sorted(one.description for one in world.lamps()) == sorted(f"{at} days ago" for at in days)


def test_a_server_that_speaks_xml_alone_is_spoken_to_in_xml(world: World) -> None:
    world.there.xml = True
    assert world.round().problems, "it has no JSON"
    world.setup(format="xml")
    number = world.hole("Hole & <sinking> road")
    world.there.rows.append(request("8", "017", "Lamp of <theirs>", address="Jl. A & B"))
    done = world.round()
    assert (done.pushed, done.pulled, done.problems) == (1, 1, [])
    assert world.there.taken[0]["description"] == [f"Hole & <sinking> road\n\n{number}"]
    (lamp,) = world.lamps()
    assert lamp.description == "Lamp of <theirs>"
    assert lamp.address.startswith("Jl. A & B")
    world.there.row("8").update(status="closed", status_notes="Done")
    assert world.round().news == 1


def test_a_server_that_is_no_xml_says_so(world: World) -> None:
    world.there.xml = True
    world.setup(format="xml")
    world.there.rows.append({"not a name": "x"})
    done = world.round()
    assert (done.pulled, len(done.problems)) == (0, 1)
    assert "XML" in done.problems[0]


def test_nothing_comes_back_to_where_it_came_from(world: World) -> None:
    """Each of two cities may push to the other and pull from it: neither sends on what the other sent, or asks for
    it again."""
    world.there.rows.append(request("THERE-1", "017", "Lamp of theirs"))
    world.desk.send(
        Draft("town", "street-light", "Lamp that they sent here\n\nTHERE-2", (117.05, -0.42), how="open311")
    )
    world.there.rows.append(request("THERE-2", "017", "Lamp that they sent here"))
    assert world.round().pulled == 1
    (theirs,) = [one for one in world.lamps() if one.description == "Lamp of theirs"]
    world.pass_on(theirs.number, "province")
    world.setup(push={"team": "province", "services": {"pothole": "001", "street-light": "017"}})
    done = world.round()
    assert (done.pushed, done.pulled, done.problems) == (0, 0, [])


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ({"name": "Other Server"}, "small letters"),
        ({"url": "ftp://there"}, "GeoReport v2"),
        ({"format": "yaml"}, "json or xml"),
        ({"urll": "https://there"}, "did you mean 'url'"),
        ({"push": {"services": {"pothole": "1"}}}, "'team'"),
        ({"push": ["pothole"]}, "mapping"),
        ({"pull": {"servces": {}}}, "did you mean 'services'"),
        ({"pull": {"services": ["pothole"]}}, "maps codes to codes"),
        ({"pull": {"since": "long ago"}}, "2026-01-31"),
    ],
)
def test_a_wrong_file_says_what_would_be_right(world: World, server: dict[str, object], says: str) -> None:
    given = {"name": "other", "url": "https://there"} | server
    (world.folder / "exchange.yaml").write_text(yaml.safe_dump({"servers": [given]}))
    with pytest.raises(ConfigError, match=says):
        servers_of(world.node.places["town"])


BAD: dict[str, dict[str, object]] = {
    "no place on earth": {"lat": float("nan")},
    "words for a number": {"lat": "north"},
    "half a place": {"long": None},
    "no id": {"service_request_id": None},
    "an endless id": {"service_request_id": "9" * 5000},
    "a list for a number": {"lat": [1]},
}


@pytest.mark.parametrize("what", BAD)
def test_a_row_that_makes_no_sense_holds_up_no_other(world: World, what: str) -> None:
    world.there.rows += [request("8", "017", "The bad one", **BAD[what]), request("9", "017", "A good lamp")]  # type: ignore[arg-type]
    done = world.round()
    assert done.pulled == 1, done.problems
    assert [one.description for one in world.lamps()] == ["A good lamp"]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "/photos/0123.jpg", "data:text/html,<b>", "https://"]
)
def test_a_photo_elsewhere_has_an_address_of_the_web_or_none(world: World, address: str) -> None:
    world.there.rows.append(request("7", "017", "A lamp", media_url=address))
    world.round()
    (lamp,) = world.lamps()
    assert (lamp.media, lamp.photos) == ("", ())


def test_what_another_server_says_has_an_end(world: World) -> None:
    world.there.rows.append(request("7", "017", "A lamp", agency_responsible="A" * 9000))
    world.round()
    world.there.rows[0] |= {"status": "closed", "status_notes": "B\x00" * 90_000}
    world.round()
    (lamp,) = world.lamps()
    assert lamp.state == "answered"
    assert len(lamp.agency) <= 200
    assert len(lamp.steps[-1].text) <= 4000
    assert "\x00" not in lamp.steps[-1].text


def test_an_answer_without_end_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(georeport, "LARGEST", 10_000)
    world.there.rows += [request(str(at), "017", "A lamp " * 20) for at in range(100)]
    done = world.round()
    assert done.pulled == 0
    assert "more than" in done.problems[0]


def test_a_nested_answer_is_a_problem_and_not_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("support.georeport.json.dumps", lambda _rows: "[" * 200_000)
    done = world.round()
    assert len(done.problems) == 1
