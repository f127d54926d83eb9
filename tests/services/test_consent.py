"""Consent: kept with its words, shown in the person's copy, taken back by page and command, and obeyed."""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from mahakam.cli import cli
from mahakam.services import consent, data_subject, followers, outbox, private, push, satisfaction
from mahakam.services.consent import Withdrawn
from mahakam.services.desk import Desk, revision_of
from mahakam.services.owner import key_of
from mahakam.services.photo import keep_photo, photo_file
from mahakam.services.purposes import purposes_of
from mahakam.services.request import Draft
from mahakam.services.retention import Retention
from mahakam.web.letters import Letters
from support.portal import TOWN, Portal, two_cities

ANI = "Ani@Example.id"
RIGHTS = "write:\n  ServiceRequest: {create: [public, officer], change: [officer], delete: [admin]}\n"
STALL = "name: Stall\npersonal: true\n"
RATING = {element.code: 4 for element in satisfaction.survey().elements}


class Town:
    def __init__(self, root: Path, store: str, own: str = "", rights: str = "") -> None:
        places = two_cities(root / "places")
        if rights:
            (places / "rights.yaml").write_text(rights)
        (places / "prov/town/services/stall.yaml").write_text(STALL)
        if own:
            (places / "prov/consent.yaml").write_text(own)
        self.portal = Portal(
            root / "data", places, store=store, smtp="smtp://127.0.0.1:9", mail_from="a@b.id"
        )
        self.node = self.portal.node
        self.data, self.store = root / "data", self.node.store.tenant()
        self.desk = Desk(self.node.broker, self.node.places, self.data)
        self.runs = Retention(self.desk, self.store, self.node.places, self.data)

    def send(self, service: str = "pothole", *, mail: str = ANI, photos: int = 1) -> str:
        names = []
        for number in range(photos):
            picture = BytesIO()
            Image.new("RGB", (90 + number, 60), "teal").save(picture, "JPEG")
            names.append(keep_photo(self.data, picture.getvalue()).name)
        draft = Draft("town", service, "Deep hole", TOWN, tuple(names), contact=mail, language="id")
        return self.desk.send(draft).number

    def settle(self, number: str) -> Any:
        found = self.desk.request(number)
        assert found
        self.desk.step(number, revision_of(found), "rejected", "Thank you", "", "siti")
        return self.desk.request(number)

    def held(self, number: str) -> dict[str, bool]:
        """Purpose → whether the consent of whoever sent it holds."""
        return {one.purpose: one.holds for one in consent.given(self.store, number) if not one.of}

    def take_back(self, number: str, purpose: str) -> Any:
        asker = self.portal.browser()
        page = f"/requests/{number}/consent?key={key_of(self.store, number)}"
        token = re.search(r'name="form" value="([^"]+)"', asker.get(page).text)
        fields = {
            "form": token.group(1) if token else "",
            "key": key_of(self.store, number),
            "purpose": purpose,
        }
        return asker.post(f"/requests/{number}/consent", fields)

    def command(self, *words: str) -> Any:
        config = str(self.node.settings.config[0])
        return CliRunner(env={"MAHAKAM_STORE": self.node.settings.store}).invoke(
            cli, ["person", *words, "--data", str(self.data), "--config", config], standalone_mode=False
        )


@pytest.fixture
def town(tmp_path: Path, store_url: str) -> Iterator[Town]:
    made = Town(tmp_path, store_url)
    with made.portal:
        yield made


def test_what_is_given_is_kept_with_the_words_that_were_shown(town: Town) -> None:
    number = town.send()
    found = {one.purpose: one for one in consent.given(town.store, number)}
    assert set(found) == {"contact", "updates", "photos"}
    for code, one in found.items():
        known = purposes_of(None, {})[code]
        assert (one.basis, one.version, one.text) == ("consent", known.version, known.text["id"])
        assert (one.language, one.how, one.withdrawn) == ("id", "form", "")
        assert one.at.endswith("Z")
    assert "ani" not in json.dumps(town.store.record(consent.KIND, number)).casefold(), "names nobody"
    assert consent.given(town.store, town.send(mail="", photos=0)) == []


def test_the_form_shows_the_words_that_are_kept(town: Town) -> None:
    asker = town.portal.browser()
    shown = html.unescape(asker.get("/report?city=town&lang=en").text)
    for code in ("contact", "updates", "photos"):
        assert purposes_of(None, {})[code].text["en"] in shown


def test_the_copy_of_a_person_has_their_consents_also_those_taken_back(town: Town, tmp_path: Path) -> None:
    number, other = town.send(), town.send(mail="budi@example.id")
    assert town.take_back(number, "contact").status_code == 303
    file = tmp_path / "ani.zip"
    data_subject.export(town.runs, ANI, file)
    with zipfile.ZipFile(file) as copy:
        said = json.loads(copy.read("person.json"))
    (one,) = said["requests"]
    assert one["number"] == number != other
    assert one["contact"] == ""
    found = {each["purpose"]: each for each in one["consents"]}
    assert found["contact"]["withdrawn"]
    assert found["contact"]["withdrawn_how"] == "page"
    assert found["photos"]["withdrawn"] == ""
    assert found["photos"]["text"]


