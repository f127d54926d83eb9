"""SQLite's indexes in steps: pages over steps and tail, no row too many or too few, files of older versions."""

from __future__ import annotations

import random
from importlib import resources
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from mahakam.ngsild import represent
from mahakam.ngsild import selection as s
from mahakam.ngsild.match import matches
from mahakam.store.model import Entry
from mahakam.store.opening import open_store
from mahakam.store.sql.keys import keys_of
from mahakam.store.sql.packing import times_of
from mahakam.store.sqlite.entities import SqliteEntities
from mahakam.store.sqlite.steps import LONG, TAIL, step_of
from mahakam.store.sqlite.values import indexed_value

AT = "2026-01-01T00:00:00.000Z"
MANY = 3 * LONG + 500
RANGE = s.Selection(types=s.Types((("A",),)), condition=s.Compare(s.Path("pm10"), ">", (95,)))
EQUAL = s.Selection(condition=s.Compare(s.Path("pm10"), "==", (7,)))
TEXT = s.Selection(condition=s.Compare(s.Path("name"), "<=", ("b",)))
NEAR = s.Selection(
    geo=s.Geo("near", {"type": "Point", "coordinates": [117.1, -0.5]}, max_distance=2000, min_distance=300)
)
FAR = s.Selection(geo=s.Geo("near", {"type": "Point", "coordinates": [117.1, -0.5]}, max_distance=2e6))
BOX = s.Selection(
    geo=s.Geo(
        "within",
        {
            "type": "Polygon",
            "coordinates": [[[117, -0.6], [117.1, -0.6], [117.1, -0.4], [117, -0.4], [117, -0.6]]],
        },
    )
)
QUERIES = (RANGE, EQUAL, TEXT, NEAR, FAR, BOX)


def document(number: int, chance: random.Random) -> dict[str, Any]:
    value: Any = chance.choice([number % 97, float(number % 97), str(number), [number % 97], True, {"k": 1}])
    x, y = 117 + chance.random() / 5, -0.6 + chance.random() / 5
    place: dict[str, Any] = {"type": "Point", "coordinates": [x, y]}
    if number % 50 == 0:
        place = {"type": "LineString", "coordinates": [[x, y], [x + 0.01, y]]}
    out: dict[str, Any] = {
        "id": f"urn:{number}",
        "type": chance.choice(["A", "A", ["A", "B"], "AB"]),
        "pm10": {"type": "Property", "value": value},
        "location": {"type": "GeoProperty", "value": place},
    }
    if number % 3:
        out["name"] = {"type": "Relationship", "object": chance.choice("abc")}
    else:
        out["name"] = {"type": "Property", "value": chance.choice("abc")}
    return out


def stamped(document: dict[str, Any]) -> dict[str, Any]:
    for attribute in document.values():
        if isinstance(attribute, dict):
            attribute |= {"createdAt": AT, "modifiedAt": AT}
    return document | {"createdAt": AT, "modifiedAt": AT}


def insert(store: SqliteEntities, documents: list[dict[str, Any]]) -> None:
    def work(transaction: Any) -> None:
        for one in documents:
            assert transaction.insert(one, represent.body(one))
            transaction.note(Entry(one["id"], "create", "siti", AT))

    store.write(work)


def settled(store: SqliteEntities) -> None:
    """What waits for the writer is done."""
    store.write(lambda _: None)


def steps(store: SqliteEntities) -> set[int]:
    return {step for (step,) in store._all("SELECT step FROM entity_value UNION SELECT step FROM point")}


def check(store: SqliteEntities, documents: list[dict[str, Any]]) -> None:
    """Every page of every query is right, and the indexes hold just what they should."""
    for query in QUERIES:
        expected = [one["id"] for one in documents if matches(one, query)]
        assert len(expected) > 5
        found: list[str] = []
        more = True
        while more:
            array, more = store.page(query, 700, len(found))
            found += [one["id"] for one in orjson.loads(array)]
        assert found == expected
        assert store.count(query) == len(expected)
    (tail,) = store._all(f"SELECT first FROM step WHERE n = {TAIL} AND part = 0")[0]
    rows = store._all("SELECT n, body, keys FROM entity")
    names = store._all("SELECT name, number FROM value_name")
    values = {
        (number, step_of(n, tail), value, n)
        for n, body, _ in rows
        for name, number in names
        if (value := indexed_value(body, name)) is not None
    }
    assert set(store._all("SELECT attribute, step, value, entity FROM entity_value")) == values
    boxes = {n: orjson.loads(keys)[2] for n, _, keys in rows}
    points = {(step_of(n, tail), n) for n, (west, east, *_) in boxes.items() if west == east}
    assert set(store._all("SELECT step, entity FROM point")) == points
    assert {n for (n,) in store._all("SELECT entity FROM location")} == {
        n for n, (west, east, *_) in boxes.items() if west != east
    }
    types = {(n, type) for n, _, keys in rows for type in orjson.loads(keys)[0]}
    assert set(store._all("SELECT entity, type FROM entity_type")) == types


