"""The Broker: every write passes its contract, warnings flag, refusals change nothing, feeds repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.writes import Create, Delete, Ingest, Modify, Replace, Upsert
from mahakam.config import load_places
from mahakam.ngsild.draft import Draft
from mahakam.ngsild.patch import merge
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.selection import Selection, Types
from mahakam.quality.book import Book
from mahakam.store.model import Held, Lineage, Run
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store
from support.notify import subscription

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: rain
version: 1.0.0
status: active
schema:
  - name: Rain
    properties:
      - {name: mm, logicalType: number, required: true, logicalTypeOptions: {minimum: 0, maximum: 500}}
      - {name: town, logicalType: string}
      - name: station
        logicalType: string
        quality: [{metric: invalidValues, arguments: {validValues: [A, B]}, mustBe: 0, severity: warning}]
"""


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[Store]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def broker(store: Store) -> Broker:
    return Broker(store, NoContracts(), {})


@pytest.fixture
def guarded(store: Store, tmp_path: Path) -> Broker:
    """Two cities; one has a contract for the type Rain."""
    for place in ("smd", "bpn"):
        (tmp_path / "places" / place / "contracts").mkdir(parents=True)
        (tmp_path / "places" / place / "city.yaml").write_text(f"name: {place}\n")
    (tmp_path / "places" / "smd" / "contracts" / "rain.yaml").write_text(CONTRACT)
    places = load_places([tmp_path / "places"])
    return Broker(store, Book(places), places)


def entity(id: str = "urn:x:1", type: str = "Sensor", **values: Any) -> dict[str, Any]:
    return {
        "id": id,
        "type": type,
        **{name: {"type": "Property", "value": value} for name, value in values.items()},
    }


def rain(**values: Any) -> dict[str, Any]:
    return {**entity("urn:rain:1", "Rain", **values), "scope": "/smd"}


def patch(**values: Any) -> Any:
    fragment = {name: {"type": "Property", "value": value} for name, value in values.items()}
    return lambda document, at: merge(document, fragment, at)


def test_create_then_read_in_every_way(broker: Broker) -> None:
    broker.create(entity(n=1), author="ani")
    assert broker.body("urn:x:1") == b'{"id":"urn:x:1","type":"Sensor","n":{"type":"Property","value":1}}'
    found = broker.get("urn:x:1")
    assert found is not None
    assert found["createdAt"] == found["modifiedAt"] == found["n"]["createdAt"]
    assert found["createdAt"].endswith("Z")
    selection = Selection(types=Types((("Sensor",),)))
    assert broker.query(selection) == [found] == list(broker.scan(selection))
    assert broker.bodies(selection, 10) == [broker.body("urn:x:1")]
    assert (broker.count(), broker.types()) == (1, {"Sensor": 1})
    assert [(entry.action, entry.author) for entry in broker.store.journal("urn:x:1")] == [("create", "ani")]


def test_second_create_is_refused_and_changes_nothing(broker: Broker) -> None:
    broker.create(entity(n=1))
    with pytest.raises(Problem) as refusal:
        broker.create(entity(n=2))
    assert (refusal.value.kind, refusal.value.status) == ("AlreadyExists", 409)
    assert broker.query()[0]["n"]["value"] == 1


@pytest.mark.parametrize("write", [Replace(entity()), Modify("urn:x:1", patch(n=1)), Delete("urn:x:1")])
def test_what_is_not_there_cannot_be_changed(broker: Broker, write: Any) -> None:
    calls = {
        Replace: lambda: broker.replace(write.document),
        Modify: lambda: broker.change(write.id, write.patch),
        Delete: lambda: broker.delete(write.id),
    }
    with pytest.raises(Problem) as refusal:
        calls[type(write)]()
    assert refusal.value.status == 404
    assert broker.batch([write])[0].problem is not None
    assert broker.count() == 0


def test_replace_keeps_creation_and_the_times_of_what_stayed(broker: Broker) -> None:
    broker.create(entity(n=1, same="x"))
    before = broker.get("urn:x:1")
    broker.replace(entity(n=2, same="x"))
    after = broker.get("urn:x:1")
    assert before is not None
    assert after is not None
    assert after["createdAt"] == before["createdAt"]
    assert after["same"] == before["same"]
    assert after["n"]["value"] == 2
    assert after["n"]["modifiedAt"] >= before["n"]["modifiedAt"]


