"""Documents are kept as long as the service says, then removed once, which is said; a crash leaves none behind."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest
from click.testing import CliRunner

from mahakam.app import Node
from mahakam.cli import cli
from mahakam.config import ConfigError, Settings
from mahakam.leading import Leader
from mahakam.services import followers, private
from mahakam.services.desk import Desk, revision_of
from mahakam.services.document_acts import judge, send
from mahakam.services.dossier import documents_of, keep_files, removed_of
from mahakam.services.handover import Handover
from mahakam.services.kept_days import read_retention
from mahakam.services.needs import service_of
from mahakam.services.outbox import DEAD, Letter
from mahakam.services.request import Draft, Refused, Request
from mahakam.services.retention import Removed, Retention, settled_since
from mahakam.store.protocol import Transaction
from mahakam.web.letters import Letters
from support.papers import pdf
from support.portal import TOWN, two_cities

SERVICE = """name: Stall
personal: true
workflow: application
documents: {identity: {name: Identity card}}
"""
REMOVED_SAID = "documents of 1 requests removed, 1 files deleted, contact of 0 requests removed\n"
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)


class Archive:
    """A town with a service that keeps documents for 30 days, and one that says nothing."""

    def __init__(self, root: Path, store: str) -> None:
        self.data, self.places = root / "data", two_cities(root / "places")
        folder = self.places / "prov/town/services"
        (folder / "stall.yaml").write_text(SERVICE + "retention: {documents: 30}\n")
        (folder / "market.yaml").write_text(SERVICE)
        (folder / "fair.yaml").write_text(SERVICE + "retention: {documents: 0}\n")
        kiosk = "name: Light\nretention: {contact: 30}\n"
        (folder / "kiosk.yaml").write_text(kiosk)
        (folder / "booth.yaml").write_text("name: Booth\n")
        with (self.places / "prov/town/city.yaml").open("a") as city:
            city.write("retention: {contact: 365}\n")
        self.node = Node(Settings(data=self.data, config=(self.places,), store=store))
        self.desk = Desk(self.node.broker, self.node.places, self.data)
        self.runs = Retention(self.desk, self.desk.store, self.node.places, self.data)

    def request(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found
        return found

    def sent(self, service: str = "stall") -> str:
        """A request with a document."""
        number = self.desk.send(Draft("town", service, "For my stall", TOWN)).number
        self.send(number)
        return number

    def send(self, number: str) -> None:
        found = self.request(number)
        service = service_of(self.node.places, found)
        assert service
        send(self.desk, self.data, (found, revision_of(found)), service.documents, {"identity": pdf()})

    def step(self, number: str, state: str) -> None:
        self.desk.step(number, revision_of(self.request(number)), state, "Thank you", "", "siti")

    def rejected(self, number: str) -> dt.datetime:
        """When it was rejected."""
        found = self.request(number)
        judge(self.desk, (found, revision_of(found)), "identity", False, "Of somebody else", "siti")
        self.step(number, "rejected")
        return dt.datetime.fromisoformat(self.request(number).steps[-1].at)

    def empty_outbox(self) -> None:
        """No letter waits any more."""

        def work(transaction: Transaction) -> None:
            for key in transaction.records(DEAD):
                transaction.save_record(DEAD, key, None)

        self.desk.store.write(work)

    def files(self) -> list[Path]:
        return [path for path in (self.data / "documents").rglob("*") if path.is_file()]


@pytest.fixture
def archive(tmp_path: Path, store_url: str) -> Iterator[Archive]:
    made = Archive(tmp_path, store_url)
    yield made
    made.node.close()


def test_documents_go_when_they_were_kept_long_enough_and_the_course_says_so(archive: Archive) -> None:
    number, other = archive.sent(), archive.sent("market")
    assert archive.runs.run(dt.datetime.now(dt.UTC) + 900 * DAY) == Removed(0, 0), "it is open"
    at = archive.rejected(number)
    archive.rejected(other)
    assert archive.runs.run(at + 30 * DAY - MINUTE) == Removed(0, 0)
    assert archive.runs.run(at + 30 * DAY) == Removed(1, 1)
    assert archive.runs.run(at + 31 * DAY) == Removed(0, 0), "once"
    last = archive.request(number).steps[-1]
    assert (last.state, last.act, last.to, last.text) == ("rejected", "removed", ("identity",), "")
    assert documents_of(archive.desk.store, number) == {}
    assert set(removed_of(archive.desk.store, number)) == {"identity"}
    assert set(documents_of(archive.desk.store, other)) == {"identity"}, "its service says nothing"
    assert len(archive.files()) == 1


def test_the_days_begin_anew_with_the_state_and_words_do_not_prolong_them(archive: Archive) -> None:
    number = archive.sent()
    archive.rejected(number)
    first = settled_since(archive.request(number))
    archive.step(number, "rejected")
    assert settled_since(archive.request(number)) == first
    archive.desk.by_resident(number, revision_of(archive.request(number)), "object", "It is mine")
    assert settled_since(archive.request(number)) == ""


@pytest.mark.fault("a retention run, kill -9", "nothing is kept too long or said wrongly")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_is_made_up_for(archive: Archive, when: str) -> None:
    """Before: nothing has happened. After: the request says that they are gone, and the next run deletes the files."""
    number = archive.sent()
    at = archive.rejected(number) + 30 * DAY
    script = (
        "import datetime as dt, os, signal, sys\n"
        "from pathlib import Path\n"
        "from mahakam.app import Node\n"
        "from mahakam.config import Settings\n"
        "from mahakam.services import retention\n"
        "from mahakam.services.desk import Desk\n"
        "die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "setattr(retention, sys.argv[4], die)\n"
        "node = Node(Settings(data=Path(sys.argv[1]), config=(Path(sys.argv[2]),), store=sys.argv[3]))\n"
        "desk = Desk(node.broker, node.places, node.settings.data)\n"
        "runs = retention.Retention(desk, desk.store, node.places, node.settings.data)\n"
        "runs.run(dt.datetime.fromisoformat(sys.argv[5]))\n"
    )
    store = archive.node.settings.store
    part = {"before": "doom", "after": "sweep"}[when]
    argv = [str(archive.data), str(archive.places), store, part, at.isoformat()]
    done = subprocess.run([sys.executable, "-c", script, *argv], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    said = archive.request(number).steps[-1].act == "removed"
    assert (said, len(archive.files())) == (when == "after", 1)
    assert archive.runs.run(at) == Removed(int(when == "before"), 1)
    assert archive.files() == []
    assert [step.act for step in archive.request(number).steps].count("removed") == 1


def test_what_a_broken_sending_left_goes_a_day_later(archive: Archive) -> None:
    """The files lie there, but the request never came to name them."""
    now = dt.datetime.now(dt.UTC)
    keep_files(archive.desk.store, archive.data, [pdf()], now)
    number = archive.sent()
    assert archive.runs.run(now + DAY - MINUTE) == Removed(0, 0)
    assert archive.runs.run(now + DAY) == Removed(0, 1)
    (left,) = archive.files()
    assert left.name == documents_of(archive.desk.store, number)["identity"].file


def test_a_refused_sending_leaves_no_file(archive: Archive) -> None:
    number = archive.sent()
    archive.rejected(number)
    before = archive.files()
    with pytest.raises(Refused):
        archive.send(number)
    assert archive.files() == before
    assert archive.runs.run(dt.datetime.now(dt.UTC) + 2 * DAY) == Removed(0, 0)


def test_the_process_that_leads_removes_them(archive: Archive) -> None:
    archive.rejected(archive.sent("fair"))
    (rounds,) = [one for one in Leader(archive.node)._of_the_leader() if one.name == "retention"]
    rounds.round()
    assert archive.files() == []


def test_the_command_lists_first_and_then_removes(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    number = archive.sent("fair")
    archive.rejected(number)
    monkeypatch.setenv("MAHAKAM_STORE", archive.node.settings.store)
    words = ["service", "retention", "--config", str(archive.places), "--data", str(archive.data)]
    listed = CliRunner().invoke(cli, [*words, "--dry-run"])
    assert (listed.exit_code, listed.output) == (0, f"{number}  documents\n1 requests, nothing was removed\n")
    assert len(archive.files()) == 1
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, done.output) == (0, REMOVED_SAID)
    assert archive.files() == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (365, "retention has documents, contact or both, e.g. retention"),
        ({"documents": 1, "letters": 2}, "retention has documents"),
        ({}, "retention has documents"),
        ({"contact": 0}, "retention.contact is a whole number from 1 to 36500, not 0"),
        ({"documents": -1}, "a whole number from 0 to 36500, not -1"),
        ({"documents": "2 years"}, "not '2 years'"),
        ({"documents": True}, "not True"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, raw: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_retention(tmp_path, raw)


CONTACT = "nina.kurnia@example.id"
PERSON = {"first_name": "Kurniawati", "phone": "0812-5550-1234"}


def _holding(archive: Archive, words: str) -> list[str]:
    """The tables of the store, history and quarantine among them, that have these words somewhere."""
    if url := archive.node.settings.store:
        with psycopg.connect(url) as server:
            names = [
                row[0]
                for row in server.execute(
                    "select table_schema || '.' || table_name from information_schema.tables"
                    " where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'"
                )
            ]
            rows = {name: server.execute(f"select t::text from {name} t").fetchall() for name in names}
    else:
        (file,) = (path for path in archive.data.glob("*.sqlite"))
        reader = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        names = [row[0] for row in reader.execute("select name from sqlite_schema where type = 'table'")]
        rows = {name: reader.execute(f'select * from "{name}"').fetchall() for name in names}
        reader.close()
    return [name for name, found in rows.items() if any(words in _text(row) for row in found)]


def _text(row: Any) -> str:
    return " ".join(one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in row)


def _contacted(archive: Archive, service: str = "kiosk") -> str:
    """A request whose sender left everything, which others follow and about which a letter was given up."""
    store = archive.desk.store
    number = archive.desk.send(
        Draft("town", service, "Light is out", TOWN, contact=CONTACT, person=PERSON)
    ).number
    other = followers.add(store, number, f"other.{CONTACT}", "en")
    assert other
    followers.confirm(store, number, other.token)
    lost = Letter(CONTACT, "News", f"Your report:\nhttps://kota.example.id/requests/{number}\n", "en")
    kept = Letter(CONTACT, "News", f"Your report:\nhttps://kota.example.id/requests/{number}1\n", "en")

    def give_up(transaction: Transaction) -> None:
        for letter in (lost, kept) if service == "kiosk" else ():
            transaction.save_record(
                DEAD, f"{letter.text}", asdict(letter) | {"due": 0.0, "tries": 12, "error": ""}
            )

    store.write(give_up)
    private.add_note(store, number, "siti", "Called twice")
    return number


def test_a_contact_goes_after_its_days_from_every_table_and_the_course_says_so(archive: Archive) -> None:
    number = _contacted(archive)
    kept = _contacted(archive, "booth")
    store = archive.desk.store
    assert _holding(archive, PERSON["phone"]), "or the test looks in the wrong place"
    assert archive.runs.run(dt.datetime.now(dt.UTC) + 900 * DAY) == Removed(0, 0, 0), "it is open"
    archive.step(number, "rejected")
    archive.step(kept, "rejected")
    at = dt.datetime.fromisoformat(archive.request(number).steps[-1].at)
    assert archive.runs.run(at + 30 * DAY - MINUTE) == Removed()
    assert archive.runs.run(at + 30 * DAY) == Removed(contacts=1)
    assert archive.runs.run(at + 31 * DAY) == Removed(), "once"
    last = archive.request(number).steps[-1]
    assert (last.state, last.act, last.to, last.text) == ("rejected", "forgotten", (), "")
    told = archive.desk.private(number)
    assert (told.contact, told.person, [note.text for note in told.notes]) == ("", {}, ["Called twice"])
    assert [raw["text"][-2:] for raw in store.records(DEAD).values()] == ["1\n"], (
        "another request's letter stays"
    )
    assert archive.desk.private(kept).contact == CONTACT, "its service keeps it for longer"
    archive.runs.run(at + 400 * DAY)
    archive.empty_outbox()
    for words in (CONTACT, *PERSON.values()):
        assert _holding(archive, words) == []


def test_who_follows_it_after_that_is_forgotten_silently_and_reopened_it_begins_anew(
    archive: Archive,
) -> None:
    number = _contacted(archive)
    archive.step(number, "rejected")
    at = dt.datetime.fromisoformat(archive.request(number).steps[-1].at)
    archive.runs.run(at + 30 * DAY)
    steps = archive.request(number).steps
    followers.add(archive.desk.store, number, CONTACT, "en")
    assert archive.runs.run(at + 30 * DAY) == Removed(contacts=1)
    assert archive.request(number).steps == steps
    archive.desk.by_resident(number, revision_of(archive.request(number)), "reopen", "It is out again")
    followers.add(archive.desk.store, number, CONTACT, "en", owner=True)
    assert archive.runs.run(at + 300 * DAY) == Removed()


def test_news_of_the_removal_go_to_nobody_and_not_to_what_was_merged(archive: Archive) -> None:
    number, twin = _contacted(archive), _contacted(archive)
    handover = Handover(archive.desk, archive.node.broker, archive.node.places)
    handover.merge(twin, revision_of(archive.request(twin)), number, "The same", "siti")
    archive.step(number, "rejected")
    at = dt.datetime.fromisoformat(archive.request(number).steps[-1].at)
    steps = archive.request(twin).steps
    archive.runs.run(at + 30 * DAY)
    assert [step.act for step in archive.request(number).steps].count("forgotten") == 1
    assert [step.act for step in archive.request(twin).steps if step not in steps] in ([], ["forgotten"])
    assert (
        Letters(archive.desk.store, archive.desk, archive.node.places, "https://kota.example.id").write_news()
        == 0
    )
