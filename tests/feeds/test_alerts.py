"""A feed that fails, is late or gets worse is told of once, by mail and webhook, and once more when it is well."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from mahakam.app import Node
from mahakam.cli import run as command
from mahakam.config import ConfigError, Settings
from mahakam.feeds import definition
from mahakam.feeds.alerts.wanted import wanted
from mahakam.feeds.alerts.watch import Alert, open_alerts
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.ngsild.selection import Selection, Types
from mahakam.services.outbox import KIND, Postman, Server
from mahakam.web.alerting import alerts
from support.feeds import FEED, GOOD, Town
from support.mail import Mailbox, text_of
from support.node import RunningNode
from support.notify import Receiver, until

MAIL = "alerts: {mail: [walidata@example.id], language: en}\n"
BAD = GOOD.replace("A2;Balai;kota;2", "A2;;kota;-2")
ANOTHER = "A4;Pos;kota;3;117.04;-0.44\n"


class Office:
    """The town with a mail server."""

    def __init__(self, town: Town, mailbox: Mailbox) -> None:
        self.town, self.mailbox = town, mailbox
        town.write("feeds/stops.yaml", FEED + MAIL)
        (town.folder / "feeds/shapes.yaml").unlink()
        self.reopen()

    def reopen(self) -> None:
        self.town.node.close()
        self.town.node = Node(
            Settings(
                data=self.town.data,
                config=(self.town.config,),
                smtp=self.mailbox.url,
                mail_from="Town <node@example.id>",
            )
        )
        self.town.parts = Parts.of(self.town.node)

    def look(self, now: datetime | None = None) -> list[str]:
        return [f"{one.kind} {'ended' if one.ended else 'begun'}" for one in alerts(self.town.node).look(now)]

    def letters(self) -> list[tuple[str, str]]:
        """Subject and text of what arrived since the last time."""
        postman = Postman(self.town.parts.store, Server.parse(self.mailbox.url), "Town <node@example.id>")
        asyncio.run(postman.deliver())
        found = [(str(one["Subject"]), text_of(one)) for one in self.mailbox.letters]
        self.mailbox.letters.clear()
        return found

    def entities(self) -> list[dict[str, Any]]:
        return self.town.parts.store.documents(Selection(types=Types((("Alert",),))))


@pytest.fixture
def office(town: Town) -> Iterator[Office]:
    with Mailbox() as mailbox:
        yield Office(town, mailbox)


def test_a_feed_that_fails_is_told_of_once_and_once_more_when_it_is_well(office: Office) -> None:
    town = office.town
    town.stops()
    assert town.run().state == "clean"
    assert office.look() == []
    (town.folder / "data/stops.csv").unlink()
    assert town.run().state == "failed"
    assert office.look() == ["failed begun"]
    assert office.look() == []
    ((subject, text),) = office.letters()
    assert subject == "Needs a look: Bus stops"
    assert "stops.csv" in text
    assert str(town.folder) not in text, "where it lies on the machine is nobody's concern"
    assert "/quality/town/stops" in text
    (entity,) = office.entities()
    assert entity["scope"] == "/town"
    assert entity["status"]["value"] == "open"
    assert set(entity["description"]["languageMap"]) == {"id", "en"}

    assert town.run().state == "failed"
    assert office.look() == [], "it fails again: nothing new"
    town.stops(GOOD + ANOTHER)
    assert town.run().state == "clean"
    assert office.look() == ["failed ended"]
    ((subject, _text),) = office.letters()
    assert subject == "Well again: Bus stops"
    (entity,) = office.entities()
    assert entity["status"]["value"] == "closed"
    assert entity["validTo"]["value"]["@type"] == "DateTime"
    assert open_alerts(town.parts.store) == []

    (town.folder / "data/stops.csv").unlink()
    town.run()
    assert office.look() == ["failed begun"]
    assert len(office.entities()) == 2, "another time it is another alert"


def test_a_score_that_drops_is_told_of_until_it_is_back(office: Office) -> None:
    town = office.town
    town.stops()
    town.run()
    town.stops(BAD)
    assert town.run().state == "held"
    assert office.look() == ["quality begun"]
    (alert,) = open_alerts(town.parts.store)
    assert alert.facts["before"] == 1.0
    assert 0.6 < alert.facts["score"] < 0.7
    assert "went from 100% to 67%" in office.letters()[0][1]
    town.stops(BAD + ANOTHER)
    assert town.run().state == "held"
    assert office.look() == [], "75% is no drop from 67%, but it is not well yet either"
    town.stops()
    town.run()
    assert office.look() == ["quality ended"]


def test_a_score_below_what_the_city_asks_for_is_told_of(office: Office) -> None:
    town = office.town
    town.write("city.yaml", (town.folder / "city.yaml").read_text() + "alerts: {below: 0.9, drop: null}\n")
    office.reopen()
    town.stops(BAD)
    town.run()
    assert office.look() == ["quality begun"]
    town.write("feeds/stops.yaml", FEED + "alerts: {below: 0.5, mail: walidata@example.id}\n")
    assert office.look() == ["quality ended"], "the feed's own wish stands over its city's"


def test_a_feed_that_is_late_is_told_of(office: Office) -> None:
    town = office.town
    town.write("feeds/stops.yaml", FEED + 'schedule: "0 * * * *"\nalerts: {late: PT30M}\n')
    town.stops()
    town.run()
    started = datetime.fromisoformat(town.parts.store.runs("town", "stops", 1)[0].started)
    due = started.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert office.look(due + timedelta(minutes=29)) == []
    assert office.look(due + timedelta(minutes=31)) == ["late begun"]
    assert office.entities()[0]["data"]["value"]["due"] == due.strftime("%Y-%m-%dT%H:%M:%SZ")
    town.run(force=True)
    assert office.look(datetime.now(UTC)) == ["late ended"]


def test_a_turn_in_which_there_was_nothing_new_is_in_time(office: Office) -> None:
    town = office.town
    town.write("feeds/stops.yaml", FEED + 'schedule: "0 * * * *"\nalerts: {late: PT30M}\n')
    town.stops()
    run = town.run()
    run.started = (datetime.now(UTC) - timedelta(hours=5)).isoformat(timespec="seconds")
    town.parts.store.write(lambda transaction: transaction.save_run(run))
    assert town.run().state == "unchanged", "no run is kept of it"
    assert office.look(datetime.now(UTC)) == []
    assert office.look(datetime.now(UTC) + timedelta(hours=2)) == ["late begun"]


def test_an_agency_is_told_of_its_own_feeds_only(office: Office) -> None:
    town = office.town
    town.write("feeds/stops.yaml", FEED)
    town.write("feeds/benches.yaml", FEED.replace("Bus stops", "Benches").replace("Dishub", "DLH"))
    place = (town.folder / "city.yaml").read_text()
    named = "{Dishub: data@dishub.example.id, DLH: [udara@dlh.example.id, sampah@dlh.example.id]}"
    town.write(
        "city.yaml", place + f"alerts: {{mail: walidata@example.id, language: en, agencies: {named}}}\n"
    )
    office.reopen()
    town.stops()
    for feed in ("stops", "benches"):
        run_feed(town.parts, "town", feed)
    (town.folder / "data/stops.csv").unlink()
    for feed in ("stops", "benches"):
        assert run_feed(town.parts, "town", feed).state == "failed"
    assert office.look() == ["failed begun", "failed begun"]
    postman = Postman(town.parts.store, Server.parse(office.mailbox.url), "Town <node@example.id>")
    asyncio.run(postman.deliver())
    told = sorted((str(one["To"]), str(one["Subject"]).partition(": ")[2]) for one in office.mailbox.letters)
    assert told == [
        ("data@dishub.example.id", "Bus stops"),
        ("sampah@dlh.example.id", "Benches"),
        ("udara@dlh.example.id", "Benches"),
        ("walidata@example.id", "Benches"),
        ("walidata@example.id", "Bus stops"),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{agencies: [Dishub]}", "agencies: must be a mapping"),
        ("{agencies: {Dishub: nobody}}", "agencies: Dishub: 'nobody' is no address"),
        ("{agency: {}}", "(known: agencies, below"),
    ],
)
def test_what_cannot_be_meant_of_agencies_is_refused(town: Town, given: str, said: str) -> None:
    town.write("city.yaml", (town.folder / "city.yaml").read_text() + f"alerts: {given}\n")
    town.reopen()
    with pytest.raises(ConfigError, match="alerts") as refused:
        wanted(town.parts.places["town"], town.parts.places, {}, town.folder)
    assert said in str(refused.value)


def test_a_feed_that_cannot_be_read_is_told_of_until_it_is_gone(office: Office) -> None:
    town = office.town
    town.write("feeds/other.yaml", "source: {file: data/x.csv}\nkontrak: x\n")
    assert office.look() == ["failed begun"]
    (alert,) = open_alerts(town.parts.store)
    assert alert.facts["message"].startswith("feeds/other.yaml: kontrak: unknown key")
    (town.folder / "feeds/other.yaml").unlink()
    assert office.look() == ["failed ended"]


def test_several_processes_tell_it_once(office: Office) -> None:
    town = office.town
    assert town.run().state == "failed"
    nodes = [Node(town.node.settings) for _ in range(4)]
    gate = threading.Barrier(len(nodes))
    told: list[Alert] = []

    def work(node: Node) -> None:
        gate.wait()
        told.extend(alerts(node).look())

    threads = [threading.Thread(target=work, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in nodes:
        node.close()
    assert len(told) == len(office.entities()) == len(town.parts.store.records(KIND)) == 1


def test_a_deleted_alert_ends_all_the_same(office: Office) -> None:
    town = office.town
    town.run()
    assert office.look() == ["failed begun"]
    town.parts.broker.delete(office.entities()[0]["id"])
    town.stops()
    town.run()
    assert office.look() == ["failed ended"]
    assert open_alerts(town.parts.store) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{post: x}", "'post' is unknown"),
        ("{mail: [nobody]}", "is no address"),
        ('{mail: ["a@b.id\\nBcc: c@d.id"]}', "is no address"),
        ("{late: 2h}", "ISO 8601 duration"),
        ("{below: 70}", "from 0 to 1"),
        ("{drop: true}", "from 0 to 1"),
        ("{language: fr}", "is none of id, en"),
        ("[x]", "must be a mapping"),
        ("{agencies: {Dishub: a@b.id}}", "stands in the place's alerts"),
    ],
)
def test_what_cannot_be_meant_is_refused(town: Town, given: str, said: str) -> None:
    town.write("feeds/stops.yaml", FEED + f"alerts: {given}\n")
    with pytest.raises(ConfigError, match="alerts") as refused:
        definition.load(town.parts.places["town"], "stops")
    assert said in str(refused.value)


def test_a_running_node_tells_a_webhook_and_shows_it(town: Town) -> None:
    town.run()
    town.node.close()
    with Receiver() as hook:
        where = ["--data", str(town.data), "--config", str(town.config)]
        assert command(["subscription", "webhook", hook.uri, "--place", "town", "--alerts", *where]) == 0
        with RunningNode(town.data, config=(town.config,), private_addresses=True) as node:
            until(lambda: hook.got, 40)
            page = httpx.get(f"{node.url}/quality?lang=en").text
    assert "Needs a look now" in page
    assert "could not be read" in page
    (alert,) = hook.got[0]["data"]
    assert alert["subCategory"]["value"] == "failed"
    assert "webhook-signature" in {name.lower() for name in hook.headers[0]}