def test_changes_at_once_lose_nothing(broker: Broker) -> None:
    broker.create(entity(n=0))

    def add(document: Mapping[str, Any], at: str) -> Any:
        return patch(n=document["n"]["value"] + 1)(document, at)

    async def many() -> None:
        await asyncio.gather(*(broker.achange("urn:x:1", add) for _ in range(50)))

    asyncio.run(many())
    assert broker.query()[0]["n"]["value"] == 50


def test_batch_goes_on_after_a_refusal(broker: Broker) -> None:
    broker.create(entity("urn:x:1", n=1))
    writes = [
        Create(Draft.of(entity("urn:x:1", n=9))),
        Create(Draft.of(entity("urn:x:2", n=2))),
        Modify("urn:none", patch(n=1)),
        Modify("urn:x:2", patch(n=3)),
        Upsert(entity("urn:x:1", n=4)),
        Upsert(entity("urn:x:3", n=5), patch(n=6)),
        Upsert(entity("urn:x:3", n=5), patch(n=6)),
        Replace(entity("urn:none", n=1)),
        Delete("urn:x:2"),
    ]
    results = broker.batch(writes, author="ani")
    kinds = [
        result.problem.kind if result.problem else ("new" if result.created else "done") for result in results
    ]
    assert kinds == [
        "AlreadyExists",
        "new",
        "ResourceNotFound",
        "done",
        "done",
        "new",
        "done",
        "ResourceNotFound",
        "done",
    ]
    assert {one["id"]: one["n"]["value"] for one in broker.query()} == {"urn:x:1": 4, "urn:x:3": 6}


def test_contract_refuses_with_every_reason(guarded: Broker) -> None:
    with pytest.raises(Problem) as refusal:
        guarded.create(rain(mm=900, town=7))
    reasons = refusal.value.details()["reasons"]
    assert {reason["field"] for reason in reasons} == {"mm", "town"}
    assert all(reason["expected"] for reason in reasons)
    assert guarded.count() == 0


def test_warning_flags_the_attribute_until_it_is_right(guarded: Broker) -> None:
    guarded.create(rain(mm=3, station="C"))
    found = guarded.query()[0]
    assert len(found["station"]["quality"]["value"]) == 1
    assert "quality" not in found["mm"]
    assert b'"quality"' in (guarded.body("urn:rain:1") or b"")
    guarded.change("urn:rain:1", patch(station="A"))
    assert "quality" not in guarded.query()[0]["station"]


def test_change_that_breaks_the_contract_leaves_the_entity(guarded: Broker) -> None:
    guarded.create(rain(mm=3))
    with pytest.raises(Problem, match="contract"):
        guarded.change("urn:rain:1", patch(mm=-1))
    assert guarded.query()[0]["mm"]["value"] == 3


@pytest.mark.parametrize("scope", [None, "/bpn", "/elsewhere"])
def test_contracted_type_needs_the_scope_of_its_place(guarded: Broker, scope: str | None) -> None:
    document = entity("urn:rain:1", "Rain", mm=3)
    if scope:
        document["scope"] = scope
    with pytest.raises(Problem) as refusal:
        guarded.create(document)
    reason = refusal.value.details()["reasons"][0]
    assert (reason["field"], reason["expected"]) == ("scope", "/smd")


def test_broken_contract_says_so_and_stores_nothing(guarded: Broker, tmp_path: Path) -> None:
    (tmp_path / "places" / "smd" / "contracts" / "rain.yaml").write_text("kind: DataContract\nnonsense: 1\n")
    with pytest.raises(Problem) as refusal:
        guarded.create(rain(mm=3))
    assert refusal.value.status == 500
    assert "rain.yaml" in refusal.value.detail
    assert guarded.count() == 0


def test_type_without_contract_is_stored_anywhere(guarded: Broker) -> None:
    guarded.create(entity(type="Bench", mm=-5))
    assert guarded.count() == 1


def item(number: int, value: int, digest: str) -> Ingest:
    id = f"urn:rain:{number}"
    return Ingest(
        entity(id, "Rain", mm=value), Lineage(id, 1, "rain.csv", "", number, number + 1, {"mm": "1"}, digest)
    )


