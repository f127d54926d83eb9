"""Requests through the broker, on a real store, under the contract that comes with Mahakam."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.config import Place, load_places
from mahakam.ngsild.problem import Problem
from mahakam.quality.book import Book
from mahakam.services import followers
from mahakam.services.area import distance
from mahakam.services.contracts import CONTRACT, WithRequests
from mahakam.services.desk import Changed, Desk, Wanted, revision_of
from mahakam.services.moves import ways
from mahakam.services.numbers import give_number
from mahakam.services.photo import keep_photo, photo_file
from mahakam.services.request import Draft, Refused, Request, clean, entity_id
from mahakam.services.states import OPEN, STATES, open311_status
from mahakam.services.villages import VillageLists
from mahakam.services.workflow import OFFICER
from mahakam.store.opening import open_store

DRAFT = Draft("town", "pothole", "Lubang besar di depan pasar", (117.05, -0.45))


@dataclasses.dataclass
class World:
    desk: Desk
    broker: Broker
    places: Mapping[str, Place]
    data: Path


def _places(root: Path) -> Mapping[str, Place]:
    for id, west, south in (("town", 117.0, -0.5), ("bay", 117.4, 0.1)):
        folder = root / "prov" / id
        (folder / "services").mkdir(parents=True)
        ring = [
            [west, south],
            [west + 0.1, south],
            [west + 0.1, south + 0.1],
            [west, south + 0.1],
            [west, south],
        ]
        (folder / "boundary.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
        (folder / "city.yaml").write_text(
            f"name: {id}\nparent: prov\nboundary: boundary.geojson\nrequest_prefix: {id.upper()}\n"
        )
        for code in ("pothole", "street-light"):
            (folder / "services" / f"{code}.yaml").write_text(
                f"name: {{en: {code}, id: {code}}}\nagency: Dinas {id}\n"
            )
    (root / "prov" / "province.yaml").write_text("name: Prov\n")
    return load_places([root])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    places = _places(tmp_path / "places")
    store = open_store("", tmp_path / "data")
    broker = Broker(store, NoContracts(), places)
    yield World(Desk(broker, places, tmp_path / "data"), broker, places, tmp_path / "data")
    store.close()


def _draft(**changes: Any) -> Draft:
    return dataclasses.replace(DRAFT, **changes)


def _sent(world: World, **changes: Any) -> Request:
    request = world.desk.request(world.desk.send(_draft(**changes)).number)
    assert request is not None
    return request


def _rules(error: pytest.ExceptionInfo[Refused]) -> set[tuple[str, str]]:
    return {(fault.field, fault.rule) for fault in error.value.faults}


# taking in


def test_a_request_is_an_entity_like_all_else(world: World) -> None:
    now = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
    sent = world.desk.send(DRAFT, now)
    assert sent.number == "TOWN-2026-000001"
    document = world.broker.get("urn:ngsi-ld:ServiceRequest:TOWN-2026-000001")
    assert document is not None
    assert document["type"] == "ServiceRequest"
    assert document["scope"] in (["/prov/town"], "/prov/town")
    values = {name: part["value"] for name, part in document.items() if isinstance(part, dict)}
    assert values["serviceCode"] == "pothole"
    assert values["status"] == "received"
    assert values["requestedDatetime"] == "2026-11-24T04:00:00Z"
    assert values["agencyResponsible"] == "Dinas town"
    assert values["location"] == {"type": "Point", "coordinates": [117.05, -0.45]}
    assert values["timeline"] == [{"status": "received", "at": "2026-11-24T04:00:00Z"}]
    assert "mediaUrl" not in values, "what there is not is not said"
    request = world.desk.request(sent.number)
    assert request is not None
    assert (request.place, request.state, request.point, request.open) == (
        "town",
        "received",
        (117.05, -0.45),
        True,
    )
    assert world.desk.request("TOWN-2026-000099") is None


def test_a_double_tap_makes_one_request(world: World) -> None:
    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(lambda _: world.desk.send(_draft(idempotency="tap")), range(6)))
    assert {one.number for one in sent} == {"TOWN-2026-000001"}
    assert sum(one.new for one in sent) == 1
    assert world.desk.count(Wanted()) == 1


def test_what_is_refused_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number, contact, followers and entity are one transaction: all of it is there, or none."""

    def crash(*_: object, **__: object) -> None:
        raise OSError("disk full")

    draft = _draft(idempotency="tap", contact="a@b.id")
    with monkeypatch.context() as broken:
        broken.setattr(world.broker, "_follow", crash)
        with pytest.raises(OSError, match="disk full"):
            world.desk.send(draft)
    assert world.desk.count(Wanted()) == 0
    assert world.desk.private("TOWN-2026-000001").contact == ""
    assert followers.of(world.broker.store, "TOWN-2026-000001") == []
    assert world.desk.send(draft).number == "TOWN-2026-000001"
    assert world.desk.private("TOWN-2026-000001").contact == "a@b.id"
    assert [one.email for one in followers.of(world.broker.store, "TOWN-2026-000001")] == ["a@b.id"]


