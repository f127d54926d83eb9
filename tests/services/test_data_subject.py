"""A person's right to their data: all of it is found by mail address or telephone, copied, forgotten, and no more."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mahakam.access.audit import verify
from mahakam.access.known_as import known_as
from mahakam.app import Node, open_node
from mahakam.cli import cli
from mahakam.config import Settings
from mahakam.services import data_subject, followers, private
from mahakam.services.desk import Desk, revision_of
from mahakam.services.document_acts import send
from mahakam.services.dossier import documents_of
from mahakam.services.needs import service_of
from mahakam.services.personal import matter_of
from mahakam.services.photo import keep_photo
from mahakam.services.request import Draft
from mahakam.services.retention import Retention
from support.papers import pdf
from support.portal import TOWN, two_cities

STALL = "name: Stall\npersonal: true\nworkflow: application\ndocuments: {identity: {name: Identity card}}\n"
ANI = "Ani@Example.id"


class Town:
    """Ani sent a hole in the road (settled), a stall (open) and another stall (settled), and follows Budi's hole."""

    def __init__(self, root: Path, store: str) -> None:
        self.data = root / "data"
        places = two_cities(root / "places")
        (places / "prov/town/services/stall.yaml").write_text(STALL)
        self.node = Node(Settings(data=self.data, config=(places,), store=store))
        self.desk = Desk(self.node.broker, self.node.places, self.data)
        self.runs = Retention(self.desk, self.desk.store, self.node.places, self.data)
        self.hole = self.send("pothole", "Deep hole")
        self.open = self.send("stall", "For my stall")
        self.stall = self.send("stall", "My second stall, in Jalan Mawar", photo=True)
        self.other = self.send("pothole", "Budi's hole", "budi@example.id", "0811 2222 3333")
        followers.add(self.desk.store, self.other, "ani@example.id", "id")
        followers.add(self.desk.store, self.hole, "wati@example.id", "id")
        for number in (self.open, self.stall):
            found = self.desk.request(number)
            assert found
            service = service_of(self.node.places, found)
            assert service
            send(self.desk, self.data, (found, revision_of(found)), service.documents, {"identity": pdf()})
        for number in (self.hole, self.stall):
            self.settle(number)

    def send(
        self, service: str, words: str, mail: str = ANI, phone: str = "0812-3456-7890", *, photo: bool = False
    ) -> str:
        picture = BytesIO()
        Image.new("RGB", (90, 60), "teal").save(picture, "JPEG")
        photos = (keep_photo(self.data, picture.getvalue()).name,) if photo else ()
        draft = Draft("town", service, words, TOWN, contact=mail, person={"phone": phone}, photos=photos)
        return self.desk.send(draft).number

    def settle(self, number: str) -> None:
        found = self.desk.request(number)
        assert found
        self.desk.step(number, revision_of(found), "rejected", "Thank you", "", "siti")

    def files(self) -> int:
        return sum(
            path.is_file() for room in ("documents", "photos") for path in (self.data / room).rglob("*")
        )


@pytest.fixture
def town(tmp_path: Path, store_url: str) -> Iterator[Town]:
    made = Town(tmp_path, store_url)
    yield made
    made.node.close()


@pytest.mark.parametrize("who", ["ani@example.id", "+62 812 3456 7890", "(0812) 3456.7890"])
def test_all_that_is_held_of_a_person_is_found(town: Town, who: str) -> None:
    held = data_subject.find(town.desk.store, who)
    assert set(held.sent) == {town.hole, town.open, town.stall}
    assert held.followed == ((town.other,) if "@" in who else ())
    assert data_subject.find(town.desk.store, "nobody@example.id") == data_subject.Held((), ())


def test_the_copy_has_what_they_gave_and_nothing_of_others(town: Town, tmp_path: Path) -> None:
    private.add_note(town.desk.store, town.hole, "siti", "Calls every day")
    file = tmp_path / "ani.zip"
    data_subject.export(town.runs, ANI, file)
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as copy:
        text = copy.read("person.json").decode()
        said = json.loads(text)
        names = copy.namelist()
        assert copy.read(f"{town.stall}/identity.pdf") == pdf()
    requests = {one["number"]: one for one in said["requests"]}
    assert set(requests) == {town.hole, town.open, town.stall}
    assert requests[town.hole]["words"] == "Deep hole"
    assert requests[town.stall]["private"]["words"] == "My second stall, in Jalan Mawar"
    assert requests[town.hole]["person"] == {"phone": "0812-3456-7890"}
    assert said["followed"] == [town.other]
    assert any(name.startswith(town.stall) and name.endswith(".jpg") for name in names)
    for hidden in ("budi@", "wati@", "Calls every day", "Budi's hole"):
        assert hidden not in text
    with pytest.raises(FileExistsError):
        data_subject.export(town.runs, ANI, file)