def test_ingest_twice_changes_nothing(broker: Broker) -> None:
    run = Run(0, "smd", "rain", "2026-01-01T00:00:00Z", author="ani")
    held = Held("smd", "rain", 0, "rain.csv", "", 9, 10, {"mm": "x"}, [{"rule": "type", "field": "mm"}])
    first = broker.ingest(run, [item(1, 1, "a"), item(2, 2, "b")], [held])
    before = broker.query()
    again = broker.ingest(run, [item(1, 1, "a"), item(2, 5, "c")], [held])
    assert (first.stored, first.unchanged) == (2, 0)
    assert (again.stored, again.unchanged) == (1, 1)
    assert broker.query()[0] == before[0]
    assert broker.query()[1]["mm"]["value"] == 5
    assert broker.store.count_held() == 1
    assert broker.store.lineage("urn:rain:2").digest == "c"  # type: ignore[union-attr]
    assert [one.id for one in broker.store.runs("smd", "rain")] == [run.id]


def test_new_entities_of_a_feed_come_in_all_at_once(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of many new ones gives what the way of one gives: entity, body, history, lineage, what is owed."""
    broker.subscriptions.create(subscription(entities=[{"type": "Rain"}]))
    alone = Run(0, "smd", "rain", "2026-01-01T00:00:00Z", author="ani")
    for number in (1, 2):
        broker.ingest(alone, [item(number, number, str(number))], [])
    used: list[bool] = []
    whole = Broker._ingest_new

    def watched(self: Broker, transaction: Any, documents: Any, at: str) -> bool:
        used.append(whole(self, transaction, documents, at))
        return used[-1]

    monkeypatch.setattr(Broker, "_ingest_new", watched)
    run = Run(0, "smd", "rain", "2026-01-01T00:00:00Z", author="ani")
    ingested = broker.ingest(run, [item(number, number, str(number)) for number in (11, 12, 13)], [])
    assert (ingested.stored, used) == (3, [True])
    together = [broker.get(f"urn:rain:{number}") for number in (11, 12, 13)]
    one = broker.get("urn:rain:1")
    assert one is not None
    for number, document in zip((11, 12, 13), together, strict=True):
        assert document is not None
        assert set(document) == set(one)
        assert set(document["mm"]) == set(one["mm"])
        assert document["mm"]["value"] == number
        assert broker.store.lineage(document["id"]).digest == str(number)  # type: ignore[union-attr]
    owed = broker.store.owed("urn:s:1")
    assert sorted(each.entity for each in owed) == [f"urn:rain:{n}" for n in (1, 11, 12, 13, 2)]
    assert broker.count() == 5
    evolved = [broker.store.evolution(f"urn:rain:{n}") is not None for n in (1, 2, 11, 12, 13)]
    assert len(set(evolved)) == 1, "the history begins alike, whichever way they came in"


def test_one_that_is_there_already_sends_all_the_slower_way(broker: Broker) -> None:
    broker.create(entity("urn:rain:2", "Rain", mm=9))
    some = [item(number, number, str(number)) for number in (1, 2, 3)]
    ingested = broker.ingest(Run(0, "smd", "rain", "2026-01-01T00:00:00Z"), some, [])
    assert ingested.stored == 3
    assert [document["mm"]["value"] for document in broker.query()] == [2, 1, 3]
    assert broker.count() == 3


def test_failing_ingest_leaves_nothing(broker: Broker) -> None:
    broken = Ingest({"id": "urn:rain:2", "type": "Rain", "mm": object()}, item(2, 2, "b").lineage)
    with pytest.raises(Exception, match=r"object|serializable|get"):
        broker.ingest(Run(0, "smd", "rain", "now"), [item(1, 1, "a"), broken])
    assert broker.count() == 0
    assert broker.store.runs() == []


def test_tenants_are_apart(broker: Broker) -> None:
    with pytest.raises(Problem) as refusal:
        broker.tenant("other")
    assert refusal.value.kind == "NonexistentTenant"
    broker.tenant("other", create=True).create(entity())
    assert broker.count() == 0
    assert broker.tenant("other").count() == 1
    with pytest.raises(Problem):
        broker.tenant("../x", create=True)


def test_reference_to_another_type_is_looked_up(store: Store, tmp_path: Path) -> None:
    from mahakam.broker.foreign import StoredKeys

    broker = Broker(store, NoContracts(), {})
    broker.create(entity("urn:s:1", "Station", code="7", number=8))
    keys = StoredKeys(store.tenant())
    answers: Sequence[bool] = [
        keys.has("Station", "id", "urn:s:1"),
        keys.has("Station", "code", "7"),
        keys.has("Station", "number", "8"),
        keys.has("Station", "code", "9"),
        keys.has("Other", "id", "urn:s:1"),
    ]
    assert answers == [True, True, True, False, False]
    assert keys.values("Station", "code") == {"7"}
    assert keys.values("Station", "id") == {"urn:s:1"}
