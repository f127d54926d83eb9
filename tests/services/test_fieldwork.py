"""What a crew did is taken in once, whatever is sent again and by whom, and never over what others did."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from mahakam.app import Node
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.fieldwork import Act, ActKind, Fieldwork
from mahakam.services.photo import keep_photo
from mahakam.services.request import Draft, Refused
from support.routed import NORTH, opened, routed_town


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made, _desk, _hands = opened(tmp_path / "data", routed_town(tmp_path / "places"))
    yield made
    made.close()


@pytest.fixture
def work(node: Node) -> Fieldwork:
    return Fieldwork(Desk(node.broker, node.places, node.settings.data), node.broker)


@pytest.fixture
def number(work: Fieldwork) -> str:
    return work.desk.send(Draft("town", "pothole", "A hole", NORTH)).number


def _seen(work: Fieldwork, number: str) -> int:
    found = work.desk.request(number)
    assert found is not None
    return revision_of(found)


def _picture(node: Node) -> str:
    out = io.BytesIO()
    Image.effect_noise((200, 100), 80).convert("RGB").save(out, "JPEG")
    return keep_photo(node.settings.data, out.getvalue()).name


def test_a_day_s_work_sent_twice_is_done_once(node: Node, work: Fieldwork, number: str) -> None:
    seen = _seen(work, number)
    acts = [
        Act("key-start", "start", seen),
        Act("key-photo", "photo", photo=_picture(node), when="before"),
        Act("key-tick", "tick", ticks={0: True, 1: True}),
        Act("key-untick", "tick", ticks={1: False}),
        Act("key-note", "note", text="Brought two bags of asphalt"),
        Act("key-finish", "finish", seen + 1, "The hole is closed"),
    ]
    first = [work.take(number, act, "siti") for act in acts]
    second = [work.take(number, act, "siti") for act in acts]
    assert first == second
    found, private = work.desk.request(number), work.desk.private(number)
    assert found is not None
    assert [step.state for step in found.steps][-2:] == ["inProgress", "answered"]
    assert revision_of(found) == seen + 2
    assert found.steps[-1].text == "The hole is closed"
    assert [one.when for one in found.work_photos] == ["before"]
    assert [note.text for note in private.notes] == ["Brought two bags of asphalt"]
    assert private.done == {0}


@pytest.mark.parametrize("kind", ["start", "note", "photo"])
def test_the_same_act_from_many_sides_at_once_is_done_once(
    node: Node, work: Fieldwork, number: str, kind: ActKind
) -> None:
    act = Act("one-key-only", kind, _seen(work, number), "A few words", photo=_picture(node))
    with ThreadPoolExecutor(8) as pool:
        given = set(pool.map(lambda _at: work.take(number, act, "siti"), range(16)))
    assert len(given) == 1
    found = work.desk.request(number)
    assert found is not None
    done = [len(work.desk.private(number).notes), len(found.work_photos)]
    assert [*done, [step.state for step in found.steps].count("inProgress")] == {
        "start": [0, 0, 1],
        "note": [1, 0, 0],
        "photo": [0, 1, 0],
    }[kind]


def test_what_others_did_meanwhile_stands(work: Fieldwork, number: str) -> None:
    seen = _seen(work, number)
    work.desk.step(number, seen, "rejected", "It is on private land", "", "budi")
    with pytest.raises(Changed):
        work.take(number, Act("key-finish", "finish", seen, "The hole is closed"), "siti")
    with pytest.raises(Refused):
        work.take(number, Act("key-finish", "finish", seen + 1, "The hole is closed"), "siti")
    assert work.taken("key-finish", "siti") is None, "it can be sent anew"
    found = work.desk.request(number)
    assert found is not None
    assert found.state == "rejected"


def test_work_that_the_office_has_begun_is_no_contradiction(work: Fieldwork, number: str) -> None:
    seen = _seen(work, number)
    work.desk.step(number, seen, "inProgress", "A crew is on the way", "", "budi")
    after = work.take(number, Act("key-start", "start", seen), "siti")
    assert after == seen + 1
    assert work.take(number, Act("key-finish", "finish", after, "Closed it"), "siti") == seen + 2


def test_nobody_uses_up_another_one_s_key(work: Fieldwork, number: str) -> None:
    work.take(number, Act("shared-key", "note", text="From Budi"), "budi")
    work.take(number, Act("shared-key", "note", text="From Siti"), "siti")
    assert [note.text for note in work.desk.private(number).notes] == ["From Budi", "From Siti"]


def test_words_that_are_missing_write_nothing(work: Fieldwork, number: str) -> None:
    for act in (Act("key-note", "note"), Act("key-finish", "finish", _seen(work, number), "")):
        with pytest.raises(Refused):
            work.take(number, act, "siti")
        assert work.taken(act.key, "siti") is None