def test_who_is_forgotten_is_held_nowhere_but_where_an_open_request_needs_them(town: Town) -> None:
    assert town.files() == 3
    done = data_subject.forget(town.runs, ANI)
    assert set(done.sent) == {town.hole, town.stall}
    assert (done.left, done.followed, done.public) == ((town.open,), (town.other,), (town.hole,))
    assert data_subject.find(town.desk.store, ANI) == data_subject.Held((town.open,), ())
    assert matter_of(town.desk.store, town.stall) is None
    assert matter_of(town.desk.store, town.open) is not None
    assert documents_of(town.desk.store, town.stall) == {}
    assert town.files() == 1, "the document of the open request"
    for number in (town.hole, town.stall):
        found = town.desk.request(number)
        assert found
        assert "forgotten" in [step.act for step in found.steps]
    assert data_subject.find(town.desk.store, "budi@example.id").sent == (town.other,), (
        "others are left alone"
    )
    town.settle(town.open)
    again = data_subject.forget(town.runs, ANI)
    assert (again.sent, again.left) == ((town.open,), ())
    assert data_subject.find(town.desk.store, ANI) == data_subject.Held((), ())
    assert town.files() == 0


@pytest.mark.parametrize("who", ["", "ani", "@", "12345", "0812 ani 34567890", "a@"])
def test_what_names_nobody_is_refused(who: str) -> None:
    with pytest.raises(ValueError, match="neither an e-mail address nor a telephone number"):
        known_as(who)


@given(st.text(st.sampled_from("0123456789 -.()"), min_size=12))
def test_a_number_is_the_same_however_it_is_written(text: str) -> None:
    digits = "".join(c for c in text if c.isdigit())
    if len(digits) >= 8:
        assert known_as(text) == known_as(digits)
        assert known_as(f"+62 {digits.lstrip('0')}1234567") == known_as(f"0{digits.lstrip('0')}1234567")


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["person", *words], standalone_mode=False)
    return (done.return_value if done.exception is None else 2), done.output + str(done.exception or "")


def test_find_export_forget(tmp_path: Path) -> None:
    town = Town(tmp_path, "")
    town.node.close()
    places = ("--data", str(town.data), "--config", str(tmp_path / "places"))
    code, text = said("find", ANI, *places)
    assert (code, text.count("sent"), text.count("follows")) == (0, 3, 1)
    zipped = tmp_path / "ani.zip"
    assert said("export", ANI, "--to", str(zipped), *places)[0] == 0
    code, text = said("export", ANI, "--to", str(zipped), *places)
    assert code == 2
    assert "is there already" in text
    code, text = said("forget", ANI, *places)
    assert code == 1
    assert f"{town.open}  is still open" in text
    assert f"{town.hole}  its words are public" in text
    code, text = said("find", "nobody@example.id", *places)
    assert (code, "nothing is held" in text) == (1, True)
    code, text = said("find", "somebody", *places)
    assert code == 2
    assert "neither an e-mail address nor a telephone number" in text


def test_whoever_looks_for_a_person_is_in_the_audit_trail_and_the_person_is_not(tmp_path: Path) -> None:
    town = Town(tmp_path, "")
    town.node.close()
    places = ("--data", str(town.data), "--config", str(tmp_path / "places"))
    said("find", ANI, *places)
    said("export", ANI, "--to", str(tmp_path / "ani.zip"), *places)
    said("find", "nobody@example.id", *places)
    said("forget", ANI, *places)
    node = open_node(Settings(town.data, (tmp_path / "places",)))
    store = node.store.tenant()
    for action in ("read.person", "export.person"):
        (entry,) = store.audit_entries(action=action)
        assert len(json.loads(entry.detail)["objects"]) == 4
    forgotten = [one for one in store.audit_chain() if "request-private." in one.action + one.detail]
    assert len(forgotten) > 2, "what the requests kept of her, and that it went"
    assert ANI.casefold() not in str(list(store.audit_chain())).casefold()
    assert verify(store.audit_chain()).faults == []
    node.close()