def test_steps_and_tail(tmp_path: Path) -> None:
    chance = random.Random(3)
    stores = [open_store("", tmp_path), open_store("", tmp_path)]  # as two processes
    one, two = (store.tenant() for store in stores)
    assert isinstance(one, SqliteEntities)
    assert isinstance(two, SqliteEntities)
    documents = [stamped(document(number, chance)) for number in range(MANY)]
    insert(one, documents[:100])
    one.values.make_for(EQUAL)
    one.values.make_for(TEXT)
    assert one.values.names == {"pm10", "name"}
    assert steps(one) == {TAIL}
    for start in range(100, MANY, 500):
        insert(two if start % 1000 else one, documents[start : start + 500])
    settled(one)
    settled(two)
    two.values.look()
    for store in (one, two):
        check(store, documents)
    assert steps(one) >= {0, 1, 2}
    for number in chance.sample(range(MANY), 600):
        documents[number] = stamped(document(number, chance))
    gone = set(chance.sample(range(MANY), 300)) | {MANY - 1, MANY - 2}

    def work(transaction: Any) -> None:
        for number, changed in enumerate(documents):
            if number in gone:
                assert transaction.delete(changed["id"])
            else:
                transaction.put(changed, represent.body(changed))

    two.write(work)
    left = [changed for number, changed in enumerate(documents) if number not in gone]
    check(one, left)
    again = [stamped(document(number, chance)) for number in sorted(gone)]
    insert(one, again)
    check(two, left + again)
    assert [entry.action for entry in two.journal(again[0]["id"])] == ["create", "create"]
    for store in stores:
        store.close()


def test_what_is_made_changed_and_deleted_in_one_transaction(tmp_path: Path) -> None:
    opened = open_store("", tmp_path)
    store = opened.tenant()
    assert isinstance(store, SqliteEntities)
    store.values.make_for(EQUAL)
    chance = random.Random(5)
    documents = [stamped(document(number, chance)) for number in range(1, 41)]

    def work(transaction: Any) -> None:
        for one in documents:
            transaction.insert(one, represent.body(one))
            transaction.note(Entry(one["id"], "create", "siti", AT))
        for one in documents[:10]:
            transaction.delete(one["id"])
            transaction.note(Entry(one["id"], "delete", "siti", AT))
        for one in documents[5:10]:
            transaction.put(one, represent.body(one))
            transaction.note(Entry(one["id"], "create", "budi", AT))
        documents[20]["pm10"] |= {"value": 7}
        transaction.put(documents[20], represent.body(documents[20]))

    store.write(work)
    found = store.documents(s.Selection())
    assert found == documents[10:] + documents[5:10]
    assert documents[20] in store.documents(EQUAL)
    history = [(entry.action, entry.author) for entry in store.journal(documents[5]["id"])]
    assert history == [("create", "budi"), ("delete", "siti"), ("create", "siti")]
    assert [entry.action for entry in store.journal(documents[30]["id"])] == ["create"]
    opened.close()


def test_index_that_was_undone_is_not_known(tmp_path: Path) -> None:
    opened = open_store("", tmp_path)
    store = opened.tenant()
    assert isinstance(store, SqliteEntities)
    one = stamped(document(1, random.Random(1)))

    def work(transaction: Any) -> None:
        transaction.indexing.learn("pm10")
        transaction.put(one, represent.body(one))
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        store.write(work)
    store.write(lambda transaction: transaction.put(one, represent.body(one)))
    assert store._all("SELECT * FROM value_name") == []
    assert store._all("SELECT * FROM entity_value") == []
    opened.close()


def test_file_of_schema_3_is_brought_up_to_date(tmp_path: Path) -> None:
    chance = random.Random(4)
    documents = [stamped(document(number, chance)) for number in range(5000)]
    connection = apsw.Connection(str(tmp_path / "mahakam.sqlite"))
    connection.execute("PRAGMA journal_mode=wal")
    folder = resources.files("mahakam.store.sqlite") / "migrations"
    for number in (1, 2, 3):
        connection.execute((folder / f"{number:04}.sql").read_text())
    connection.execute("PRAGMA user_version=3; BEGIN")
    for number, one in enumerate(documents, 1):
        keys = keys_of(one)
        row = (number, one["id"], orjson.dumps([*keys]).decode(), times_of(one), represent.body(one))
        connection.execute("INSERT INTO entity VALUES (?, ?, ?, ?, ?)", row)
        connection.executemany(
            "INSERT INTO entity_type VALUES (?, ?)", [(type, number) for type in keys.types]
        )
        connection.execute("INSERT INTO location VALUES (?, ?, ?, ?, ?)", (number, *(keys.box or ())))
        connection.execute(
            "INSERT INTO journal (entity, action, author, at) VALUES (?, ?, ?, ?)",
            (one["id"], "create", "siti", AT),
        )
    value = 'json_extract(CAST(body AS TEXT), \'$."pm10"."value"\')'
    connection.execute(f'CREATE INDEX "values of pm10" ON entity ({value}); COMMIT')
    connection.close()
    opened = open_store("", tmp_path)
    store = opened.tenant()
    assert isinstance(store, SqliteEntities)
    assert store.values.names == {"pm10"}
    assert store._all("SELECT name FROM sqlite_schema WHERE name LIKE 'values of %'") == []
    assert store.info()["version"] == max(int(one.name[:4]) for one in folder.iterdir())
    check(store, documents)
    assert store.journal("urn:7") == [Entry("urn:7", "create", "siti", AT)]
    more = [stamped(document(number, chance)) for number in range(5000, 5100)]
    insert(store, more)
    check(store, documents + more)
    store.write(lambda transaction: [transaction.delete(one["id"]) for one in documents[::2]])
    check(store, documents[1::2] + more)
    opened.close()
