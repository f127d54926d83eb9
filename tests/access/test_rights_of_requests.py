"""Who reads what of a resident's request: each role × each closed attribute × each way out of any room.

One rule in ``rights.yaml`` is held by NGSI-LD, Open311, the pages of requests and of the queue, their files, feeds of
news, maps, exports, notifications and letters. Where one differs, its cell fails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from httpx import Response
from starlette.testclient import TestClient

from mahakam.access.policy import OFFICES, PEOPLE, SCOPES, Principal
from mahakam.access.secrets import signing_secret
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.app import Application, Node
from mahakam.cli.export import export
from mahakam.services import followers, outbox
from mahakam.services.desk import Desk, revision_of
from mahakam.services.handover import Handover, Part
from mahakam.services.owner import key_of
from mahakam.services.request import Draft
from mahakam.store.protocol import Transaction
from mahakam.web.letters import Letters
from mahakam.web.request_desk import public_requests
from support.portal import hidden
from support.routed import opened, routed_town

WORDS = "a hole beside the blue mosque"
STREET = "Jalan Mawar 12"
ANSWER = "the crew comes on Monday"
POINT = (117.0567, -0.4321)
OF = {"description": WORDS, "address": STREET, "timeline": ANSWER, "location": "117.0567"}
"""Attribute → what tells that it is shown."""
RIGHTS = """
read:
  internal: [officer, head, steward, supervisor, admin, city_officer, reader]
  personal: [steward, admin, "officer@works"]
types:
  ServiceRequest:
    {description: internal, statusNotes: internal, timeline: internal, address: personal, location: personal}
"""
# By hand, a second time.
INTERNAL = {"officer", "officer@works", "head", "steward", "supervisor", "admin", "city_officer", "reader"}
PERSONAL = {"officer@works", "steward", "admin"}
READERS = {"description": INTERNAL, "timeline": INTERNAL, "address": PERSONAL, "location": PERSONAL}
ROLES = ("", *PEOPLE, "officer@works", "officer@transport", *SCOPES, *OFFICES)
WORK = {"officer", "officer@works", "officer@transport", "head", "admin", "worker"}
INTERNAL.add("officer@transport")

WHOLE = """
types:
  ServiceRequest:
    "*": [steward, head, "officer@works", "account:one-admin"]
    description: [head, "officer@works"]