def test_the_address_goes_with_the_consent_and_is_not_taken_again(town: Town) -> None:
    number = town.send()
    town.store.write(lambda t: outbox.owe(t, outbox.Letter(ANI, "News", f"About {number}", "id")))
    town.store.write(lambda t: outbox.owe(t, outbox.Letter("b@c.id", "News", f"About {number}", "id")))
    assert town.take_back(number, "contact").status_code == 303
    assert town.held(number) == {"contact": False, "updates": False, "photos": True}
    assert private.read(town.store, number).contact == ""
    assert followers.of(town.store, number) == []
    assert [raw["to"] for raw in town.store.records(outbox.KIND).values()] == ["b@c.id"]
    with pytest.raises(Withdrawn):
        private.set_contact(town.store, number, ANI)
    with pytest.raises(Withdrawn):
        followers.add(town.store, number, ANI, "id", owner=True)
    with pytest.raises(Withdrawn):
        followers.add(town.store, number, "other@example.id", "id", owner=True)
    town.settle(number)
    assert Letters(town.store, town.desk, town.node.places, "http://x").write_news() == 0
    audit = list(town.store.audit_entries(action=consent.WITHDRAW))
    assert len(audit) == 1, "one act, with all that follows from it"


def test_news_end_and_the_address_stays(town: Town) -> None:
    number = town.send()
    assert town.take_back(number, "updates").status_code == 303
    assert private.read(town.store, number).contact == ANI
    assert followers.of(town.store, number) == []
    assert town.held(number) == {"contact": True, "updates": False, "photos": True}


def test_a_follower_that_was_left_over_gets_nothing(town: Town) -> None:
    """News are held to the consent where they are written, whatever else is kept."""
    number = town.send()
    town.store.write(lambda t: consent.take_back(t, number, "updates", "2026-01-01T00:00:00.000Z", "page"))
    assert [one.owner for one in followers.of(town.store, number)] == [True]
    town.settle(number)
    assert Letters(town.store, town.desk, town.node.places, "http://x").write_news() == 0
    assert town.store.records(outbox.KIND) == {}


@pytest.mark.parametrize("service", ["pothole", "stall"])
def test_photos_go_from_the_disk_and_from_the_request(town: Town, service: str) -> None:
    number = town.send(service, photos=2)
    names = [path.name.removesuffix(".jpg") for path in (town.data / "photos").rglob("*") if path.is_file()]
    assert len(names) == 2
    assert town.take_back(number, "photos").status_code == 303
    found = town.desk.request(number)
    assert found
    assert found.photos == ()
    assert found.state == "received"
    assert not [path for path in (town.data / "photos").rglob("*") if path.is_file()]
    document = town.node.broker.get(f"urn:ngsi-ld:ServiceRequest:{number}")
    assert "mediaUrl" not in (document or {})
    assert town.held(number)["photos"] is False
    assert town.held(number)["contact"] is True


def test_the_survey_is_refused_after_it_was_forbidden(town: Town) -> None:
    number, other = town.send(), town.send()
    seen = town.settle(number)
    purpose = purposes_of(None, {})["survey"]
    moment = "2026-01-01T00:00:00.000Z"
    town.store.write(lambda t: consent.give(t, number, purpose, moment, "form", "id"))
    town.store.write(lambda t: consent.take_back(t, number, "survey", moment, "page"))
    with pytest.raises(Withdrawn):
        satisfaction.rate(town.node.broker, seen, "/prov/town", RATING, "2026-11-27")
    assert satisfaction.results(town.node.broker, "") == {}
    satisfaction.rate(town.node.broker, town.settle(other), "/prov/town", RATING, "2026-11-27")
    assert len(satisfaction.results(town.node.broker, "")) == 1


def test_devices_of_the_owner_are_forgotten(town: Town) -> None:
    number = town.send()
    key = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    ours = push.Browser("https://push.example.com/1", key, "BTBZMqHH6r4Tts7J_aSIgg", "id", owner=True)
    theirs = push.Browser("https://push.example.com/2", key, "BTBZMqHH6r4Tts7J_aSIgg", "id")
    purpose = purposes_of(None, {})["push"]
    for one in (ours, theirs):
        push.subscribe(town.store, number, one, 0, private_addresses=True)
    town.store.write(lambda t: consent.give(t, number, purpose, "2026-01-01T00:00:00.000Z", "device", "id"))
    town.store.write(lambda t: push.owe(t, number, 1, {ours: {"a": "b"}, theirs: {"a": "b"}}))
    assert town.take_back(number, "push").status_code == 303
    assert push.told(town.store.record(push.KIND, number))[1] == [theirs]
    owed = [raw["browser"]["endpoint"] for raw in town.store.records(push.OWED).values()]
    assert owed == [theirs.endpoint]


