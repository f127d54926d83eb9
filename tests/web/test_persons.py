"""The page for a person's rights: who may open it, where they find what, and what each act does."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mahakam.access.accounts import add_account
from mahakam.access.known_as import known_as
from mahakam.access.policy import Principal
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.operations.erasing import ACTION
from mahakam.services import consent, data_subject, followers, outbox, private
from mahakam.services.desk import Desk, revision_of
from mahakam.services.photo import keep_photo, photo_file
from mahakam.services.request import Draft
from mahakam.store.model import Held
from support.people_table import with_people
from support.portal import BAY, TOWN, Browser, Portal, hidden, two_cities, words_of

ANI, PHONE = "Ani@Example.id", "0812-3456-7890"


class City:
    """Ani sent a hole in the town (settled, with a photo) and one in the bay; Budi one in the town that she follows."""

    def __init__(self, root: Path, store: str, rights: str = "") -> None:
        places = two_cities(root / "places")
        if rights:
            (places / "rights.yaml").write_text(rights)
        self.portal = Portal(
            root / "data", places, store=store, smtp="smtp://127.0.0.1:9", mail_from="a@b.id", demo=True
        )
        node = self.portal.node
        self.data, self.store = root / "data", node.store.tenant()
        self.desk = Desk(node.broker, node.places, self.data)
        picture = BytesIO()
        Image.new("RGB", (90, 60), "teal").save(picture, "JPEG")
        self.photo = keep_photo(self.data, picture.getvalue()).name
        self.hole = self.send("town", ANI, photos=(self.photo,))
        self.bay = self.send("bay", ANI)
        self.other = self.send("town", "budi@example.id")
        followers.add(self.store, self.other, "ani@example.id", "id")
        found = self.desk.request(self.hole)
        assert found
        self.desk.step(self.hole, revision_of(found), "rejected", "Thank you", "", "siti")

    def send(self, place: str, mail: str, photos: tuple[str, ...] = ()) -> str:
        person = {"first_name": "Any", "phone": PHONE if mail == ANI else "0811 2222 3333"}
        point = TOWN if place == "town" else BAY
        draft = Draft(
            place, "pothole", "Deep hole", point, photos, contact=mail, person=person, language="id"
        )
        return self.desk.send(draft).number

    def browser(self, role: str, place: str = "town") -> Browser:
        browser = self.portal.browser()
        principal = Principal(f"demo {role}", (role,), (place,))
        browser.cookies.set(cookie_name(self.store), begin_demo_session(self.store, principal))
        return browser


@pytest.fixture
def city(tmp_path: Path, store_url: str) -> Iterator[City]:
    made = City(tmp_path, store_url)
    yield made
    made.portal.node.close()


def act(browser: Browser, do: str, who: str = ANI, **more: str) -> tuple[int, str]:
    answer = browser.fill("/persons?lang=en", {"do": do, "who": who} | more)
    return answer.status_code, words_of(answer.text)


@pytest.mark.parametrize("role", ["resident", "officer", "head", "supervisor", "steward", "admin"])
def test_who_may_open_it(city: City, role: str) -> None:
    expected = 200 if role in ("steward", "admin") else 403
    assert city.browser(role).get("/persons").status_code == expected
    token = hidden(city.browser("admin", "*").get("/persons").text)["form"]
    asked = city.browser(role).post("/persons", {"form": token, "do": "find", "who": ANI})
    assert (city.hole in asked.text) is False
    stranger = city.portal.browser().get("/persons")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/signin?next=%2Fpersons")


def test_one_finds_what_lies_in_ones_places(city: City) -> None:
    _, page = act(city.browser("steward"), "find")
    assert city.hole in page
    assert city.other in page
    assert city.bay not in page
    _, page = act(city.browser("steward", "prov"), "find")
    assert city.bay in page
    _, page = act(city.browser("admin", "*"), "find", "+62 (812) 3456 7890")
    assert city.bay in page
    assert city.other not in page
    assert act(city.browser("steward"), "find", "nobody@example.id")[1].count("Nothing is held") == 1
    assert act(city.browser("steward"), "find", "somebody")[0] == 422
    assert city.browser("steward").get("/persons").headers["cache-control"] == "no-store"


def test_nothing_is_done_before_somebody_made_sure_who_asks(city: City, tmp_path: Path) -> None:
    for do in ("export", "correct", "forget"):
        code, page = act(city.browser("steward"), do, to="new@example.id")
        assert code == 422
        assert "make sure that who asks is who they say" in page
    assert private.read(city.store, city.hole).contact == ANI


def test_the_copy_is_of_ones_places(city: City) -> None:
    browser = city.browser("steward")
    answer = browser.fill("/persons", {"do": "export", "who": ANI, "sure": "1"})
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(BytesIO(answer.content)) as copy:
        said = json.loads(copy.read("person.json"))
    assert [one["number"] for one in said["requests"]] == [city.hole]
    (entry,) = city.store.audit_entries(action="export.person")
    assert entry.principal == "demo steward"
    assert "example.id" not in entry.detail.casefold()


def test_an_address_is_put_right_wherever_it_is(city: City) -> None:
    right = "Ani.Wijaya@example.id"
    before = followers.of(city.store, city.hole)[0].token
    with_letter = outbox.Letter(ANI, "News", f"About {city.hole}: {before}", "id")
    city.store.write(lambda transaction: outbox.owe(transaction, with_letter))
    code, page = act(city.browser("steward"), "correct", sure="1", to=right, last_name="Wijaya")
    assert (code, "Put right in 2 requests" in page) == (200, True)
    assert city.hole in page
    kept = private.read(city.store, city.hole)
    assert (kept.contact, dict(kept.person)) == (
        right,
        {"first_name": "Any", "phone": PHONE, "last_name": "Wijaya"},
    )
    (own,) = followers.of(city.store, city.hole)
    assert (own.email, own.owner, own.confirmed) == (right, True, True)
    assert own.token != before, "links of the old address end"
    assert {one.email for one in followers.of(city.store, city.other)} == {"budi@example.id", right}
    assert not any(letter["to"] == ANI for letter in city.store.records(outbox.KIND).values())
    told = [one for one in city.store.records(outbox.KIND).values() if one["subject"] == "News"]
    assert told[0]["text"].endswith(own.token)
    assert data_subject.consents(city.store, right, city.hole)
    hashes = {one.who for one in consent.given(city.store, city.hole)}
    assert hashes == {consent.hash_of(city.store, known_as(right))}
    assert data_subject.find(city.store, ANI).sent == (city.bay,), (
        "of another city: its steward's to put right"
    )
    private_other = private.read(city.store, city.other)
    assert dict(private_other.person) == {"first_name": "Any", "phone": "0811 2222 3333"}
    (entry,) = [one for one in city.store.audit_entries(action="correct.person") if city.hole in one.object]
    assert "example.id" not in (entry.detail + entry.object).casefold()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("", "Write what is right"),
        ("0812 9999 8888", "An e-mail address is put right by an address"),
        ("ani@example", "Write an e-mail address"),
        ("a b@example.id", "Write an e-mail address"),
    ],
)
def test_what_cannot_take_its_place_is_refused(city: City, to: str, said: str) -> None:
    code, page = act(city.browser("steward"), "correct", sure="1", to=to)
    assert code == 422
    assert said in page
    assert private.read(city.store, city.hole).contact == ANI


def test_forgetting_takes_the_photos_too_and_says_what_is_left(city: City) -> None:
    open_one = city.send("town", ANI)
    code, page = act(city.browser("steward"), "forget", sure="1")
    assert code == 200
    assert "Reports that they sent: 1; that they followed: 1." in page
    assert f"settle them, then forget again: {open_one}" in page
    assert f"read whether they name anybody: {city.hole}" in page
    assert photo_file(city.data, city.photo) is None
    found = city.desk.request(city.hole)
    assert found
    assert found.photos == ()
    assert private.read(city.store, city.hole).contact == ""
    assert private.read(city.store, city.bay).contact == ANI


def test_whoever_may_not_write_requests_forgets_all_the_same(tmp_path: Path, store_url: str) -> None:
    city = City(tmp_path, store_url, "write:\n  ServiceRequest: [public, officer, head, admin]\n")
    assert act(city.browser("steward"), "forget", sure="1")[0] == 200
    assert private.read(city.store, city.hole).contact == ""
    assert data_subject.find(city.store, ANI).sent == (city.bay,)
    city.portal.node.close()


def test_whoever_may_not_write_a_type_erases_a_person_from_it_and_nothing_else(
    tmp_path: Path, store_url: str
) -> None:
    city = City(tmp_path, store_url, "write:\n  Stall: {create: [admin], change: [admin], delete: [admin]}\n")
    with_people(tmp_path / "places/prov/town")
    (tmp_path / "places/prov/town/data/stall.csv").write_text("code;phone;nik;seats\nA;0813 5555 0101;;3\n")
    assert run_feed(Parts.of(city.portal.node), "town", "stall").state == "clean"
    _, page = act(city.browser("steward"), "forget", "0813 5555 0101", tables="1", sure="1")
    assert "entities: 1" in page
    left = city.portal.node.broker.get("urn:ngsi-ld:Stall:town:A")
    assert left is not None
    assert ("phone" in left, left["seats"]["value"]) == (False, 3)
    assert {one.principal for one in city.store.audit_entries(action=ACTION)} == {"demo steward"}
    _, page = act(city.browser("steward"), "find", "+62 813 5555 0101")
    assert "Left empty since they were erased" in page
    assert "town/stall" in page
    assert "Nothing is held" not in page
    _, page = act(city.browser("steward", "bay"), "find", "+62 813 5555 0101")
    assert "Nothing is held" in page, "whoever answers in another place learns nothing of it"
    act(city.browser("steward", "bay"), "admit", "0813 5555 0101", sure="1")
    assert "town/stall" in act(city.browser("steward"), "find", "0813 5555 0101")[1]
    assert "Nothing was done yet" in act(city.browser("steward"), "admit", "0813 5555 0101")[1]
    _, page = act(city.browser("steward"), "admit", "0813 5555 0101", sure="1")
    assert "New files bring them as anybody." in page
    assert "town/stall" not in page
    city.portal.node.close()


def test_the_page_is_found_by_those_who_may(city: City) -> None:
    add_account(city.store, "wati", "four words make one", ["steward"], ["town"])
    browser = city.portal.browser()
    signed_in = browser.fill("/signin", {"name": "wati", "password": "four words make one"})
    assert signed_in.status_code == 303
    assert 'href="/persons"' in browser.get("/signin").text
    assert 'href="/persons"' not in city.browser("officer").get("/signin").text


def test_held_rows_of_agencies_are_named(tmp_path: Path, store_url: str) -> None:
    """Nobody is told that nothing is held of whom a held row names."""
    city = City(tmp_path, store_url)
    reasons = [
        {"rule": "required", "field": "name", "severity": "error", "value": None, "expected": "a value"}
    ]
    raw: dict[str, str | None] = {"phone": "+62 813 5555 0101", "name": None}
    (tmp_path / "places/prov/town/feeds").mkdir(exist_ok=True)
    (tmp_path / "places/prov/town/feeds/stops.yaml").write_text("title: Stops\n")
    held = Held("town", "stops", 1, "stops.csv", "", 1, 2, raw, reasons)
    city.store.write(lambda transaction: transaction.hold([held]))
    _, page = act(city.browser("steward"), "find", "0813 5555 0101")
    assert "Nothing is held" not in page
    assert "town/stops 1" in page
    assert "A held row." in page
    _, page = act(city.browser("steward", "bay"), "find", "0813 5555 0101")
    assert "Nothing is held" in page
    act(city.browser("steward", "bay"), "forget", "0813 5555 0101", tables="1", sure="1")
    kept = city.store.held_row(1)
    assert kept
    assert kept.raw["phone"] == "+62 813 5555 0101", "the bay's steward has no part in the town"
    _, page = act(city.browser("steward"), "forget", "0813 5555 0101", tables="1", sure="1")
    assert "Erased in tables: held rows: 1; entities: 0" in page
    assert "A held row." not in page
    kept = city.store.held_row(1)
    assert kept
    assert kept.raw == {"phone": "", "name": None}
    city.portal.node.close()
