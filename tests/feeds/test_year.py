"""The steward's year: the steps of a release, its calendar, who is late, and what the catalogue is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.config import ConfigError, Place
from mahakam.faults import Changed, Refused
from mahakam.feeds.standard import Statistics, problem, read
from mahakam.feeds.year import desk, taking
from mahakam.feeds.year.calendar import Allowed, agencies, allowed_of, days_of, releases, year_of
from mahakam.feeds.year.item import (
    FREQUENCIES,
    Author,
    Facts,
    Frequency,
    Item,
    Plan,
    amend,
    approve,
    confirm,
    enlist,
    propose,
    publish,
    recall,
    refer,
    send_back,
    submission_before,
    submit,
    withdraw,
)  # fmt: skip
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

OFFICER, STEWARD, SUPERVISOR = (
    Author("siti", "officer"),
    Author("wati", "steward"),
    Author("bps", "supervisor"),
)
AT = "2027-03-01T08:00:00+00:00"
FACTS = Facts(7, 100, 0.98, 2, 0, AT, (("range", "rain", 2, False),))
PLAN = Plan(title={"en": "Daily rain", "id": "Curah hujan harian"}, producer="BPBD", feed="rain", frequency="quarterly",
            first="2027-02-28")  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened.tenant()
    opened.close()


def listed(plan: Plan = PLAN) -> Item:
    return enlist(propose("D-2027-001", "town", 2027, plan, OFFICER, AT), 1, STEWARD, AT)


def handed_over(plan: Plan = PLAN, at: str = AT) -> Item:
    return submit(listed(plan), "2027-Q1", "2027-02-28", "", "", FACTS, OFFICER, at)


def state(item: Item) -> str:
    release = item.release("2027-Q1")
    return release.state if release else ""


def test_from_submission_to_publication_with_a_return_on_the_way() -> None:
    item = handed_over()
    item = send_back(
        item, "2027-Q1", ("Row 7 has rain of 900 mm",), "Please look", item.revision, STEWARD, AT
    )
    assert state(item) == "returned"
    with pytest.raises(Refused, match="words: mended"):
        submit(item, "2027-Q1", "2027-02-28", "", "", FACTS, OFFICER, AT)
    item = submit(item, "2027-Q1", "2027-02-28", "The gauge was blocked", "", FACTS, OFFICER, AT)
    item = approve(item, "2027-Q1", True, "", item.revision, STEWARD, AT)
    item = publish(item, "2027-Q1", item.revision, STEWARD, AT)
    assert state(item) == "published"
    assert [event.what for event in item.events] == [
        "proposed", "listed", "submitted", "returned", "submitted", "approved", "published",
    ]  # fmt: skip
    assert item.events[3].findings == ("Row 7 has rain of 900 mm",)
    assert all(event.at and event.by.account for event in item.events)
    item = recall(item, "2027-Q1", "The unit was wrong", item.revision, STEWARD, AT)
    assert state(submit(item, "2027-Q1", "", "Unit mended", "", FACTS, OFFICER, AT)) == "submitted"


def test_priority_data_goes_by_the_pembina_and_back_by_the_walidata() -> None:
    item = handed_over(msgspec.structs.replace(PLAN, priority="Floods, in the action plan"))
    item = approve(item, "2027-Q1", True, "", item.revision, STEWARD, AT)
    assert state(item) == "supervision"
    with pytest.raises(Changed):
        publish(item, "2027-Q1", item.revision, STEWARD, AT)
    item = refer(
        item, "2027-Q1", ("The definition is not the standard's",), "", item.revision, SUPERVISOR, AT
    )
    assert state(item) == "referred"
    with pytest.raises(Refused, match="despite"):
        approve(item, "2027-Q1", True, "", item.revision, STEWARD, AT)
    back = send_back(item, "2027-Q1", ("Use the standard's",), "", item.revision, STEWARD, AT)
    assert state(back) == "returned"
    item = approve(item, "2027-Q1", True, "It is, see the annex", item.revision, STEWARD, AT)
    item = confirm(item, "2027-Q1", "", item.revision, SUPERVISOR, AT)
    assert state(publish(item, "2027-Q1", item.revision, STEWARD, AT)) == "published"


def test_nobody_examines_what_they_handed_over_and_nobody_is_overtaken() -> None:
    item = handed_over()
    with pytest.raises(Refused, match="own"):
        approve(item, "2027-Q1", True, "", item.revision, OFFICER, AT)
    with pytest.raises(Changed):
        approve(item, "2027-Q1", True, "", item.revision - 1, STEWARD, AT)
    with pytest.raises(Refused, match="despite"):
        approve(item, "2027-Q1", False, " ", item.revision, STEWARD, AT)
    with pytest.raises(Refused, match="findings"):
        send_back(item, "2027-Q1", (), "", item.revision, STEWARD, AT)
    with pytest.raises(Changed):
        submit(item, "2027-Q1", "", "", "", FACTS, OFFICER, AT)
    with pytest.raises(Refused, match="link: material"):
        submit(listed(), "2027-Q1", "", "", "", None, OFFICER, AT)
    with pytest.raises(Refused, match="link: link"):
        submit(listed(), "2027-Q1", "", "", "javascript:alert(1)", None, OFFICER, AT)
    with pytest.raises(Refused, match="reason"):
        amend(listed(), msgspec.structs.replace(PLAN, first="2027-03-01"), "", 2, OFFICER, AT)
    with pytest.raises(Changed):
        submit(withdraw(listed(), "No money", STEWARD, AT), "2027-Q1", "", "", "", FACTS, OFFICER, AT)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": {"en": "", "id": ""}}, "title-id: words"),
        ({"producer": " "}, "producer: words"),
        ({"frequency": "often"}, "frequency: choose"),
        ({"access": "secret"}, "access: choose"),
        ({"first": "2026-12-31"}, "first: year"),
        ({"first": "soon"}, "first: date"),
        ({"statistics": Statistics(variables=({"concept": "Rain"},))}, "variables-0-name: named"),
    ],
)
def test_a_plan_that_is_not_right_says_where(changed: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        propose("D", "town", 2027, msgspec.structs.replace(PLAN, **changed), OFFICER, AT)


@given(st.sampled_from(FREQUENCIES), st.dates(dt.date(2027, 1, 1), dt.date(2027, 12, 31)))
def test_every_release_lies_in_the_year_after_the_first(frequency: Frequency, first: dt.date) -> None:
    plan = msgspec.structs.replace(PLAN, frequency=frequency, first=first.isoformat())
    found = days_of(plan, 2027)
    days = [day for _name, day in found]
    assert days[0] == first
    assert days == sorted(set(days))
    assert all(day.year == 2027 for day in days)
    assert len({name for name, _day in found}) == len(found)
    step = {"monthly": 1, "quarterly": 3, "halfyearly": 6}.get(frequency, 12)
    assert len(days) == (12 - first.month) // step + 1


def test_a_month_too_short_has_its_last_day() -> None:
    plan = msgspec.structs.replace(PLAN, frequency="monthly", first="2027-01-31")
    assert [day.day for _name, day in days_of(plan, 2027)][:4] == [31, 28, 31, 30]


def test_who_is_late_and_by_how_many_days() -> None:
    allowed = Allowed(examine=10, mend=7)
    day = dt.date(2027, 6, 10)
    item = handed_over(at="2027-03-02T01:00:00+00:00")
    first, second, *_rest = releases(item, allowed)
    assert (first.holder, first.late(dt.date(2027, 3, 12)), first.late(dt.date(2027, 3, 13))) == (
        "walidata",
        0,
        1,
    )
    assert first.overdue(day) == 2, "handed over two days after its day"
    assert (second.due, second.holder, second.late(day)) == (dt.date(2027, 5, 28), "producer", 13)
    back = send_back(item, "2027-Q1", ("Mend it",), "", item.revision, STEWARD, "2027-06-01T00:00:00+00:00")
    mending = releases(back, allowed)[0]
    assert (mending.until, mending.late(dt.date(2027, 6, 8)), mending.late(day)) == (
        dt.date(2027, 6, 8),
        0,
        2,
    )
    other = msgspec.structs.replace(PLAN, producer="Dinkes", first="2027-12-01", frequency="yearly")
    found = agencies(
        year_of([back, listed(other), propose("D", "town", 2027, other, OFFICER, AT)], allowed), day
    )
    assert [(one.name, one.planned, one.due, one.punctual, one.late, one.days) for one in found] == [
        ("BPBD", 1, 2, 0, 2, 15),
        ("Dinkes", 1, 0, 0, 0, 0),
    ]


def test_the_days_allowed_are_the_places_own(tmp_path: Path) -> None:
    assert allowed_of(Place("town", "city", tmp_path, {})) == Allowed(14, 14)
    assert allowed_of(Place("town", "city", tmp_path, {"data_plan": {"examine": 5}})) == Allowed(5, 14)
    for wrong in ({"exam": 5}, {"examine": 0}, {"examine": True}, 5):
        with pytest.raises(ConfigError, match="data_plan"):
            allowed_of(Place("town", "city", tmp_path, {"data_plan": wrong}))


def test_the_list_is_kept_and_the_catalogue_told(store: EntityStore) -> None:
    made = desk.add(store, "town", 2027, PLAN, OFFICER, AT)
    again = desk.add(store, "town", 2027, PLAN, OFFICER, AT)
    assert (made.key, again.key) == ("D-2027-001", "D-2027-002")
    assert desk.years(store) == [("town", 2027)]
    assert desk.items(store, "bay", 2027) == desk.items(store, "town", 2026) == []

    def step(work: object) -> Item:
        return desk.change(store, "town", 2027, made.key, work)  # type: ignore[arg-type]

    step(lambda one: enlist(one, 1, STEWARD, AT))
    step(lambda one: submit(one, "2027-Q1", "2027-02-28", "", "", FACTS, OFFICER, AT))
    step(lambda one: approve(one, "2027-Q1", True, "", one.revision, STEWARD, AT))
    assert desk.released(store, "town", "rain") is None, "approved is not published"
    with pytest.raises(Changed):
        step(lambda one: publish(one, "2027-Q1", 0, STEWARD, AT))
    item = step(lambda one: publish(one, "2027-Q1", one.revision, STEWARD, AT))
    found = desk.released(store, "town", "rain")
    assert found is not None
    assert (found.period, found.approved, found.published) == ("2027-Q1", AT, AT)
    assert desk.item(store, "town", 2027, made.key) == item
    step(lambda one: recall(one, "2027-Q1", "Wrong unit", one.revision, STEWARD, AT))
    assert desk.released(store, "town", "rain") is None
    with pytest.raises(KeyError):
        desk.change(store, "town", 2027, "D-2027-999", lambda one: one)


def test_a_list_from_a_file_and_from_the_year_before(store: EntityStore, tmp_path: Path) -> None:
    path = tmp_path / "2028.yaml"
    path.write_text(
        "data:\n  - {title: Rain, producer: BPBD, frequency: monthly, first: 2028-02-29}\n"
        "  - {title: Roads, producer: PUPR, frequency: yearly, first: 2028-06-30, priority: Mobility}\n"
    )
    plans = taking.plans_of(path, 2028)
    assert len(taking.take(store, "town", 2028, plans, STEWARD, AT, listed=True)) == 2
    assert taking.take(store, "town", 2028, plans, STEWARD, AT) == [], "a second time changes nothing"
    next_year = taking.carried(desk.items(store, "town", 2028), 2029)
    assert [plan.first for plan in next_year] == ["2029-02-28", "2029-06-30"]
    assert taking.take(store, "town", 2029, next_year, STEWARD, AT)[1].plan.priority == "Mobility"
    for text, said in (
        ("data: []", "must be a list"),
        ("rows: []", "rows: unknown key"),
        (
            "data: [{title: Rain, first: 2028-01-01, frequency: often, producer: BPBD}]",
            "frequency is not right",
        ),
        (
            "data: [{title: Rain, first: 2027-01-01, frequency: yearly, producer: BPBD}]",
            "the list is of 2028",
        ),
        ("data: [{title: Rain, when: 2028-01-01}]", "data 1.when: unknown key"),
        ("data: [{title: Rain, first: 2028-01-01, statistics: {std: {}}}]", "did you mean 'standard'"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            taking.plans_of(path, 2028)


def test_the_release_before_is_known() -> None:
    item = handed_over()
    item = submit(item, "2027-Q2", "2027-05-28", "", "", msgspec.structs.replace(FACTS, run=9), OFFICER, AT)
    before = submission_before(item, "2027-Q3")
    assert before is not None
    assert before.facts is not None
    assert before.facts.run == 9
    assert submission_before(item, "2027-Q1") is None


def test_what_is_declared_twice_and_what_is_missing() -> None:
    assert "unknown key; did you mean 'concept'" in problem({"standard": {"concpt": "Rain"}})
    assert "stands twice" in problem({"variables": [{"name": "rain"}, {"name": "rain"}]})
    assert "needs a name" in problem({"indicators": [{"concept": "Rain"}]})
    mine = read({"standard": {"unit": "mm"}, "variables": [{"name": "rain", "public": True}]})
    other = read(
        {"standard": {"unit": "cm", "concept": "Rain"}, "variables": [{"name": "rain", "type": "number"}]}
    )
    both = mine.over(other)
    assert both.standard == {"unit": "mm", "concept": "Rain"}
    assert both.variables == ({"name": "rain", "public": "yes", "type": "number"},)
    assert both.gaps()["standard"] == ("definition", "classification", "measure")
    assert both.gaps()["variables"] == ("rain.concept", "rain.definition")
    assert "indicators" not in both.gaps()