def test_a_number_given_before_its_request_is_used_by_the_next_try(world: World) -> None:
    """Older versions gave it in a transaction of its own: a crash in between left it without a request."""
    now = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
    assert give_number(world.broker.store, world.places["town"], now, "tap") == ("TOWN-2026-000001", True)
    sent = world.desk.send(_draft(idempotency="tap"), now)
    assert (sent.number, sent.new) == ("TOWN-2026-000001", True)


def test_a_number_that_somebody_stored_an_entity_under_is_passed_over(world: World) -> None:
    """A report is never taken for another one, and nobody gets the key to another's."""
    now = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
    first = world.desk.send(_draft(), now)
    stored = world.broker.get(entity_id(first.number))
    assert stored is not None
    other = {name: value for name, value in stored.items() if name not in ("createdAt", "modifiedAt")}
    world.broker.create({**other, "id": entity_id("TOWN-2026-000002")})
    for _again in range(2):
        sent = world.desk.send(_draft(idempotency="tap", description="Something else here"), now)
        assert sent.number == "TOWN-2026-000003"
    assert world.desk.count(Wanted()) == 3


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"place": "nowhere"}, {("place", "unknown")}),
        ({"service": ""}, {("service", "missing")}),
        ({"service": "../x"}, {("service", "unknown")}),
        ({"point": None}, {("location", "missing")}),
        ({"point": (200.0, 0.0)}, {("location", "range")}),
        ({"point": (float("nan"), 0.0)}, {("location", "range")}),
        ({"point": (-0.45, 117.05)}, {("location", "range")}),
        ({"point": (117.3, -0.45)}, {("location", "outside")}),
        ({"point": (117.05, 0.45)}, {("location", "outside")}),
        ({"description": " \x00\u202e "}, {("description", "missing")}),
        ({"description": "ab"}, {("description", "short")}),
        ({"description": "x" * 4001}, {("description", "long")}),
        ({"photos": ("a" * 64,)}, {("photo", "gone")}),
        ({"photos": ("a" * 64,) * 6}, {("photo", "many")}),
        ({"address": "x" * 201}, {("address", "long")}),
        ({"contact": "not a mail"}, {("contact", "email")}),
        ({"contact": "<script>@x.id"}, {("contact", "email")}),
        ({"service": "", "point": None, "description": "", "contact": "x"},
         {("service", "missing"), ("location", "missing"), ("description", "missing"), ("contact", "email")}),
    ],
)  # fmt: skip
def test_a_bad_draft_is_refused_with_everything_wrong_with_it(
    world: World, changes: dict[str, Any], rules: set[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as error:
        world.desk.send(_draft(**changes))
    assert _rules(error) == rules
    assert world.desk.count(Wanted()) == 0
    assert world.desk.send(DRAFT).number == "TOWN-2026-000001", "a refused draft uses up no number"


def test_outside_names_the_nearest_place_and_how_far(world: World) -> None:
    with pytest.raises(Refused) as error:
        world.desk.send(_draft(point=(117.39, 0.15)))
    (fault,) = error.value.faults
    assert fault.values == {"place": "town", "nearest": "bay", "km": pytest.approx(1.1, abs=0.1)}


def test_latitude_and_longitude_the_wrong_way_round_are_recognised(tmp_path: Path, world: World) -> None:
    folder = tmp_path / "places" / "prov" / "equator"
    (folder / "services").mkdir(parents=True)
    ring = [[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]
    (folder / "b.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    (folder / "city.yaml").write_text("name: E\nboundary: b.geojson\n")
    (folder / "services" / "pothole.yaml").write_text("name: P\n")
    places = load_places([tmp_path / "places"])
    with pytest.raises(Refused) as error:
        Desk(world.broker, places, world.data).send(_draft(place="equator", point=(50.5, 10.5)))
    assert _rules(error) == {("location", "swapped")}


@given(text=st.text(max_size=200))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_words_are_taken_as_they_are_or_refused(world: World, text: str) -> None:
    if len(clean(text)) < 3:
        with pytest.raises(Refused):
            _sent(world, description=text)
        return
    request = _sent(world, description=text)
    assert request.description == clean(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in request.description)


def test_a_photo_stays_once_sent_and_contact_is_never_public(world: World) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "JPEG")
    photo = keep_photo(world.data, picture.getvalue())
    request = _sent(world, photos=(photo.name,), contact=" warga@example.id ")
    assert request.photos == (photo.name,)
    path = photo_file(world.data, photo.name)
    assert path is not None
    assert "waiting" not in path.parts
    assert b"warga@example.id" not in (world.broker.body(entity_id(request.number)) or b"")
    assert world.desk.private(request.number).contact == "warga@example.id"


# near by


def test_what_is_open_near_by_and_alike_is_shown(world: World) -> None:
    metre = 1 / 111_195
    near = _sent(world, point=(117.05, -0.45 + 20 * metre), description="Big hole before the market")
    edge = _sent(world, point=(117.05, -0.45 + 39 * metre), description="Hole on the left lane")
    far = _sent(world, point=(117.05, -0.45 + 60 * metre), description="Asphalt broken at the school gate")
    other = _sent(world, service="street-light", description="The asphalt is broken at the school")
    closed = _sent(world)
    world.desk.step(closed.number, revision_of(closed), "rejected", "Not ours", "", "siti")
    town = world.places["town"]

    found = world.desk.near(town, "pothole", (117.05, -0.45))
    assert [one.request.number for one in found] == [near.number, edge.number]
    for one in found:
        assert one.metres == pytest.approx(distance((117.05, -0.45), one.request.point))
    said = world.desk.near(town, "pothole", (117.05, -0.45), "asphalt broken, school gate")
    assert {one.request.number for one in said} >= {far.number, other.number}, "the same words reach farther"
    assert said[0].closeness <= said[-1].closeness


# looking up


def test_lists_are_filtered_and_in_order(world: World) -> None:
    first, second = _sent(world), _sent(world, service="street-light")
    third = _sent(world, place="bay", point=(117.45, 0.15))
    world.desk.step(second.number, 1, "inProgress", "", "", "siti")
    everything = [first.number, second.number, third.number]
    assert [r.number for r in world.desk.newest(Wanted(), 10)] == everything[::-1]
    assert [r.number for r in world.desk.newest(Wanted(), 2, 1)] == everything[1::-1]
    assert [r.number for r in world.desk.newest(Wanted(), 2, 2)] == everything[:1]
    assert world.desk.newest(Wanted(), 5, 3) == []
    assert [r.number for r in world.desk.oldest(Wanted(), 10)] == everything
    assert [r.number for r in world.desk.scan(Wanted())] == everything
    assert [r.number for r in world.desk.oldest(Wanted("/prov/town"), 10)] == everything[:2]
    assert [r.number for r in world.desk.oldest(Wanted("/prov"), 10)] == everything
    assert [r.number for r in world.desk.oldest(Wanted(services=("street-light",)), 10)] == [second.number]
    assert [r.number for r in world.desk.oldest(Wanted(states=("inProgress", "closed")), 10)] == [
        second.number
    ]
    assert world.desk.count(Wanted("/prov/town", ("pothole",), ("received",))) == 1


# answering


def test_a_request_is_answered_in_public_step_by_step(world: World) -> None:
    request = _sent(world)
    request = world.desk.step(request.number, 1, "inProgress", "", "", "siti")
    request = world.desk.step(request.number, 2, "inProgress", "Regu datang besok", "", "siti")
    request = world.desk.step(request.number, 3, "answered", "Sudah ditambal", "Dinas PU", "siti")
    assert request.state == "answered"
    assert not request.open
    assert [(step.state, step.agency, step.text) for step in request.steps] == [
        ("received", "", ""),
        ("inProgress", "Dinas town", ""),
        ("inProgress", "Dinas town", "Regu datang besok"),
        ("answered", "Dinas PU", "Sudah ditambal"),
    ]
    document = world.broker.get(entity_id(request.number))
    assert document is not None
    assert document["statusNotes"]["value"] == "Sudah ditambal"
    assert document["updatedDatetime"]["value"] == request.steps[-1].at
    assert "siti" not in json.dumps(document), "the public sees the agency, not the officer"


def test_of_two_officers_the_second_is_told_and_nothing_is_lost(world: World) -> None:
    request = _sent(world)
    world.desk.step(request.number, 1, "answered", "First answer", "", "siti")
    with pytest.raises(Changed) as error:
        world.desk.step(request.number, 1, "rejected", "Second answer", "", "budi")
    assert error.value.request.state == "answered"
    stands = world.desk.request(request.number)
    assert stands is not None
    assert [step.text for step in stands.steps] == ["", "First answer"]


def test_of_many_officers_at_once_one_writes(world: World) -> None:
    request = _sent(world)

    def answer(officer: int) -> bool:
        try:
            world.desk.step(request.number, 1, "answered", f"answer {officer}", "", f"officer{officer}")
        except Changed:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(answer, range(6))) == 1
    stands = world.desk.request(request.number)
    assert stands is not None
    assert len(stands.steps) == 2


WAY_TO: dict[str, list[str]] = {
    "received": [],
    "inProgress": ["inProgress"],
    "waiting": ["waiting"],
    "answered": ["answered"],
    "closed": ["answered", "closed"],
    "rejected": ["rejected"],
    "reopened": ["rejected", "reopened"],
}


WAYS = {
    "received": ("inProgress", "waiting", "answered", "rejected"),
    "inProgress": ("waiting", "answered", "rejected"),
    "waiting": ("inProgress", "answered", "rejected"),
    "answered": ("closed", "reopened"),
    "closed": ("reopened",),
    "rejected": ("reopened",),
    "reopened": ("inProgress", "waiting", "answered", "rejected"),
}


@pytest.mark.parametrize("start", STATES)
@pytest.mark.parametrize("to", [*STATES, "eaten", ""])
def test_only_the_ways_of_the_plan_are_open(world: World, start: str, to: str) -> None:
    request = _sent(world)
    for state in WAY_TO[start]:
        request = world.desk.step(request.number, revision_of(request), state, "words", "", "siti")
    again = start == "reopened" and to == "reopened"
    if to == start or to in WAYS[request.state] or again:
        assert world.desk.step(request.number, revision_of(request), to, "words", "", "siti").state == to
    else:
        with pytest.raises(Refused) as error:
            world.desk.step(request.number, revision_of(request), to, "words", "", "siti")
        assert _rules(error) == {("state", "way")}


def test_a_request_is_reopened_once(world: World) -> None:
    request = _sent(world)
    for state in ("answered", "reopened", "answered"):
        request = world.desk.step(request.number, revision_of(request), state, "words", "", "siti")
    workflow = world.desk.workflow(request)
    assert [way.target for way in ways(workflow, request, OFFICER)] == ["closed"]
    with pytest.raises(Refused):
        world.desk.step(request.number, revision_of(request), "reopened", "words", "", "siti")


@pytest.mark.parametrize("state", ["answered", "rejected"])
def test_an_answer_needs_words(world: World, state: str) -> None:
    request = _sent(world)
    with pytest.raises(Refused) as error:
        world.desk.step(request.number, 1, state, "  ", "", "siti")
    assert _rules(error) == {("text", "missing")}
    assert world.desk.request(request.number) == request


def test_no_such_request_is_a_problem(world: World) -> None:
    with pytest.raises(Problem, match="TOWN-2026-000009"):
        world.desk.step("TOWN-2026-000009", 1, "answered", "words", "", "siti")


def test_notes_are_kept_in_order_and_private(world: World) -> None:
    request = _sent(world)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: world.desk.note(request.number, f"note {i}", "siti"), range(8)))
    assert sorted(note.text for note in world.desk.private(request.number).notes) == [
        f"note {i}" for i in range(8)
    ]
    assert b"note 1" not in (world.broker.body(entity_id(request.number)) or b"")
    with pytest.raises(Refused):
        world.desk.note(request.number, " ", "siti")


