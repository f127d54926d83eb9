"""Cooperation: who may take which step, what both sides must sign, what is late; kept whole on both stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mahakam.faults import Changed, Refused
from mahakam.network import cooperation as steps
from mahakam.network.cooperation import MOST_ASKED, About, Agreement, Cooperation, Party
from mahakam.network.cooperations import ask_for, change_cooperation, cooperation, cooperations
from mahakam.network.recommendation import Author, Evidence
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Transaction

AT = "2026-03-02T01:00:00+00:00"
MINE, THEIRS = Party("city_officer", "samarinda"), Party("city_officer", "bontang")
US = Author("siti", "Siti", "city_officer", "samarinda")
THEM = Author("wati", "Wati", "city_officer", "bontang")
NAMESAKE = Author("paul", "Paul", "partner", "bontang")
WHY = {"en": "How did you do it?"}
LETTER = Agreement(
    {"en": "Fewer floods"}, {"en": "Send two people"}, {"en": "Show the pumps"}, "2026-04-01", "2026-12-31"
)
PAPER = (Evidence("https://example.org/report.pdf", "Report"),)


def asked() -> Cooperation:
    return steps.ask("C-2026-001", MINE, THEIRS, "Floods", WHY, About(), US, AT)


def agreed() -> Cooperation:
    found = steps.propose(steps.accept(asked(), THEM, AT), LETTER, 0, US, AT)
    return steps.sign(steps.sign(found, 1, US, AT), 1, THEM, AT)


def planned(due: str = "2026-06-30") -> Cooperation:
    return steps.plan(agreed(), {"id": "Kunjungan"}, "asker", due, US, AT)


def concluded() -> Cooperation:
    return steps.conclude(planned(), {"en": "Fewer"}, PAPER, US, AT)


def refused(step: Callable[..., Any], *given: Any) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as found:
        step(*given)
    return {(one.field, one.code) for one in found.value.faults}


def test_from_request_to_confirmed_result() -> None:
    talk = steps.say(steps.accept(asked(), THEM, AT), {"en": "Hello", "id": "Halo"}, THEM, AT)
    assert (talk.state, len(talk.messages), talk.public) == ("talk", 1, False)
    assert agreed().public
    done = steps.report(planned(), 0, "done", {"en": "Went there"}, PAPER, "", THEM, AT)
    assert done.tasks[0].state == "done"
    found = steps.conclude(done, {"en": "Three floods fewer"}, PAPER, US, AT)
    assert found.waits_for() == {"asked"}, "who wrote it does not confirm it"
    found = steps.return_result(found, "Two, not three", THEM, AT)
    found = steps.confirm(steps.conclude(found, {"en": "Two fewer"}, PAPER, US, AT), THEM, AT)
    assert found.state == "done"
    assert [one.text["en"] for one in found.results] == ["Three floods fewer", "Two fewer"], "both are kept"
    assert [one.what for one in found.events] == [
        "asked", "accepted", "proposed", "signed", "signed", "agreed", "planned", "reported", "concluded",
        "returned", "concluded", "done",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (asked, lambda one: steps.accept(one, US, AT)),
        (asked, lambda one: steps.accept(one, NAMESAKE, AT)),
        (asked, lambda one: steps.withdraw(one, "No", THEM, AT)),
        (asked, lambda one: steps.say(one, WHY, NAMESAKE, AT)),
        (asked, lambda one: steps.propose(one, LETTER, 0, US, AT)),
        (agreed, lambda one: steps.sign(one, 1, US, AT)),
        (agreed, lambda one: steps.propose(one, LETTER, 1, US, AT)),
        (planned, lambda one: steps.report(one, 0, "done", WHY, (), "", NAMESAKE, AT)),
        (planned, lambda one: steps.confirm(one, THEM, AT)),
        (concluded, lambda one: steps.confirm(one, US, AT)),
        (concluded, lambda one: steps.end(one, "Enough", US, AT)),
    ],
)
def test_no_side_takes_the_step_of_another(
    found: Callable[[], Cooperation], step: Callable[[Cooperation], Cooperation]
) -> None:
    with pytest.raises(Changed):
        step(found())


def test_only_the_asker_asks_and_not_itself() -> None:
    with pytest.raises(Changed):
        steps.ask("C", MINE, THEIRS, "Floods", WHY, About(), THEM, AT)
    assert refused(steps.ask, "C", MINE, MINE, " ", {}, About(), US, AT) == {
        ("why-en", "language"), ("title", "words"), ("with", "self")
    }  # fmt: skip


def test_a_changed_letter_is_signed_anew_by_both() -> None:
    found = steps.propose(steps.accept(asked(), THEM, AT), LETTER, 0, US, AT)
    found = steps.sign(found, 1, US, AT)
    changed = steps.propose(found, msgspec.structs.replace(LETTER, ends="2027-01-31"), 1, THEM, AT)
    assert changed.waits_for() == {"asker", "asked"}
    with pytest.raises(Changed):
        steps.sign(changed, 1, THEM, AT)
    with pytest.raises(Changed):
        steps.propose(changed, LETTER, 1, US, AT)
    assert steps.sign(steps.sign(changed, 2, THEM, AT), 2, US, AT).state == "agreed"


def test_what_is_missing_is_named_all_at_once() -> None:
    talk = steps.accept(asked(), THEM, AT)
    bad = Agreement({"id": "Banjir"}, {}, {"en": "x" * 4001}, "2026-05-01", "2026-04-01")
    assert refused(steps.propose, talk, bad, 0, US, AT) == {
        ("purpose-en", "english"), ("asker_does-en", "english"), ("asked_does-en", "long"), ("ends", "order"),
    }  # fmt: skip
    assert refused(steps.plan, agreed(), {}, "nobody", "soon", US, AT) == {
        ("task-en", "language"), ("who", "choose"), ("due", "date")
    }  # fmt: skip
    assert refused(steps.conclude, planned(), {"en": "Good"}, (), US, AT) == {
        ("result-evidence", "evidence")
    }  # fmt: skip
    assert refused(steps.decline, asked(), " ", THEM, AT) == {("reason", "reason")}


def test_what_is_late() -> None:
    assert not asked().late(dt.date(2026, 3, 16))
    assert asked().late(dt.date(2026, 3, 17)), "a fortnight without an answer"
    found = planned("2026-06-30")
    assert not found.late(dt.date(2026, 6, 30))
    assert found.late_tasks(dt.date(2026, 7, 1)) == 1
    moved = steps.report(found, 0, "under_way", {"en": "The road is out"}, (), "2026-08-31", US, AT)
    assert (moved.tasks[0].until, moved.tasks[0].due) == ("2026-08-31", "2026-06-30")
    assert not moved.late(dt.date(2026, 7, 1))
    done = steps.report(found, 0, "done", {"en": "Went"}, (), "", US, AT)
    assert not done.late(dt.date(2026, 7, 1))
    assert done.late(dt.date(2027, 1, 1)), "the period is over and there is no result"
    assert not steps.end(found, "No money", THEM, AT).late(dt.date(2027, 1, 1))


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened.tenant()
    opened.close()


def test_it_is_kept_with_the_letters_it_owes_or_not_at_all(store: EntityStore) -> None:
    told: list[str] = []

    def tell(_transaction: Transaction, one: Cooperation) -> None:
        told.append(one.events[-1].what)

    about = About("solution", "bontang/pumps", {"en": "Pumps"})
    made = ask_for(store, MINE, THEIRS, "Floods", WHY, about, US, AT, tell)
    assert made.key == "C-2026-001"
    change_cooperation(store, made.key, lambda one: steps.accept(one, THEM, AT), tell)
    with pytest.raises(Changed):
        change_cooperation(store, made.key, lambda one: steps.accept(one, THEM, AT), tell)
    with pytest.raises(KeyError):
        change_cooperation(store, "C-2026-999", lambda one: one, tell)

    def fails(_transaction: Transaction, _one: Cooperation) -> None:
        raise RuntimeError("the outbox")

    with pytest.raises(RuntimeError):
        change_cooperation(store, made.key, lambda one: steps.say(one, WHY, US, AT), fails)
    kept = cooperation(store, made.key)
    assert kept is not None
    assert (kept.about, kept.state, kept.messages, told) == (about, "talk", (), ["asked", "accepted"])
    for _time in range(MOST_ASKED):
        ask_for(store, MINE, THEIRS, "Another", WHY, About(), US, AT, tell)
    with pytest.raises(Refused) as many:
        ask_for(store, MINE, THEIRS, "Another", WHY, About(), US, AT, tell)
    assert [one.code for one in many.value.faults] == ["waiting"]
    assert ask_for(store, THEIRS, MINE, "Back", WHY, About(), THEM, AT, tell).key == "C-2026-022"
    assert [one.key for one in cooperations(store)][:2] == ["C-2026-022", "C-2026-021"]
