"""The register of breaches: its clock at the edges, its notices, who keeps it, and the warnings before it runs out."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mahakam.access.accounts import add_account
from mahakam.access.policy import Principal
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.cli import cli
from mahakam.services import breach as register
from mahakam.services import outbox
from mahakam.services.breach import Breach, BreachError
from mahakam.web.breach_letters import BreachLetters
from support.portal import Portal, two_cities

FOUND = dt.datetime(2026, 11, 24, 8, 30, tzinfo=dt.UTC)
WORDS = {
    "happened": "On 23 November a list went to the wrong address by mail.",
    "data": "Names, NIK and telephone numbers",
    "concerned": "Applicants for a market stall",
    "handling": "The receiver has deleted it; lists go out without NIK now.",
}
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)
DUE = FOUND + dt.timedelta(days=3)
LESSONS = "Lists are sent from the system, not by mail."


@pytest.fixture
def portal(tmp_path: Path, store_url: str) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    city = places / "prov/town/city.yaml"
    city.write_text(city.read_text() + "alerts: {mail: [walidata@town.example.id], language: en}\n")
    with Portal(
        tmp_path / "data", places, store=store_url, smtp="smtp://127.0.0.1:9", mail_from="a@b.id"
    ) as made:
        yield made


def enter(
    portal: Portal, place: str = "town", found: dt.datetime = FOUND, now: dt.datetime = FOUND, **more: Any
) -> Breach:
    store = portal.node.store.tenant()
    return register.record(store, place, found.isoformat(), WORDS, "siti", now=now, **more)


def one(**more: Any) -> Breach:
    return Breach("2026-001", "town", FOUND.isoformat(), by="siti", at="", **WORDS, **more)


@pytest.mark.parametrize(
    ("left", "state", "warnings"),
    [
        (72 * HOUR, "running", 0),
        (24 * HOUR + SECOND, "running", 0),
        (24 * HOUR, "soon", 1),
        (6 * HOUR + SECOND, "soon", 1),
        (6 * HOUR, "soon", 2),
        (SECOND, "soon", 2),
        (0 * HOUR, "soon", 2),
        (-SECOND, "over", 3),
        (-1000 * HOUR, "over", 3),
    ],
)
def test_the_clock_at_its_edges(left: dt.timedelta, state: str, warnings: int) -> None:
    found, now = one(), DUE - left
    assert found.due == DUE
    assert found.left(now) == left
    assert found.state(now) == state
    assert found.warnings(now) == warnings


@pytest.mark.parametrize(("after", "late"), [(-SECOND, False), (0 * HOUR, False), (SECOND, True)])
def test_a_notice_at_the_very_end_is_in_time(portal: Portal, after: dt.timedelta, late: bool) -> None:
    store, made = portal.node.store.tenant(), enter(portal)
    sent = DUE + after
    for addressee in register.ADDRESSEES:
        register.notify(store, made.id, addressee, "siti", "letter", sent.isoformat(), now=sent)
    found = register.breach(store, made.id)
    assert found is not None
    assert [found.late(name) for name in register.ADDRESSEES] == [late, late]
    assert found.state(sent) == ("late" if late else "met")
    assert found.owed == ()
    assert found.warnings(DUE + 100 * HOUR) == 0, "what was sent is warned of no more"


def test_one_notice_is_not_both(portal: Portal) -> None:
    store, made = portal.node.store.tenant(), enter(portal)
    found = register.notify(store, made.id, "persons", "siti", "mail", DUE.isoformat(), now=DUE)
    assert found.owed == ("authority",)
    assert found.state(DUE + SECOND) == "over"
    with pytest.raises(BreachError, match="notified"):
        register.notify(store, made.id, "persons", "siti", "mail", DUE.isoformat(), now=DUE)


@given(
    zone=st.integers(-12 * 60, 14 * 60),
    at=st.datetimes(min_value=dt.datetime(2026, 1, 1), max_value=dt.datetime(2030, 1, 1)),
)
def test_the_clock_is_three_full_days_wherever_it_was_found(zone: int, at: dt.datetime) -> None:
    moment = at.replace(microsecond=0, tzinfo=dt.timezone(dt.timedelta(minutes=zone)))
    kept = register.moment(moment.isoformat(), moment)
    found = Breach("x", "", kept, by="", at="", **WORDS)
    assert (found.due - moment).total_seconds() == 3 * 24 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-24T08:30",
        "2026-11-24",
        "9999-12-31T23:00+00:00",
        "0001-01-01T00:00+14:00",
        "\x00",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BreachError):
        register.moment(text, FOUND)


def test_an_entry_says_everything_that_is_wrong_with_it(portal: Portal) -> None:
    store = portal.node.store.tenant()
    later = (FOUND + HOUR).isoformat()
    with pytest.raises(BreachError) as refused:
        register.record(
            store, "town", later, {"data": "NIK", "concerned": "x" * 9000}, "siti", persons=-1, now=FOUND
        )
    assert refused.value.faults == {
        "happened": "short",
        "data": "short",
        "concerned": "long",
        "handling": "short",
        "persons": "number",
        "found": "future",
    }
    assert register.breaches(store) == []


def test_it_is_closed_with_lessons_after_its_notices_and_then_stays(portal: Portal) -> None:
    store, made = portal.node.store.tenant(), enter(portal, persons=40)
    with pytest.raises(BreachError, match="owed"):
        register.close(store, made.id, "siti", LESSONS)
    for name in register.ADDRESSEES:
        register.notify(store, made.id, name, "siti", "letter", FOUND.isoformat(), now=FOUND)
    with pytest.raises(BreachError, match="short"):
        register.close(store, made.id, "siti", "-")
    done = register.close(store, made.id, "siti", LESSONS)
    assert (done.lessons, done.closed_by, done.state(DUE)) == (LESSONS, "siti", "closed")
    for act in (
        lambda: register.close(store, made.id, "siti", LESSONS),
        lambda: register.amend(store, made.id, WORDS),
        lambda: register.notify(store, made.id, "persons", "siti", "x", FOUND.isoformat()),
    ):
        with pytest.raises(BreachError, match="closed"):
            act()
    with pytest.raises(BreachError, match="none"):
        register.amend(store, "2026-999", WORDS)


def test_what_was_no_breach_is_closed_with_the_reason(portal: Portal) -> None:
    store, made = portal.node.store.tenant(), enter(portal)
    done = register.close(store, made.id, "siti", "The list had only public data in it.", "unfounded")
    assert done.owed == ()
    assert done.warnings(DUE + HOUR) == 0


def test_every_step_is_in_the_audit_trail(portal: Portal) -> None:
    store, made = portal.node.store.tenant(), enter(portal)
    register.amend(store, made.id, WORDS, persons=3)
    register.notify(store, made.id, "persons", "siti", "letter", FOUND.isoformat(), now=FOUND)
    register.close(store, made.id, "siti", LESSONS, "unfounded")
    found = store.audit_entries(action="breach.save", object=f"breach/{made.id}")
    assert len(found) == 4


# Warnings.


def letters(portal: Portal) -> list[tuple[str, str]]:
    kept = sorted(portal.node.store.tenant().records(outbox.KIND).items())
    return [(raw["to"], raw["subject"]) for _, raw in kept]


def test_somebody_is_warned_before_the_clock_runs_out_and_once_each_time(portal: Portal) -> None:
    store = portal.node.store.tenant()
    add_account(store, "siti@town.example.id", "correct horse battery", ["steward"], ["town"])
    add_account(store, "budi@bay.example.id", "correct horse battery", ["steward"], ["bay"])
    add_account(store, "ani@town.example.id", "correct horse battery", ["officer"], ["town"])
    enter(portal)
    look = BreachLetters(portal.node).look
    assert look(DUE - 25 * HOUR) == 0
    assert letters(portal) == []
    expected = []
    for left, said in (
        (24 * HOUR, "24 hours 0 minutes left"),
        (5 * HOUR, "5 hours 0 minutes left"),
        (-2 * HOUR, "out for 2 hours 0 minutes"),
    ):
        assert look(DUE - left) == 1
        assert look(DUE - left) == 0, "told already"
        expected += [(to, said) for to in ("walidata@town.example.id", "siti@town.example.id")]
        assert [(to, subject.partition(": ")[2]) for to, subject in letters(portal)] == expected
    assert look(DUE + 500 * HOUR) == 0


def test_a_node_that_was_down_warns_of_the_latest_alone(portal: Portal) -> None:
    enter(portal)
    look = BreachLetters(portal.node).look
    assert look(DUE + HOUR) == 1
    assert len(letters(portal)) == 1
    assert look(DUE + 2 * HOUR) == 0


# Pages.


def browser(portal: Portal, role: str | None, place: str = "town") -> Any:
    asker = portal.browser()
    if role:
        store = portal.node.store.tenant()
        value = begin_demo_session(store, Principal(f"one-{role}", (role,), (place,)))
        asker.cookies[cookie_name(store)] = value
    return asker


def fields(page: str, **more: str) -> dict[str, str]:
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    return {"form": token.group(1), **more}


def test_the_register_is_kept_on_its_page(portal: Portal) -> None:
    steward = browser(portal, "steward")
    page = steward.get("/breaches?lang=en").text
    assert "No breach is in the register" in page
    typed = fields(page, place="town", found="2026-11-24T16:30", **WORDS)
    wrong = steward.post("/breaches", typed | {"data": "NIK"})
    assert wrong.status_code == 422
    assert WORDS["happened"] in html.unescape(wrong.text), "what was typed stays"
    made = steward.post("/breaches", typed)
    assert made.status_code == 303, made.text
    path = made.headers["location"]
    kept = register.breaches(portal.node.store.tenant())[0]
    assert kept.found == "2026-11-24T08:30:00Z", "the field is in the town's time"
    shown = html.unescape(steward.get(path).text)
    assert all(text in shown for text in WORDS.values())
    for name in register.ADDRESSEES:
        sent = steward.post(
            path,
            fields(steward.get(path).text, do="notify", addressee=name, how="letter", at="2026-11-25T09:00"),
        )
        assert sent.status_code == 303, sent.text
    early = steward.post(path, fields(steward.get(path).text, do="close", lessons="x"))
    assert early.status_code == 422
    assert steward.post(path, fields(steward.get(path).text, do="close", lessons=LESSONS)).status_code == 303
    assert LESSONS in html.unescape(steward.get(path).text)
    assert kept.id in steward.get("/breaches.csv").text


@pytest.mark.parametrize(
    ("role", "place", "may"),
    [
        ("steward", "town", True), ("admin", "*", True), ("steward", "prov", True),
        ("admin", "bay", False), ("steward", "bay", False), ("officer", "town", False), ("head", "*", False),
        ("supervisor", "town", False), ("resident", "town", False), (None, "", False),
    ],
)  # fmt: skip
def test_who_keeps_the_register(portal: Portal, role: str | None, place: str, may: bool) -> None:
    made = enter(portal)
    asker = browser(portal, role, place)
    listed = asker.get("/breaches.csv")
    assert (listed.status_code == 200 and made.id in listed.text) == may
    shown = asker.get(f"/breaches/{made.id}")
    assert (shown.status_code == 200) == may
    assert (WORDS["data"] in shown.text) == may
    token = fields(shown.text)["form"] if may else "x"
    changed = asker.post(
        f"/breaches/{made.id}", {"form": token, "do": "close", "lessons": LESSONS, "outcome": "unfounded"}
    )
    assert (changed.status_code == 303 and changed.headers["location"] == f"/breaches/{made.id}") == may
    found = register.breach(portal.node.store.tenant(), made.id)
    assert found is not None
    assert bool(found.closed) == may


def test_the_node_s_own_are_for_who_keeps_it_everywhere(portal: Portal) -> None:
    made = enter(portal, place="")
    assert browser(portal, "steward").get(f"/breaches/{made.id}").status_code == 404
    assert browser(portal, "admin", "*").get(f"/breaches/{made.id}").status_code == 200
    steward = browser(portal, "steward")
    page = steward.get("/breaches").text
    for place in ("", "bay", "atlantis"):
        sent = steward.post("/breaches", fields(page, place=place, found="2026-11-24T16:30", **WORDS))
        assert sent.status_code in (403, 422), place
    assert len(register.breaches(portal.node.store.tenant())) == 1


# The command.


def test_the_command(tmp_path: Path) -> None:
    common = ["--data", str(tmp_path / "data"), "--config", str(two_cities(tmp_path / "places"))]

    def run(*words: str) -> Any:
        return CliRunner().invoke(cli, ["breach", *words, *common], standalone_mode=False)

    now = dt.datetime.now(dt.UTC)
    old = (now - 80 * HOUR).isoformat()
    texts = [
        "--happened",
        WORDS["happened"],
        "--what",
        WORDS["data"],
        "--whose",
        WORDS["concerned"],
        "--done",
        WORDS["handling"],
    ]
    assert run("list").return_value == 0
    made = run("record", "--place", "town", "--found", old, *texts)
    id = made.stdout.strip()
    assert re.fullmatch(r"\d{4}-001", id), made.output
    assert run("list").return_value == 1, "a clock has run out"
    text = run("text", id, "--to", "authority", "--language", "en").stdout
    assert all(part in text for part in WORDS.values())
    assert "How many persons" in text
    assert "How many persons" not in run("text", id, "--to", "persons", "--language", "en").stdout
    assert "Law 27/2022" not in run("text", id, "--to", "authority").stdout
    for name in register.ADDRESSEES:
        assert run("notify", id, "--to", name, "--how", "letter").stdout == "late\n"
    assert run("list").return_value == 0
    assert "closed" in run("close", id, "--lessons", LESSONS).stderr
    for words in (
        ("record", "--place", "gulf", "--found", old, *texts),
        ("record", "--found", "soon", *texts),
        ("text", "2020-001", "--to", "persons"),
        ("notify", id, "--to", "persons", "--how", "x"),
        ("close", "2020-001", "--lessons", LESSONS),
    ):
        done = run(*words)
        assert done.exception is not None, words
        assert done.exception.__class__.__name__ == "ClickException", done.exception


def test_what_is_missing_is_said_at_the_top_and_what_has_run_out_is_marked(portal: Portal) -> None:
    enter(portal, found=dt.datetime.now(dt.UTC) - dt.timedelta(days=4), now=dt.datetime.now(dt.UTC))
    steward = browser(portal, "steward")
    refused = steward.fill("/breaches?lang=en", {"place": "town"}, action="/breaches")
    assert refused.status_code == 422
    head, _table, form = refused.text.partition("<table")
    assert 'role="alert"' in head
    assert 'href="#enter"' in head
    assert 'id="enter"' in form
    assert 'class="chip bad"' in refused.text
    assert 'role="alert"' not in steward.get("/breaches").text
