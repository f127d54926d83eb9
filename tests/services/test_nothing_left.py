"""Nothing of somebody who was forgotten is left in the node's files, nor does a backup from before bring it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from mahakam.app import Node
from mahakam.cli import cli
from mahakam.config import Settings
from mahakam.services import data_subject, followers, outbox
from mahakam.services.desk import Desk, revision_of
from mahakam.services.document_acts import send
from mahakam.services.needs import service_of
from mahakam.services.photo import keep_photo
from mahakam.services.request import Draft
from mahakam.services.retention import Retention
from support.leftovers import left
from support.papers import pdf
from support.portal import TOWN, two_cities
from support.postgres import PostgresServer

STALL = "name: Stall\npersonal: true\nworkflow: application\ndocuments: {identity: {name: Identity card}}\n"
ANI, PHONE = "kusumawardani@contoh.example.id", "0812-7777-3131"
WORDS, STREET = "My stall of fried bananas in the lane", "Gang Melati nomor delapan"
NEEDLES = ("kusumawardani", PHONE, WORDS, STREET)


class Town:
    """Ani sent a hole (public, with a photo) and a stall (her own matter), both settled, and follows Budi's hole."""

    def __init__(self, root: Path, store: str) -> None:
        self.data, self.places, self.store = root / "data", two_cities(root / "places"), store
        (self.places / "prov/town/services/stall.yaml").write_text(STALL)
        with self.opened() as (desk, runs):
            photo, private = (keep_photo(self.data, _picture(colour)).name for colour in ("teal", "olive"))
            self.hole = self.send(desk, Draft("town", "pothole", "Deep hole", TOWN, (photo,)))
            own = Draft("town", "stall", WORDS, TOWN, (private,), address=STREET)
            self.stall = self.send(desk, own)
            self.other = desk.send(Draft("town", "pothole", "Budi's", TOWN, contact="budi@example.id")).number
            followers.add(desk.store, self.other, ANI, "id")
            found = desk.request(self.stall)
            assert found
            service = service_of(runs.places, found)
            assert service
            send(desk, self.data, (found, revision_of(found)), service.documents, {"identity": pdf()})
            letter = outbox.Letter(ANI, "News", f"About {self.stall}", "id")
            desk.store.write(lambda transaction: outbox.owe(transaction, letter))
            for number in (self.hole, self.stall):
                found = desk.request(number)
                assert found
                desk.step(number, revision_of(found), "rejected", "Thank you", "", "siti")

    def send(self, desk: Desk, draft: Draft) -> str:
        return desk.send(replace(draft, contact=ANI, person={"phone": PHONE}, language="id")).number

    @contextmanager
    def opened(self, data: Path | None = None, store: str | None = None) -> Iterator[tuple[Desk, Retention]]:
        at, url = data or self.data, self.store if store is None else store
        node = Node(Settings(data=at, config=(self.places,), store=url))
        desk = Desk(node.broker, node.places, at)
        try:
            yield desk, Retention(desk, desk.store, node.places, at)
        finally:
            node.close()

    def files(self) -> list[str]:
        rooms = ("documents", "photos")
        return sorted(path.name for room in rooms for path in (self.data / room).rglob("*") if path.is_file())


def _picture(colour: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (90, 60), colour).save(out, "JPEG")
    return out.getvalue()


def command(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words), standalone_mode=False)
    assert done.exception is None, done.output + str(done.exception)
    return done.output


def traces(town: Town, server: PostgresServer | None) -> set[str]:
    """Which of the needles stand in a file of the data folder or of the database's tables."""
    return left(NEEDLES, town.data, town.store, server)


def test_nothing_of_them_is_in_any_file(
    tmp_path: Path, store_url: str, request: pytest.FixtureRequest
) -> None:
    server: PostgresServer | None = request.getfixturevalue("postgres") if store_url else None
    town = Town(tmp_path, store_url)
    assert traces(town, server) == set(NEEDLES), "what is looked for is found while it is there"
    assert len(town.files()) == 3
    with town.opened() as (_, runs):
        done = data_subject.forget(runs, ANI)
        assert set(done.sent) == {town.hole, town.stall}
        assert done.followed == (town.other,)
    with town.opened():  # what a start does (indexes, histories) brings nothing back
        pass
    command("store", "compact", "--data", str(town.data), "--store", store_url)
    assert traces(town, server) == set()
    assert town.files() == []
    with town.opened() as (desk, _):
        assert data_subject.find(desk.store, "budi@example.id").sent == (town.other,)
        assert desk.store.problems() == []


def test_a_backup_from_before_does_not_bring_them_back(tmp_path: Path, store_url: str) -> None:
    town = Town(tmp_path, store_url)
    vault = str(tmp_path / "backups")
    place = ("--data", str(town.data), "--store", store_url)
    before = command("backup", *place, "--to", vault).partition(":")[0]
    with town.opened() as (_, runs):
        data_subject.forget(runs, ANI)
    after = command("backup", *place, "--to", vault)
    assert before != after.partition(":")[0]
    new = tmp_path / "new"
    said = command("restore", "--data", str(new), "--from", vault, "--at", before)
    assert "forgotten again, as before in the node, in 3 requests" in said
    with town.opened(new, "") as (desk, _):
        assert data_subject.find(desk.store, ANI) == data_subject.Held((), ())
        assert data_subject.find(desk.store, PHONE) == data_subject.Held((), ())
        found = desk.request(town.hole)
        assert found
        assert found.photos == ()
        assert data_subject.find(desk.store, "budi@example.id").sent == (town.other,)
        assert len(desk.store.audit_entries(action="forget.again")) == 3
    left = [path for room in ("documents", "photos") for path in (new / room).rglob("*") if path.is_file()]
    assert left == []
    newest = tmp_path / "newest"
    assert "forgotten again" not in command("restore", "--data", str(newest), "--from", vault)