"""
WHOLE_READERS = {"steward", "head", "officer@works", "admin"}
WORDS_READERS = {"head", "officer@works"}
ALL = frozenset(OF)
N = "{number}"
ENTITY = "urn:ngsi-ld:ServiceRequest:{number}"


@dataclass(frozen=True)
class Way:
    """A way out: what it shows to somebody who may see all, and who may take it at all (None: everybody)."""

    path: str
    shows: frozenset[str] = ALL
    who: frozenset[str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def of(*names: str) -> frozenset[str]:
    return frozenset(names)


OPEN311 = "/open311"
QUEUE = frozenset(WORK)
WAYS = {
    "entity": Way(f"/ngsi-ld/v1/entities/{ENTITY}"),
    "entities": Way("/ngsi-ld/v1/entities?type=ServiceRequest"),
    "geojson of entities": Way(
        "/ngsi-ld/v1/entities?type=ServiceRequest", headers={"accept": "application/geo+json"}
    ),
    "evolution": Way(f"/ngsi-ld/v1/temporal/entities/{ENTITY}"),
    "Open311 list": Way(f"{OPEN311}/requests.json?jurisdiction_id=town&extensions=true"),
    "Open311 list in XML": Way(f"{OPEN311}/requests.xml?jurisdiction_id=town&extensions=true"),
    "Open311 by number": Way(
        f"{OPEN311}/requests.json?jurisdiction_id=town&service_request_id={N}&extensions=true"
    ),
    "Open311 one": Way(f"{OPEN311}/requests/{N}.json?jurisdiction_id=town&extensions=true"),
    "Open311 one in XML": Way(f"{OPEN311}/requests/{N}.xml?jurisdiction_id=town&extensions=true"),
    "Open311 updates": Way(f"{OPEN311}/servicerequestupdates.json?jurisdiction_id=town", of("timeline")),
    "page of requests": Way("/requests?city=town", of("address")),
    "requests as CSV": Way("/requests.csv?city=town", of("description", "address", "location")),
    "requests as JSON": Way("/requests.json?city=town", of("description", "address", "location")),
    "page of a request": Way(f"/requests/{N}", of("description", "timeline", "address", "location")),
    "news": Way("/requests.atom?city=town", of("description", "timeline", "address")),
    "news of one": Way(f"/requests/{N}.atom", of("timeline")),
    "data page": Way("/cities/town/data/ServiceRequest", of("description", "address")),
    "data as CSV": Way("/cities/town/data/ServiceRequest.csv", of("description", "address", "timeline")),
    "data as GeoJSON": Way("/cities/town/data/ServiceRequest.geojson"),
    "page of the entity": Way(f"/trace/entity/{ENTITY}", ALL),
    "popup of the map": Way(f"/trace/popup?id={ENTITY}", of("description")),
    "layer of the map": Way("/cities/town/layers/0.geojson", of("location")),
    "queue": Way("/queue?city=town", of("description", "address"), QUEUE),
    "queue as CSV": Way("/queue.csv?city=town", of("description", "address", "location"), QUEUE),
    "queue as JSON": Way("/queue.json?city=town", of("description", "address", "location"), QUEUE),
    "page of work": Way(f"/queue/{N}", of("description", "timeline", "address", "location"), QUEUE),
    "one of the queue as JSON": Way(f"/queue/{N}.json", of("description", "location"), QUEUE),
    "list for the crew": Way(f"/queue/crew?pick={N}", of("description", "address", "location"), QUEUE),
    "jobs of the crew": Way(f"/field.json?pick={N}", of("description", "address", "location"), QUEUE),
}


class City:
    def __init__(self, node: Node, client: TestClient, number: str) -> None:
        self.node, self.client, self.number = node, client, number

    def headers(self, role: str, place: str = "town") -> dict[str, str]:
        if not role:
            return {"accept-language": "en"}
        name, _, agency = role.partition("@")
        agencies = (f"town/{agency}",) if agency else ()
        store = self.node.store.tenant()
        who = Principal(f"one-{name}", (name,), (place,), agencies=agencies)
        return {"accept-language": "en", "cookie": f"{cookie_name(store)}={begin_demo_session(store, who)}"}

    def get(self, role: str, way: Way) -> tuple[int, str]:
        path = way.path.format(number=self.number)
        answer = self.client.get(
            path,
            headers=self.headers(role) | way.headers,
            follow_redirects=False,
        )
        return answer.status_code, answer.text


def served(root: Path, rights: str) -> Iterator[City]:
    places = routed_town(root / "places")
    (places / "rights.yaml").write_text(rights)
    town = places / "prov" / "town" / "city.yaml"
    town.write_text(town.read_text() + "layers: [{type: ServiceRequest, name: Reports, style: point}]\n")
    node, desk, _hands = opened(root / "data", places)
    # In working hours and in the north: with public works, of which there are officers.
    at = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=1)
    number = desk.send(Draft("town", "pothole", WORDS, POINT, address=STREET), at).number
    found = desk.request(number)
    assert found is not None
    desk.step(number, revision_of(found), "inProgress", ANSWER, "", "a test")
    with TestClient(Application(node), base_url="http://localhost") as client:
        yield City(node, client, number)
    node.close()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    yield from served(tmp_path_factory.mktemp("requests"), RIGHTS)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The type as a whole has readers of its own, and one of its attributes others."""
    yield from served(tmp_path_factory.mktemp("closed"), WHOLE)


def shown(text: str) -> set[str]:
    return {name for name, marker in OF.items() if marker in text}


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("role", ROLES)
def test_every_way_shows_what_the_role_reads_and_nothing_else(city: City, role: str, name: str) -> None:
    way = WAYS[name]
    status, text = city.get(role, way)
    if way.who is not None and role not in way.who:
        assert status in (303, 401, 403)
        assert not shown(text)
        return
    assert status == 200, text
    assert shown(text) == {one for one in way.shows if role in READERS[one]}