def test_every_state_is_open_or_closed_for_open311() -> None:
    assert {state: open311_status(state) for state in STATES} == {
        state: "open" if state in OPEN else "closed" for state in STATES
    }


# villages


def test_the_village_of_a_point_is_its_address(world: World) -> None:
    for name, level, west in (("Sidodadi", "village", 117.04), ("Samarinda Ulu", "district", 117.0)):
        ring = [[west, -0.5], [117.1, -0.5], [117.1, -0.4], [west, -0.4], [west, -0.5]]
        world.broker.create(
            {
                "id": f"urn:ngsi-ld:AdministrativeArea:{level}",
                "type": "AdministrativeArea",
                "scope": ["/prov/town"],
                "name": {"type": "Property", "value": name},
                "level": {"type": "Property", "value": level},
                "location": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [ring]}},
            }
        )
    assert _sent(world).address == "Sidodadi, Samarinda Ulu"
    assert _sent(world, point=(117.01, -0.45)).address == "Samarinda Ulu"
    (village,) = VillageLists().of(world.broker, "/prov/town")
    assert village.name == "Sidodadi"
    assert 117.04 < village.point[0] < 117.1


# the contract


@pytest.fixture
def guarded(world: World) -> World:
    book = Book(world.places)
    broker = Broker(world.broker.stores, WithRequests(book, world.places, book.references), world.places)
    return World(Desk(broker, world.places, world.data), broker, world.places, world.data)


