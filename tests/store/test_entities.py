"""Entities in the store: what is put is what is read, in the order of creation, however selected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.ngsild import represent
from mahakam.ngsild.selection import Geo, Scopes, Selection, Types
from mahakam.store.model import Entry
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

AT, LATER = "2026-01-01T00:00:00.000Z", "2026-02-02T00:00:00.000Z"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


def timed(value: dict[str, Any], created: str = AT, modified: str = AT) -> dict[str, Any]:
    return {**value, "createdAt": created, "modifiedAt": modified}


def document(number: int, type: Any = "Sensor", **more: Any) -> dict[str, Any]:
    return timed(
        {"id": f"urn:x:{number}", "type": type, "n": timed({"type": "Property", "value": number}), **more}
    )


def put(store: EntityStore, *documents: dict[str, Any]) -> None:
    def work(transaction: Any) -> None:
        for one in documents:
            transaction.put(one, represent.body(one))

    store.write(work)


def of_type(*types: str) -> Selection:
    return Selection(types=Types(tuple((name,) for name in types)))


def ids(store: EntityStore, selection: Selection, limit: int = 1000, offset: int = 0) -> list[str]:
    return [one["id"] for one in store.documents(selection, limit, offset)]


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return timed({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [longitude, latitude]}})


def test_document_comes_back_with_its_system_times(store: EntityStore) -> None:
    changed = document(1, n=timed({"type": "Property", "value": 2}, AT, LATER))
    changed["modifiedAt"] = LATER
    changed["many"] = [
        timed({"type": "Property", "value": 1}),
        timed({"type": "Property", "value": 2, "datasetId": "urn:d:1"}, LATER, LATER),
    ]
    put(store, changed)
    assert store.document("urn:x:1") == changed
    assert store.body("urn:x:1") == represent.body(changed)
    assert b"createdAt" not in (store.body("urn:x:1") or b"")


def test_document_without_system_times_stays_so(store: EntityStore) -> None:
    bare = {"id": "urn:x:1", "type": "T", "n": {"type": "Property", "value": 1}}
    put(store, bare)
    assert store.document("urn:x:1") == bare


def test_insert_refuses_a_second_one(store: EntityStore) -> None:
    one, other = document(1), document(1, "Other")
    assert store.write(lambda work: work.insert(one, represent.body(one)))
    assert not store.write(lambda work: work.insert(other, represent.body(other)))
    assert store.document("urn:x:1") == one
    assert store.types() == {"Sensor": 1}


def _bare(number: int, type: Any = "Sensor") -> tuple[dict[str, Any], bytes]:
    where = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117 + number / 1000, -0.5]}}
    head = {"id": f"urn:x:{number}", "type": type, "scope": "/p/q", "location": where}
    return head, represent.body({**head, "n": {"type": "Property", "value": number}})


def test_many_at_once_are_what_they_are_one_by_one(store: EntityStore) -> None:
    def work(transaction: Any) -> None:
        assert transaction.insert(*_bare(0), AT)
        assert transaction.insert_all(
            [_bare(n, ["A", "B"] if n == 5 else "Sensor") for n in range(1, 9)], AT, "me"
        )
        assert transaction.insert(*_bare(9), AT)

    store.write(work)
    assert ids(store, Selection()) == [f"urn:x:{n}" for n in range(10)]
    assert store.types() == {"Sensor": 9, "A": 1, "B": 1}
    assert ids(store, of_type("A")) == ["urn:x:5"]
    assert len(ids(store, Selection(scopes=Scopes((("/p/#",),))))) == 10
    near = Geo("near", {"type": "Point", "coordinates": [117.003, -0.5]}, max_distance=50)
    assert ids(store, Selection(geo=near)) == ["urn:x:3"]
    found = store.document("urn:x:3")
    assert found is not None
    assert found["createdAt"] == found["modifiedAt"] == found["n"]["createdAt"] == AT
    assert [entry.author for entry in store.journal("urn:x:7")] == ["me"]
    store.write(lambda transaction: [transaction.delete(f"urn:x:{n}") for n in range(10)])
    assert not ids(store, Selection())
    assert not ids(store, Selection(geo=near))


def test_the_journal_says_in_which_order_many_and_one_were_written(store: EntityStore) -> None:
    def work(transaction: Any) -> None:
        assert transaction.insert(*_bare(0), AT)
        transaction.note(Entry("urn:x:0", "create", "one", AT))
        transaction.note(Entry("urn:x:1", "delete", "another", AT))
        assert transaction.insert_all([_bare(n) for n in range(1, 9)], AT, "me")

    store.write(work)
    assert store.journal("urn:x:1") == [
        Entry("urn:x:1", "create", "me", AT),
        Entry("urn:x:1", "delete", "another", AT),
    ]
    assert store.journal("urn:x:8") == [Entry("urn:x:8", "create", "me", AT)]


def test_many_at_once_may_have_several_instances_of_an_attribute(store: EntityStore) -> None:
    def several(number: int) -> tuple[dict[str, Any], bytes]:
        instance = {"type": "Property", "value": number}
        head = {"id": f"urn:x:{number}", "type": "Sensor"}
        return head, represent.body({**head, "n": [instance, {**instance, "datasetId": "urn:d:1"}]})

    store.write(lambda transaction: transaction.insert_all([several(1), several(2)], AT))
    found = store.document("urn:x:2")
    assert found is not None
    assert [(one["createdAt"], one["modifiedAt"]) for one in found["n"]] == [(AT, AT)] * 2


@pytest.mark.parametrize("numbers", [(1, 2, 0), (1, 2, 1)], ids=["one that is there", "one twice"])
def test_of_many_at_once_all_are_inserted_or_none(store: EntityStore, numbers: tuple[int, ...]) -> None:
    def work(transaction: Any) -> None:
        assert transaction.insert(*_bare(0), AT)
        assert not transaction.insert_all([_bare(number) for number in numbers], AT)
        assert transaction.insert(*_bare(3), AT)
        assert transaction.insert_all([_bare(4), _bare(5)], AT)

    store.write(work)
    assert ids(store, of_type("Sensor")) == ["urn:x:0", "urn:x:3", "urn:x:4", "urn:x:5"]


def test_pages_follow_creation_even_after_changes(store: EntityStore) -> None:
    put(store, *(document(number) for number in (5, 3, 9, 1)))
    put(store, document(5, extra=timed({"type": "Property", "value": "x"})))
    order = ["urn:x:5", "urn:x:3", "urn:x:9", "urn:x:1"]
    assert ids(store, Selection()) == ids(store, of_type("Sensor")) == order
    assert ids(store, of_type("Sensor"), 2, 1) == order[1:3]
    assert store.bodies(of_type("Sensor"), 2, 3) == [store.body("urn:x:1")]
    assert [one["id"] for one in store.scan(Selection())] == order


def test_changed_keys_move_in_every_index(store: EntityStore) -> None:
    put(store, document(1, ["A", "B"], scope=["/p/q"], location=point(117, -0.5)))
    put(store, document(1, "C", scope="/r", location=point(10, 50)))
    near = Geo("near", {"type": "Point", "coordinates": [117, -0.5]}, max_distance=1000)
    assert store.types() == {"C": 1}
    assert not ids(store, of_type("A", "B"))
    assert not ids(store, Selection(scopes=Scopes((("/p/#",),))))
    assert not ids(store, Selection(geo=near))
    assert ids(store, Selection(scopes=Scopes((("/r",),)))) == ["urn:x:1"]
    assert ids(store, Selection(geo=Geo("near", {"type": "Point", "coordinates": [10, 50]}, max_distance=1)))


def test_deleted_is_gone_from_every_index(store: EntityStore) -> None:
    put(store, document(1, ["A", "B"], scope="/p", location=point(117, -0.5)), document(2, "A"))
    assert store.write(lambda work: work.delete("urn:x:1"))
    assert not store.write(lambda work: work.delete("urn:x:1"))
    assert store.body("urn:x:1") is None
    assert store.types() == {"A": 1}
    assert store.size() == store.count(Selection()) == 1
    assert not ids(store, Selection(scopes=Scopes((("/p",),))))
    everywhere = {
        "type": "Polygon",
        "coordinates": [[[-179, -89], [179, -89], [179, 89], [-179, 89], [-179, -89]]],
    }
    assert store.count(Selection(geo=Geo("within", everywhere))) == 0


def test_types_together_and_one_of(store: EntityStore) -> None:
    put(store, document(1, ["A", "B"]), document(2, "A"), document(3, "B"), document(4, "C"))
    both = Selection(types=Types((("A", "B"),)))
    either = Selection(types=Types((("A", "B"), ("C",))))
    assert ids(store, both) == ["urn:x:1"]
    assert ids(store, either) == ["urn:x:1", "urn:x:4"]
    assert store.count(of_type("A", "B")) == 3
    assert ids(store, of_type("A", "B"), 1, 1) == ["urn:x:2"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("/a", [1]), ("/a/#", [1, 2, 3]), ("/a/+/c", [3]), ("/ab", [4]), ("/a/b/#", [2, 3]), ("/zzz", [])],
)
def test_scopes(store: EntityStore, pattern: str, expected: list[int]) -> None:
    for number, scope in enumerate(("/a", "/a/b", "/a/b/c", "/ab"), 1):
        put(store, document(number, scope=scope))
    assert ids(store, Selection(scopes=Scopes(((pattern,),)))) == [f"urn:x:{number}" for number in expected]


def test_near_is_metres_on_the_sphere_also_at_the_date_line_and_the_pole(store: EntityStore) -> None:
    put(store, document(1, location=point(179.99, 0)), document(2, location=point(-179.99, 0)),
        document(3, location=point(90, 89.99)), document(4, location=point(-90, 89.99)))  # fmt: skip

    def near(longitude: float, latitude: float, metres: float) -> list[str]:
        geometry = {"type": "Point", "coordinates": [longitude, latitude]}
        return ids(store, Selection(geo=Geo("near", geometry, max_distance=metres)))

    assert near(179.99, 0, 2_300) == ["urn:x:1", "urn:x:2"]
    assert near(179.99, 0, 2_200) == ["urn:x:1"]
    assert near(90, 89.99, 2_300) == ["urn:x:3", "urn:x:4"]


def test_attributes_are_counted_with_their_types(store: EntityStore) -> None:
    put(store, document(1, "A"), document(2, "B", location=point(1, 2)),
        document(3, "B", n=[timed({"type": "Property", "value": 1, "datasetId": "urn:d"})]))  # fmt: skip
    assert store.attributes()["n"] == {"count": 3, "attributeTypes": ["Property"], "typeNames": ["A", "B"]}
    assert store.attributes("B")["location"]["attributeTypes"] == ["GeoProperty"]
    assert "location" not in store.attributes("A")


def test_names_that_look_like_sql_or_json_are_just_names(store: EntityStore) -> None:
    names = ['a"b', "a'b", "a.b", "$[0]", "'; DROP TABLE entity; --", "é"]
    put(store, document(1, **{name: timed({"type": "Property", "value": 1}) for name in names}))
    for name in names:
        assert ids(store, Selection(attrs=(name,))) == ["urn:x:1"]
    assert ids(store, Selection(ids=("urn:x:1", "' OR 1=1 --"))) == ["urn:x:1"]
    assert not ids(store, Selection(attrs=("missing",)))


def test_scan_goes_on_while_others_write(store: EntityStore) -> None:
    put(store, *(document(number) for number in range(2500)))
    seen = []
    for one in store.scan(of_type("Sensor")):
        seen.append(one["id"])
        if len(seen) == 1500:
            store.write(lambda work: work.delete("urn:x:2400"))
    assert seen == [f"urn:x:{number}" for number in range(2500) if number != 2400]


def test_records_saved_together_are_as_if_saved_one_by_one(store: EntityStore) -> None:
    def together(transaction: Any) -> None:
        transaction.save_record("list", "b", {"old": 1})
        transaction.save_records([("list", "a", {}), ("list", "b", {"new": 2}), ("other", "a", {"n": "ß"})])

    store.write(together)
    assert store.records("list") == {"a": {}, "b": {"new": 2}}
    assert store.record("other", "a") == {"n": "ß"}


@pytest.mark.parametrize("between", ["nothing", "another read", "put", "delete", "delete and insert"])
def test_what_was_read_is_not_taken_for_what_is_there(store: EntityStore, between: str) -> None:
    """A transaction that reads, changes and writes has seen all that it wrote itself."""
    put(store, document(1, "A"), document(2, "A"))
    last = document(1, "C", n=timed({"type": "Property", "value": 9}))

    def work(transaction: Any) -> None:
        assert transaction.get("urn:x:1") == document(1, "A")
        match between:
            case "another read":
                assert transaction.get("urn:x:2") == document(2, "A")
            case "put":
                transaction.put(document(1, "B"), represent.body(document(1, "B")))
            case "delete" | "delete and insert":
                assert transaction.delete("urn:x:1")
                if between != "delete":
                    assert transaction.insert(document(1, "B"), represent.body(document(1, "B")), AT)
        transaction.put(last, represent.body(last))

    store.write(work)
    assert store.document("urn:x:1") == last
    assert {name: ids(store, of_type(name)) for name in "ABC"} == {
        "A": ["urn:x:2"],
        "B": [],
        "C": ["urn:x:1"],
    }
    assert store.document("urn:x:2") == document(2, "A")