def test_a_follower_agrees_by_confirming_and_takes_it_back_by_stopping(town: Town) -> None:
    number = town.send()
    followers.add(town.store, number, "wati@example.id", "en")
    (wati,) = [one for one in followers.of(town.store, number) if not one.owner]
    asker = town.portal.browser()
    page = f"/requests/{number}/follow/{wati.token}"

    def decide(what: str) -> None:
        token = re.search(r'name="form" value="([^"]+)"', asker.get(page).text)
        assert token
        assert asker.post(page, {"form": token.group(1), "do": what}).status_code == 200

    def hers() -> list[Any]:
        return data_subject.consents(town.store, "wati@example.id", number)

    assert hers() == []
    decide("follow")
    (one,) = hers()
    assert (one.purpose, one.how, one.holds, one.language) == ("updates", "mail", True, "en")
    assert town.held(number)["updates"], "the owner's own is another's matter"
    assert data_subject.find(town.store, "wati@example.id").followed == (number,)
    decide("stop")
    (one,) = hers()
    assert not one.holds
    assert town.held(number)["updates"]


def test_the_command_lists_and_takes_back(town: Town) -> None:
    number, second = town.send(), town.send("stall")
    town.node.close()
    listed = town.command("consents", ANI)
    assert listed.return_value == 0, listed.output
    assert listed.stdout.count("\n") == 6
    done = town.command("withdraw", ANI, "contact", "--number", number)
    assert done.return_value == 0, done.output
    assert done.stdout == f"{number}  taken back\n"
    again = town.command("withdraw", ANI, "contact")
    assert again.stdout == f"{second}  taken back\n", "what was taken back stays so"
    assert "taken back" in town.command("consents", ANI).stdout
    none = town.command("withdraw", ANI, "contact")
    assert none.return_value == 1
    assert "no consent" in none.stderr
    assert town.command("consents", "nobody@example.id").return_value == 1
    assert "neither an e-mail" in str(town.command("consents", "?").exception)


OWN = "photos: {basis: public_task, version: '2026-11', text: {en: Ours, id: Kami}}\n"


def test_what_is_not_done_by_consent_cannot_be_taken_back(tmp_path: Path) -> None:
    town = Town(tmp_path, "", OWN)
    with town.portal:
        number = town.send()
        found = {one.purpose: one for one in consent.given(town.store, number)}
        assert (found["photos"].basis, found["photos"].version, found["photos"].text) == (
            "public_task",
            "2026-11",
            "Kami",
        )
        answer = town.take_back(number, "photos")
        assert answer.status_code == 409
        assert "tidak dilakukan berdasarkan persetujuan Anda" in answer.text
        (name,) = town.desk.request(number).photos  # type: ignore[union-attr]
        assert photo_file(town.data, name)
        assert town.take_back(number, "contact").status_code == 303


@pytest.mark.parametrize(
    "text",
    [
        "photo: {}",
        "photos: {basis: because, version: '1', text: x}",
        "photos: {basis: consent, text: x}",
        "- 1",
        "photos: 3",
    ],
)
def test_a_file_that_cannot_be_used_leaves_what_is_shipped(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    town = Town(tmp_path, "", text)
    found = purposes_of(town.node.places["town"], town.node.places)
    assert found == purposes_of(None, {})
    assert "consent.yaml" in caplog.text


def test_only_whoever_has_the_key_sees_and_takes_back(town: Town) -> None:
    number, other = town.send(), town.send()
    asker = town.portal.browser()
    for key in ("", "x", key_of(town.store, other)):
        assert asker.get(f"/requests/{number}/consent?key={key}").status_code == 404
        sent = asker.post(f"/requests/{number}/consent", {"key": key, "purpose": "photos"})
        assert sent.status_code == 404
    own = asker.post(f"/requests/{number}/consent", {"key": key_of(town.store, number), "purpose": "photos"})
    assert own.status_code == 403, "a form that is not ours"
    assert all(town.held(number).values())
    assert town.take_back(number, "everything").status_code == 422


def test_photos_are_taken_back_where_strangers_may_change_nothing(tmp_path: Path) -> None:
    """The law gives it to whoever agreed, whatever a city lets strangers write (Law 27/2022 art. 9)."""
    town = Town(tmp_path, "", rights=RIGHTS)
    with town.portal:
        number = town.send()
        assert town.take_back(number, "photos").status_code in (200, 303)
        assert not town.held(number)["photos"]
        found = town.desk.request(number)
        assert found
        assert found.photos == ()
        assert not list((town.data / "photos").rglob("*.jpg"))
        (entry,) = town.store.audit_entries(action="consent.withdraw")
        assert entry.kind == "stranger", "the trail still says who"
        asker = town.portal.browser()
        page = f"/requests/{number}?key={key_of(town.store, number)}"
        refused = asker.fill(page, {"do": "withdraw", "text": ""}, action=f"/requests/{number}/mine")
        assert refused.status_code == 401, "what the law does not give is held to rights.yaml"


def test_who_is_forgotten_is_known_by_no_consent(town: Town) -> None:
    number = town.send()
    town.settle(number)
    data_subject.forget(town.runs, ANI)
    assert data_subject.find(town.store, ANI).sent == ()
    assert {one.who for one in consent.given(town.store, number)} == {""}