def test_what_the_desk_writes_follows_the_contract_through_all_states(guarded: World) -> None:
    request = _sent(guarded)
    for state in ("inProgress", "answered", "reopened", "rejected"):
        request = guarded.desk.step(request.number, revision_of(request), state, "words", "", "siti")
    assert request.state == "rejected"


@pytest.mark.parametrize(
    ("attribute", "value", "field", "rule"),
    [
        ("status", "eaten", "status", "enum"),
        ("serviceRequestId", "12", "serviceRequestId", "pattern"),
        ("description", "x" * 4001, "description", "maxLength"),
        ("requestedDatetime", "2999-01-01T00:00:00Z", "requestedDatetime", None),
        ("requestedDatetime", "yesterday", "requestedDatetime", "type"),
        ("location", {"type": "Point", "coordinates": [1.0, 1.0]}, "location", None),
        ("location", None, "location", "required"),
        ("serviceCode", None, "serviceCode", "required"),
    ],
)
def test_an_agencys_own_system_cannot_write_what_the_contract_forbids(
    guarded: World, attribute: str, value: Any, field: str, rule: str | None
) -> None:
    """The live NGSI-LD path passes the same contract as the form."""
    document = dict(guarded.broker.get(entity_id(_sent(guarded).number)) or {})
    document["id"] = "urn:ngsi-ld:ServiceRequest:TOWN-2026-000077"
    if value is None:
        del document[attribute]
    else:
        kind = "GeoProperty" if attribute == "location" else "Property"
        document[attribute] = {"type": kind, "value": value}
    with pytest.raises(Problem) as error:
        guarded.broker.create(document)
    reasons = [(reason["field"], reason["rule"]) for reason in error.value.reasons]
    assert field in {name for name, _ in reasons} or any(field in str(r) for r in error.value.reasons), (
        reasons
    )
    if rule:
        assert (field, rule) in reasons


