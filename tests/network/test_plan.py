"""Action plans: their parts, two who write at once, where they stand by the rules, and their files there and back."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import xlsxwriter

from mahakam.config import ConfigError, Place
from mahakam.faults import Changed, Fault, Refused
from mahakam.network import plan_file, plan_steps
from mahakam.network.cycle import Year, current, cycles_of, noted, rules_of
from mahakam.network.measured import Measured
from mahakam.network.plan import Milestone, Outcome, Plan, Progress, Project, Text, mark
from mahakam.network.plan_rows import number
from mahakam.network.plan_status import Rules, standing_of
from mahakam.network.plans import change_plan, changes, plan
from mahakam.network.recommendation import Author, Evidence
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

EXAMPLE = Path(__file__).parents[2] / "examples/kaltim/samarinda/plan.yaml"
BY = Author("budi", "Budi", "city_officer", "samarinda")
NOW, TODAY = "2026-11-26T00:00:00+00:00", dt.date(2026, 11, 26)


def cited(lines: Sequence[str], field: str) -> tuple[tuple[Evidence, ...], list[Fault]]:
    wrong = [Fault(field, "address", {"what": one}) for one in lines if "/" not in one]
    return tuple(Evidence(one.rpartition(" ")[2], one) for one in lines), wrong


def read(content: bytes, ending: plan_file.Ending = "yaml") -> plan_file.Found:
    return plan_file.read_plan(content, ending, cited, BY, NOW, TODAY)


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path)
    yield opened.tenant()
    opened.close()


@pytest.fixture
def example() -> Plan:
    found = read(EXAMPLE.read_bytes())
    return plan_file.taken(Plan(key=found.city), found, mark(Text()), TODAY)


@pytest.mark.parametrize("ending", plan_file.ENDINGS)
def test_a_plan_comes_back_from_its_file_as_it_was(example: Plan, ending: plan_file.Ending) -> None:
    content = plan_file.written(example, ending, lambda one: one.name)
    again = read(content, ending)
    assert again.text == example.text
    with pytest.raises(Refused, match="form: same"):  # what was reported is not reported twice
        plan_file.taken(example, again, mark(example.text), TODAY)


def test_a_file_adds_what_was_reported_since_and_meets_nobody(example: Plan) -> None:
    found = read(plan_file.written(example, "yaml", lambda one: one.name))
    said = Progress(at=NOW, by=BY, year=2026, project="P2", text="Sites are looked at.")
    more = plan_file.Found(found.city, found.text, (*found.progress, said))
    after = plan_file.taken(example, more, "", TODAY)
    assert [one.project for one in after.progress] == ["P1", "P2"]
    other = plan_file.Found(found.city, msgspec.structs.replace(found.text, outcomes=()), ())
    with pytest.raises(Changed):
        plan_file.taken(example, other, mark(Text()), TODAY)
    sent = plan_steps.send(after, 2026, "", BY, NOW)
    late = msgspec.structs.replace(said, text="One more thing.")
    with pytest.raises(Refused, match="sent"):
        plan_file.taken(sent, plan_file.Found(found.city, found.text, (late,)), "", TODAY)


def test_every_fault_of_a_workbook_names_its_row_and_column(example: Plan) -> None:
    content = plan_file.written(example, "xlsx", lambda one: one.name)
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    tables = {one: book.get_sheet_by_name(one).to_python() for one in book.sheet_names}
    column = tables["projects"][0].index
    tables["projects"][1][column("budget")] = "12 M"
    tables["projects"][2][column("area")] = "Environment"
    tables["milestones"][2][3 + 1] = "30/06/2026"
    tables["outcomes"][1][3] = "P9"
    tables["progress"][1][2] = "M7 2026-01-01"
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as out:
        for name, rows in tables.items():
            sheet = out.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    with pytest.raises(Refused) as refused:
        read(file.getvalue(), "xlsx")
    found = {one.field: one.code for one in refused.value.faults}
    assert found == {
        "projects, row 2, budget": "cell_number",
        "projects, row 3, area": "area",
        "milestones, row 3, due": "cell_date",
        "outcomes, row 2, project": "no_project",
        "progress, row 2, done": "no_milestone",
    }


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        (b"a: [", "file", "yaml"),
        (b"- 1", "file", "no_plan"),
        (b"visoin: x", "file", "column"),
        (b"projects: 3", "projects", "list"),
        (b"projects: [{titel: x}]", "projects, entry 1", "column"),
        (b"projects: [{milestones: 1}]", "projects, entry 1, milestones", "list"),
        (b"until: soon", "plan, until", "cell_year"),
        (b"city: &a [x, x]\nvision: [*a, *a]", "file", "yaml"),
        (b"\xff\xfe\x00", "file", "yaml"),
    ],
)
def test_what_is_no_plan_is_said(content: bytes, field: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read(content)
    assert (field, code) in {(one.field, one.code) for one in refused.value.faults}


def test_what_is_no_workbook_is_said() -> None:
    with pytest.raises(Refused, match="workbook"):
        read(b"PK no", "xlsx")


def test_a_stray_cell_far_away_is_said_and_not_held() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.add_worksheet("plan").write_string(1_048_575, 16_383, "x")
    with pytest.raises(Refused) as refused:
        read(file.getvalue(), "xlsx")
    assert refused.value.faults == (Fault("file", "sprawling", {"rows": 1_048_576, "columns": 16_384}),)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(70 * 2**20))
    assert len(file.getvalue()) < 2**20
    with pytest.raises(Refused, match="unpacked"):
        read(file.getvalue(), "xlsx")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1.200.000", 1200000),
        ("1,200,000", 1200000),
        ("12,5", 12.5),
        ("12.5", 12.5),
        ("0.125", 0.125),
        (" ", None),
    ],
)
def test_numbers_as_people_type_them(typed: str, meant: float | None) -> None:
    assert number(typed) == meant


def project(**changed: object) -> Project:
    given: dict[str, object] = {
        "key": "P1", "title": {"id": "Kolam"}, "area": "Quality Environment", "begins": "2026-01-01",
        "ends": "2026-12-31", "budget": 10, "currency": "IDR", "source": "City", "running_cost": 1,
        "running_source": "City",
        "milestones": (Milestone(key="M1", text={"en": "a"}, due="2026-06-30"),
                       Milestone(key="M2", text={"en": "b"}, due="2026-12-31")),
    } | changed  # fmt: skip
    return Project(**given)  # type: ignore[arg-type]


def of(
    one: Project,
    done: dict[str, str] | None = None,
    outcomes: tuple[Outcome, ...] = (),
    spent: float | None = None,
) -> Plan:
    said = Progress(at=NOW, by=BY, year=2026, project="P1", done=done or {}, spent=spent)
    return Plan(key="x", text=Text(projects=(one,), outcomes=outcomes), progress=(said,))


def nothing(_place: str, _indicator: str) -> list[Measured]:
    return []


@pytest.mark.parametrize(
    ("day", "done", "state", "codes"),
    [
        ("2026-03-01", {}, "on_track", []),
        ("2026-05-01", {}, "at_risk", ["behind"]),
        ("2026-07-15", {}, "at_risk", ["overdue", "behind"]),
        ("2026-08-15", {}, "late", ["overdue", "behind"]),
        ("2026-08-15", {"M1": "2026-08-01"}, "on_track", []),
        ("2027-01-05", {"M1": "2026-08-01"}, "late", ["past_end", "overdue", "behind"]),
        ("2027-01-05", {"M1": "2026-08-01", "M2": "2026-12-01"}, "done", []),
    ],
)
def test_where_a_project_stands(day: str, done: dict[str, str], state: str, codes: list[str]) -> None:
    found = standing_of(of(project(), done), nothing, Rules(), dt.date.fromisoformat(day)).projects[0]
    assert (found.state, [one.code for one in found.reasons]) == (state, codes)


@pytest.mark.parametrize(
    ("value", "state"), [(10, "behind"), (8, "on_path"), (7.5, "on_path"), (4, "met"), (13, "behind")]
)
def test_an_indicator_against_its_path(value: float, state: str) -> None:
    outcome = Outcome(
        place="x", indicator="i", project="P1", baseline_year=2021, baseline=12, target_year=2031, target=4
    )
    values = [Measured("urn:1", "2021", 11, "d/a", {}), Measured("urn:2", "2026", value, "d/a", {})]
    found = standing_of(of(project(), outcomes=(outcome,)), lambda *_: values, Rules(), dt.date(2026, 3, 1))
    one = found.outcomes[0]
    assert (one.state, one.expected) == (state, 8)
    assert one.baseline_differs, "the plan says 12, the node measured 11"
    assert found.projects[0].state == ("at_risk" if state == "behind" else "on_track")
    late = [Measured("urn:3", "2031", 5, "d/a", {})]
    assert standing_of(of(project(), outcomes=(outcome,)), lambda *_: late, Rules(), TODAY).state == "late"


def test_more_spent_than_there_was_is_a_risk() -> None:
    found = standing_of(of(project(), {"M1": "2026-02-01"}, spent=11), nothing, Rules(), dt.date(2026, 3, 1))
    assert [one.code for one in found.projects[0].reasons] == ["over_budget"]


def test_two_who_write_the_same_part_do_not_lose_it(example: Plan) -> None:
    frame, first = example.text.frame, example.text.projects[0]
    seen, seen_project = mark(frame), mark(first)
    after = plan_steps.write_frame(example, msgspec.structs.replace(frame, until=2035), seen)
    with pytest.raises(Changed):
        plan_steps.write_frame(after, msgspec.structs.replace(frame, until=2040), seen)
    both = plan_steps.write_project(after, msgspec.structs.replace(first, budget=1.0), seen_project)
    assert (both.text.frame.until, both.text.projects[0].budget) == (2035, 1.0), "different parts do not meet"


def test_a_year_is_reported_sent_given_back_and_taken_in(example: Plan) -> None:
    with pytest.raises(Refused, match="unreported"):
        plan_steps.send(example, 2026, "", BY, NOW)
    said = Progress(at=NOW, by=BY, year=2026, project="P2", text="Sites are looked at.")
    reported = plan_steps.report(example, said, TODAY)
    sent = plan_steps.send(reported, 2026, "All of it", BY, NOW)
    with pytest.raises(Refused, match="sent"):
        plan_steps.report(sent, said, TODAY)
    with pytest.raises(Refused, match="reason"):
        plan_steps.give_back(sent, 2026, " ", BY, NOW)
    again = plan_steps.send(plan_steps.give_back(sent, 2026, "Say more", BY, NOW), 2026, "", BY, NOW)
    taken = plan_steps.take_in(again, 2026, BY, NOW)
    assert [one.state for one in taken.updates] == ["sent", "returned", "sent", "collated"]
    with pytest.raises(Changed):
        plan_steps.take_in(taken, 2026, BY, NOW)


def test_a_milestone_reached_needs_evidence(example: Plan) -> None:
    said = Progress(at=NOW, by=BY, year=2026, project="P1", text="Done.", done={"M2": "2026-12-24"})
    with pytest.raises(Refused) as refused:
        plan_steps.report(example, said, TODAY)
    assert {one.code for one in refused.value.faults} == {"ahead", "proof"}


def test_a_project_removed_keeps_its_key(example: Plan) -> None:
    gone = plan_steps.remove_project(example, "P1", mark(example.text.projects[0]))
    added = plan_steps.write_project(gone, project(key=""), "")
    assert [one.key for one in added.text.projects] == ["P2", "P3"]
    assert [one.project for one in added.text.outcomes] == ["", "P2"]


def test_it_is_kept_with_what_stood_before(store: EntityStore, example: Plan) -> None:
    step = lambda found: plan_steps.write_all(found, example.text, mark(found.text))  # noqa: E731
    change_plan(store, "samarinda", step, BY, NOW, "file", lambda found: found.text)
    other = msgspec.structs.replace(example.text.frame, until=2040)
    change_plan(
        store,
        "samarinda",
        lambda found: plan_steps.write_frame(found, other, mark(found.text.frame)),
        BY,
        NOW,
        "frame",
        lambda found: found.text.frame,
    )
    assert plan(store, "samarinda").text.frame.until == 2040
    kept = changes(store, "samarinda")
    assert [one.what for one in kept] == ["frame", "file"]
    assert '"until":2030' in kept[0].before


def place(tmp_path: Path, **facts: object) -> Place:
    return Place("n", "network", tmp_path, {"name": "N", **facts})


def test_the_cycle_under_way(tmp_path: Path) -> None:
    days = {
        "opens": (1, 1),
        "cities": (4, 30),
        "collated": (5, 31),
        "report": (8, 31),
        "meeting": (7, 20),
        "leaders": (10, 31),
    }
    years = [
        {"year": year} | {name: dt.date(year, *day) for name, day in days.items()} for year in (2027, 2026)
    ]
    cycles = cycles_of(place(tmp_path, cycle=years))
    assert [one.year for one in cycles] == [2026, 2027]
    found = [current(cycles, day) for day in (dt.date(2025, 1, 1), TODAY, dt.date(2027, 1, 1))]
    assert [one.year if one else 0 for one in found] == [2026, 2026, 2027]
    kept = noted(Year(key="2026"), "report", "https://example.org", BY, NOW)
    with pytest.raises(Changed):
        noted(kept, "report", "Again", BY, NOW)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"cycle": 1}, "must be a list"),
        ({"cycle": [{"year": 2026, "opnes": 1}]}, "did you mean 'opens'"),
        ({"cycle": [{"year": "x"}]}, "year must be a year"),
        ({"cycle": [{"year": 2026, "opens": "x"}]}, "opens must be a date"),
        ({"plans": {"behind_by": 2}}, "behind_by must be a share"),
        ({"plans": {"late": 2}}, "unknown key 'late'"),
    ],
)
def test_a_wrong_cycle_or_rule_is_said(tmp_path: Path, facts: dict[str, object], said: str) -> None:
    wrong = place(tmp_path, **facts)
    with pytest.raises(ConfigError, match=said):
        (cycles_of if "cycle" in facts else rules_of)(wrong)
