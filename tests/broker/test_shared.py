"""A store as a hub sees it: what is not shared is not there, for every reading method, whichever store it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mahakam.access.shares import Share
from mahakam.app import Node
from mahakam.broker.broker import Broker
from mahakam.config import Settings
from mahakam.ngsild.context import CORE
from mahakam.ngsild.problem import Problem
from mahakam.ngsild.qlanguage import parse_q
from mahakam.ngsild.selection import Selection, Types

SHARE = Share("hub", {"Stop": frozenset({"waiting", "name"}), "Bus": frozenset({"name"})})


def _entity(id: str, type: str | list[str], **values: Any) -> dict[str, Any]:
    return {
        "id": f"urn:x:{id}",
        "type": type,
        **{name: {"type": "Property", "value": value} for name, value in values.items()},
    }


@pytest.fixture
def broker(tmp_path: Path, store_url: str) -> Iterator[Broker]:
    node = Node(Settings(tmp_path / "data", store=store_url))
    broker = node.broker
    broker.create(_entity("a", "Stop", waiting=1, name="A", secret=1))
    broker.create(_entity("b", "Stop", name="B", secret=2))
    broker.create(_entity("c", "Stop", secret=3))
    broker.create(_entity("d", "Ledger", name="D"))
    yield broker
    node.close()


def ids(broker: Broker, **more: Any) -> list[str]:
    return [one["id"][-1] for one in broker.shared(SHARE).query(Selection(**more))]


def q(text: str) -> Any:
    return parse_q(text, CORE)


STOPS = Types((("Stop",),))


def test_only_what_is_shared_is_found(broker: Broker) -> None:
    seen = broker.shared(SHARE)
    assert ids(broker) == ["a", "b", "c"]
    assert ids(broker, types=Types((("Ledger",),))) == []
    assert ids(broker, ids=("urn:x:d",)) == []
    assert ids(broker, condition=q("secret>0")) == []
    assert ids(broker, condition=q("!secret")) == []
    assert ids(broker, condition=q("waiting>0|secret>0")) == []
    assert ids(broker, condition=q("waiting>0")) == ["a"]
    assert ids(broker, attrs=("secret",)) == []
    assert ids(broker, attrs=("secret", "waiting")) == ["a"]
    assert seen.count() == 3
    assert seen.count(Selection(condition=q("secret>0"))) == 0
    assert seen.types() == {"Stop": 3}
    assert set(seen.attributes()) == {"waiting", "name"}
    assert seen.get("urn:x:d") is None
    assert seen.body("urn:x:d") is None
    assert "secret" not in str(seen.body("urn:x:a"))
    assert seen.attributes("Ledger") == {}
    assert seen.history.get("urn:x:d") is None


def test_an_entity_of_several_types_is_shared_if_each_is(broker: Broker) -> None:
    broker.create(_entity("e", ["Stop", "Ledger"], name="E", waiting=5))
    broker.create(_entity("f", ["Stop", "Bus"], name="F", waiting=6))
    seen = broker.shared(SHARE)
    assert ids(broker) == ["a", "b", "c", "f"]
    assert seen.get("urn:x:e") is None
    found = seen.get("urn:x:f")
    assert found is not None
    assert "waiting" not in found
    assert ids(broker, condition=q("waiting>0")) == ["a"]
    assert seen.query(Selection(types=STOPS), 10, 3)[0]["id"] == "urn:x:f"


def test_what_is_no_reading_is_refused(broker: Broker) -> None:
    store: Any = broker.shared(SHARE).store
    for name in ("runs", "journal", "audit_entries", "lineage", "dump"):
        with pytest.raises(Problem):
            getattr(store, name)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    node = Node(Settings(tmp_path_factory.mktemp("filled")))
    for number in range(12):
        kinds: list[str | list[str]] = ["Stop", "Bus", "Ledger", ["Stop", "Bus"], ["Stop", "Ledger"]]
        values = {"waiting": number % 4, "name": "x" * (number % 3), "secret": number}
        kept = {name: value for place, (name, value) in enumerate(values.items()) if number >> place & 1}
        node.broker.create(_entity(f"{number:02}", kinds[number % 5], **kept))
    yield node.broker
    node.close()


_CONDITIONS = st.sampled_from(
    [None, "waiting>0", "secret>3", "!secret", "!waiting", 'name=="x"', "name;secret"]
)


@settings(max_examples=60)
@given(
    types=st.sampled_from([None, ("Stop",), ("Bus",), ("Ledger",), ("Stop", "Bus")]),
    condition=_CONDITIONS,
    attrs=st.sets(st.sampled_from(["waiting", "name", "secret"])),
    offset=st.integers(0, 5),
)
def test_the_answer_is_that_of_a_store_that_has_no_more(
    filled: Broker, types: tuple[str, ...] | None, condition: str | None, attrs: set[str], offset: int
) -> None:
    """The reference: mask everything, then select; but who asks for what is not shared is told of nothing."""
    from mahakam.ngsild.match import matches

    selection = Selection(
        types=Types((types,)) if types else None,
        condition=q(condition) if condition else None,
        attrs=tuple(sorted(attrs)),
    )
    asked = {name for name in ("waiting", "name", "secret") if name in (condition or "")}
    wanted = []
    for document in filled.query(Selection(), 100):
        masked = SHARE.masked(document)
        shown = SHARE.shown(document)
        if masked is not None and shown is not None and asked <= shown and matches(masked, selection):
            wanted.append(masked)
    seen = filled.shared(SHARE)
    assert seen.query(selection, 100, offset) == wanted[offset:]
    assert seen.count(selection) == len(wanted)
    assert list(seen.scan(selection)) == wanted