def test_a_citys_own_contract_goes_before_ours(guarded: World) -> None:
    folder = guarded.places["town"].folder / "contracts"
    folder.mkdir()
    text = CONTRACT.read_text().replace("minLength: 3, maxLength: 4000", "minLength: 20, maxLength: 4000")
    (folder / "service-request.yaml").write_text(text)
    book = Book(guarded.places)
    broker = Broker(
        guarded.broker.stores, WithRequests(book, guarded.places, book.references), guarded.places
    )
    desk = Desk(broker, guarded.places, guarded.data)
    with pytest.raises(Problem) as error:
        desk.send(_draft(description="too short here"))
    assert [reason["field"] for reason in error.value.reasons] == ["description"]
    assert desk.send(_draft(place="bay", point=(117.45, 0.15), description="short")).new


# the clock


def test_what_is_due_stands_in_the_entity_until_it_is_done(world: World) -> None:
    request = _sent(world)
    assert request.due_stage == "verify"
    assert request.requested < request.due < request.expected
    late = world.desk.count(Wanted(late_at="2999-01-01T00:00:00Z", states=OPEN))
    assert late == 1
    request = world.desk.step(request.number, 1, "inProgress", "", "", "siti")
    assert request.due_stage == "respond"
    request = world.desk.step(request.number, 2, "waiting", "Di jalan apa?", "", "siti")
    assert (request.due, request.due_stage) == ("", ""), "the resident's turn: nothing is due"
    request = world.desk.step(request.number, 3, "inProgress", "", "", "siti")
    assert request.due_stage == "finish"
    request = world.desk.step(request.number, 4, "answered", "Selesai", "", "siti")
    assert (request.due, request.due_stage) == ("", "")
    document = world.broker.get(entity_id(request.number))
    assert document is not None
    assert "dueDatetime" not in document
    assert [mark.reached is not None for mark in world.desk.marks(request)] == [True, True, True]