QUESTIONS = {
    "what it says": f'/ngsi-ld/v1/entities?type=ServiceRequest&q=description=="{WORDS}"',
    "where it is": "/ngsi-ld/v1/entities?type=ServiceRequest&georel=near;maxDistance==100&geometry=Point"
    "&coordinates=[117.0567,-0.4321]",
    "news around": "/requests.atom?lat=-0.4321&lon=117.0567&metres=100",
    "data page": f'/cities/town/data/ServiceRequest.json?q=description=="{WORDS}"',
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_what_is_hidden_finds_nothing(city: City, name: str) -> None:
    assert city.number in city.get("admin", Way(QUESTIONS[name]))[1]
    assert city.number not in city.get("", Way(QUESTIONS[name]))[1]


def test_whoever_sent_it_sees_all_of_it(city: City) -> None:
    key = key_of(city.node.store.tenant(), city.number)
    page = city.client.get(f"/requests/{city.number}?key={key}", headers={"accept-language": "en"})
    assert shown(page.text) == ALL
    assert shown(city.client.get(f"/requests/{city.number}?key=no-such-key").text) == set()


def test_an_export_shows_what_a_stranger_sees(city: City, tmp_path: Path) -> None:
    settings = city.node.settings
    options = ["--data", str(settings.data), "--config", str(settings.config[0])]
    made = CliRunner().invoke(export, ["ServiceRequest", "--format", "json", *options])
    assert city.number in made.output
    assert shown(made.output) == set()
    whole = CliRunner().invoke(export, ["ServiceRequest", "--format", "json", "--with-personal", *options])
    assert shown(whole.output) == ALL


def test_letters_to_followers_say_what_everybody_reads_and_the_owner_is_told_all(city: City) -> None:
    store, node = city.node.store.tenant(), city.node
    desk = Desk(node.broker, node.places, node.settings.data)

    def follow(transaction: Transaction) -> None:
        secret = signing_secret(store)
        followers.put(transaction, secret, city.number, "owner@example.id", "en", owner=True)
        followers.put(transaction, secret, city.number, "neighbour@example.id", "en", owner=False)

    store.write(follow)
    Letters(store, desk, node.places, "http://localhost", public_requests(node)).write_news()
    said = {one["to"]: one["text"] for one in store.records(outbox.KIND).values()}
    assert ANSWER in said["owner@example.id"]
    assert "neighbour@example.id" not in said or ANSWER not in said["neighbour@example.id"]


def test_what_is_worked_on_unseen_is_kept(city: City) -> None:
    """Who changes a request without reading all of it loses nothing of it, and its parts have what it had."""
    node = city.node
    store = node.store.tenant()
    before = Desk(node.broker, node.places, node.settings.data).whole(city.number)
    assert before is not None
    sight = node.rights.sight(Principal("one", ("worker",), ("town",)))
    desk = Desk(node.broker, node.places, node.settings.data, sight)
    hands = Handover(desk, node.broker, node.places)
    _first, parts = hands.split(
        city.number, revision_of(before), [Part("pothole", "")], "Two holes", "an application"
    )
    part = desk.whole(parts[0])
    assert part is not None
    assert (part.description, part.address, part.point) == (WORDS, before.address, POINT)
    again = desk.whole(city.number)
    assert again is not None
    assert [step.text for step in again.steps[:-1]] == [step.text for step in before.steps]
    assert store is node.store.tenant()


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("role", ROLES)
def test_a_closed_type_is_not_there_on_any_way(closed: City, role: str, name: str) -> None:
    way = WAYS[name]
    status, text = closed.get(role, way)
    if role not in WHOLE_READERS or (way.who is not None and role not in way.who):
        assert not shown(text)
        if closed.number not in way.path.format(number=closed.number):
            assert closed.number not in text
        else:
            assert status in (200, 303, 401, 403, 404)
        return
    assert status == 200, text
    readable = ALL - (set() if role in WORDS_READERS else {"description"})
    if name == "popup of the map":  # it shows the first few attributes that there are
        assert shown(text) <= readable
    else:
        assert shown(text) == way.shows & readable


def test_types_and_counts_do_not_tell_of_it(closed: City) -> None:
    types = Way("/ngsi-ld/v1/types")
    assert "ServiceRequest" not in closed.get("", types)[1]
    assert "ServiceRequest" in closed.get("steward", types)[1]
    assert "statusNotes" not in closed.get("", Way("/ngsi-ld/v1/attributes"))[1]
    assert "statusNotes" in closed.get("steward", Way("/ngsi-ld/v1/attributes"))[1]
    counted = Way("/ngsi-ld/v1/entities?count=true&limit=0&type=ServiceRequest")
    path = counted.path
    for role, count in (("", "0"), ("steward", "1")):
        answer = closed.client.get(path, headers=closed.headers(role))
        assert answer.headers["ngsild-results-count"] == count


@pytest.mark.parametrize("role", ROLES)
def test_the_page_of_rights_says_what_is_held(closed: City, role: str) -> None:
    rows = closed.client.get("/rights.json?type=ServiceRequest", headers=closed.headers(role, "*")).json()
    you = {row["attribute"]: row["you"] for row in rows if row["place"] == "everywhere"}
    # An agency is that of a place: its people read it there, and not everywhere.
    assert you["*"] == ("yes" if role in WHOLE_READERS - {"officer@works"} else "no")
    assert you["description"] == ("yes" if role == "head" else "no")
    read = {row["attribute"]: row["read"] for row in rows if row["place"] == "everywhere"}
    assert read["description"] == "Head of an agency, Agency officer at works"


def test_nobody_is_notified_of_it(closed: City) -> None:
    subscription = {
        "type": "Subscription",
        "entities": [{"type": "ServiceRequest"}, {"type": "Tree"}],
        "notification": {"endpoint": {"uri": "http://93.184.215.14/never"}},
    }
    store = closed.node.store.tenant()
    made = closed.client.post(
        "/ngsi-ld/v1/subscriptions", json=subscription, headers=closed.headers("admin", "*")
    )
    assert made.status_code == 201, made.text
    id = made.headers["location"].rpartition("/")[2]
    desk = Desk(closed.node.broker, closed.node.places, closed.node.settings.data)
    found = desk.request(closed.number)
    assert found is not None
    desk.step(closed.number, revision_of(found), found.state, "More words", "", "a test")
    assert not store.owed(id)
    closed.node.broker.create(
        {"id": "urn:ngsi-ld:Tree:1", "type": "Tree", "height": {"type": "Property", "value": 3}}
    )
    assert len(store.owed(id)) == 1


UNREAD = "types:\n  ServiceRequest: {timeline: [head, admin], statusNotes: [head, admin]}\n"


def test_whoever_may_not_read_the_course_goes_on_with_it(tmp_path: Path) -> None:
    with contextmanager(served)(tmp_path, UNREAD) as city:
        desk = Desk(city.node.broker, city.node.places, city.node.settings.data)
        before = desk.whole(city.number)
        assert before is not None
        officer = city.headers("officer@works")
        page = city.client.get(f"/queue/{city.number}", headers=officer)
        assert page.status_code == 200
        assert ANSWER not in page.text
        fields = hidden(page.text) | {"state": "waiting", "text": "Which side of the road?"}

        def answer() -> Response:
            return city.client.post(
                f"/queue/{city.number}",
                data=fields,
                headers=officer | {"origin": "http://localhost"},
                follow_redirects=False,
            )

        assert answer().status_code == 303
        after = desk.whole(city.number)
        assert after is not None
        assert after.state == "waiting"
        assert after.steps[:-1] == before.steps
        again = answer()
        assert again.status_code == 409, "a form that missed a step is told so, as everybody's is"
        assert ANSWER not in again.text
