"""Every page of the site in a real browser: accessible on a phone, whole at 200 %, readable without scripts.

The list below is held to the routes of the application: a page that is added and not looked at here fails.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from mahakam.access.accounts import add_account
from mahakam.app import Node
from mahakam.cli.demo import take_action_plans
from mahakam.config import Place, Settings
from mahakam.evaluation import kept as assessments
from mahakam.evaluation.files import Answer, Piece
from mahakam.feeds import definition, repair_links
from mahakam.feeds.standard import Statistics
from mahakam.feeds.year import desk as year
from mahakam.feeds.year import item as plan
from mahakam.indicators.definition import definitions_of
from mahakam.network import cooperation as cooperate
from mahakam.network import meeting, notice, question, questions
from mahakam.network.cooperation import About, Agreement, Cooperation, Party
from mahakam.network.desk import add_meeting, add_recommendation, change_recommendation
from mahakam.network.notices import add_notice, change_notice
from mahakam.network.offices import accept, appoint
from mahakam.network.recommendation import Action, Author, Claim, Evidence, Text, open_for_comment
from mahakam.nodes.member import note_contact
from mahakam.services import breach, followers, issued, kiosk, private
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk, revision_of
from mahakam.services.document_acts import judge, send
from mahakam.services.owner import key_of
from mahakam.services.request import Draft, Request
from mahakam.services.workflow import HEAD
from mahakam.solutions.adoption import KIND as ADOPTION
from mahakam.solutions.adoption import Adoption
from mahakam.store.protocol import EntityStore
from mahakam.web.letter import Letters, address
from mahakam.web.site import Site, build
from support.browser import launched, phone, serious
from support.copies import add_member, values_of
from support.copies import send as send_copies
from support.demo_part import CONFIG, EXAMPLES, part_of_demo
from support.node import RunningNode
from support.papers import photo

PASSWORD = "correct horse battery"
FILE = EXAMPLES / "ascn/jakarta/data/jakarta_fire_posts_2013.csv"
HELD = "jakarta", "fires-2013"
_NO_PAGES = (
    ".csv",
    ".json",
    ".atom",
    ".geojson",
    ".xlsx",
    ".js",
    ".pdf",
    ".jpg",
    ".ics",
    ".svg",
    ".webmanifest",
    ".jsonld",
    ".yaml",
    ".zip",
)
NO_PAGES = {
    "/static/{name:path}": "a file",
    "/sql.{ending}": "a file",
    "/trace/file/{run:int}/{sha256}": "a file, as it was read",
    "/queue/count": "a number for the page's script",
    "/verify/key.pem": "a file",
    "/requests/{number}/documents/{code}": "a file",
    "/signin/code": "leads to the sign-in page: it follows the password",
    "/signin/second-step": "leads to the sign-in page: it follows the password",
    "/signin/provider": "leads to the provider; tests/e2e/test_provider_browser.py goes there",
    "/signin/callback": "the way back from it, by the same test",
    "/signout": "leads to the sign-in page",
    "/cities": "leads to the first page",
    "/quarantine/{place}/{feed}/{id:int}/popup": "a part of the page, shown inside it",
    "/trace/popup": "a part of the page, shown inside it",
}
"""Routes that are asked with GET and are no page of their own, and why."""
PAGES = {
    "/": "/",
    "/about": "/about",
    "/account": "/account",
    "/audit": "/audit?action=sign-in",
    "/catalogue": "/catalogue",
    "/catalogue/{place}/{feed}": "/catalogue/samarinda/rain",
    "/breaches": "/breaches",
    "/breaches/{id}": "/breaches/BREACH",
    "/persons": "/persons",
    "/cities/{id}": "/cities/samarinda",
    "/cities/{id}/data/{type}": "/cities/samarinda/data/AdministrativeArea",
    "/cities/{id}/map": "/cities/samarinda/map",
    "/connect/{place}": "/connect/samarinda",
    "/connect/{place}/{id}": "DRAFT",
    "/connect/{place}/{id}/try": "DRAFT/try",
    "/developers": "/developers",
    "/evaluation/{place}": "/evaluation/samarinda",
    "/evaluation/{place}/new": "/evaluation/samarinda/new?framework=readiness&agency=BPBD+Samarinda",
    "/evaluation/{place}/{name}": "/evaluation/samarinda/readiness-bpbd-2026",
    "/evaluation/{place}/{name}/review": "/evaluation/samarinda/ASSESSED/review",
    "/field": "/field?city=samarinda",
    "/field/kept": "/field/kept",
    "/goals/{place}": "/goals/samarinda",
    "/goals/{place}/{name}": "/goals/samarinda/dry-streets?retention=10",
    "/indicators/{place}": "/indicators/samarinda",
    "/indicators/{place}/{name}": "/indicators/jakarta/unhealthy-days",
    "/insight": "/insight?city=samarinda",
    "/kiosk/{secret}": "/kiosk/KIOSK",
    "/kiosk/{secret}/thanks": "/kiosk/KIOSK/thanks",
    "/kiosks": "/kiosks",
    "/learning": "/learning",
    "/network/nodes": "/network/nodes",
    "/nodes/join": "/nodes/join",
    "/sharing": "/sharing",
    "/learning/{place}/{path}": "/learning/samarinda/first-indicator",
    "/my-requests": "/my-requests",
    "/network": "/network",
    "/network/candidacies": "/network/candidacies",
    "/network/capacity": "/network/capacity",
    "/network/candidacies/{city}": "/network/candidacies/samarinda",
    "/network/cooperation": "/network/cooperation",
    "/network/cooperation/new": "/network/cooperation/new?about=solution:samarinda/heavy-rain",
    "/network/cooperation/{key}": "/network/cooperation/AGREED",
    "/network/cooperation/{key}/agreement": "/network/cooperation/TALKED/agreement",
    "/network/cities/{place}": "/network/cities/tepian",
    "/network/indicators": "/network/indicators",
    "/network/indicators/{measure}": "/network/indicators/people-per-health-centre",
    "/network/join/{secret}": "/network/join/JOIN",
    "/network/matches": "/network/matches?city=samarinda",
    "/network/meetings": "/network/meetings",
    "/network/members": "/network/members?all=1",
    "/network/meetings/new": "/network/meetings/new",
    "/network/meetings/{key}": "/network/meetings/MEETING",
    "/network/meetings/{key}/edit": "/network/meetings/MEETING/edit",
    "/network/notices": "/network/notices",
    "/network/notices/new": "/network/notices/new",
    "/network/notices/{key}": "/network/notices/NOTICE",
    "/network/notices/{key}/edit": "/network/notices/NOTICE/edit",
    "/network/people": "/network/people",
    "/network/plans": "/network/plans",
    "/network/plans/{city}": "/network/plans/samarinda",
    "/network/plans/{city}/file": "/network/plans/samarinda/file",
    "/network/plans/{city}/progress": "/network/plans/samarinda/progress?project=P1",
    "/network/questions": "/network/questions",
    "/network/questions/new": "/network/questions/new?about=solution:samarinda/heavy-rain",
    "/network/questions/{key}": "/network/questions/QUESTION",
    "/network/recommendations": "/network/recommendations",
    "/network/recommendations/new": "/network/recommendations/new",
    "/network/recommendations/{key}": "/network/recommendations/ADVICE",
    "/network/recommendations/{key}/edit": "/network/recommendations/ADVICE/edit",
    "/network/report": "/network/report",
    "/network/report/cities/{city}": "/network/report/cities/samarinda",
    "/network/report/countries/{country}": "/network/report/countries/ID",
    "/network/solutions": "/network/solutions",
    "/network/solutions/bring": "/network/solutions/bring",
    "/network/solutions/{place}/{name}": "/network/solutions/kuala-lumpur/putrajaya-line",
    "/network/solutions/{place}/{name}/adopt": "/network/solutions/samarinda/heavy-rain/adopt?into=jakarta",
    "/network/solutions/{place}/{name}/adopted/{city}": "/network/solutions/samarinda/heavy-rain/adopted/balikpapan",
    "/network/solutions/{place}/{name}/adopted/{city}/newer": "ADOPTED/newer",
    "/quality": "/quality",
    "/quality/{place}": "/quality/samarinda",
    "/quality/{place}/{feed}": "/quality/jakarta/fires-2013",
    "/node": "/node",
    "/node/queues": "/node/queues",
    "/node/slow": "/node/slow",
    "/quarantine": "/quarantine",
    "/quarantine/{place}/{feed}": "/quarantine/jakarta/fires-2013",
    "/quarantine/{place}/{feed}/grid": "/quarantine/jakarta/fires-2013/grid",
    "/quarantine/{place}/{feed}/{id:int}": "/quarantine/jakarta/fires-2013/ROW",
    "/queue": "/queue?city=samarinda",
    "/queue/appointments": "/queue/appointments?city=samarinda",
    "/queue/crew": "/queue/crew?city=samarinda",
    "/queue/{number}": "/queue/NUMBER",
    "/repair/{token}": "/repair/REPAIR",
    "/report": "/report?city=samarinda",
    "/report/kept": "/report/kept",
    "/requests": "/requests?city=samarinda",
    "/requests/{number}": "/requests/NUMBER?key=KEY",
    "/requests/{number}/follow/{token}": "/requests/NUMBER/follow/FOLLOW",
    "/requests/{number}/rate": "/requests/NUMBER/rate?key=KEY",
    "/requests/{number}/consent": "/requests/NUMBER/consent?key=KEY",
    "/satisfaction": "/satisfaction",
    "/services": "/services",
    "/services/{place}": "/services/samarinda",
    "/services/{place}/{name}": "/services/samarinda/pothole",
    "/rights": "/rights",
    "/signin": "/signin",
    "/sql": "/sql?q=SELECT+*+FROM+samarinda.rain",
    "/subscriptions": "/subscriptions",
    "/subscriptions/dead": "/subscriptions/dead",
    "/trace/entity/{id:path}": "/trace/entity/urn:ngsi-ld:AdministrativeArea:64.72.01.1001",
    "/trace/value/{place}/{indicator}/{period}": "/trace/value/samarinda/flood-days/2024",
    "/upload": "/upload?place=samarinda",
    "/verify": "/verify",
    "/verify/{number}": "/verify/LETTER",
    "/upload/{place}/{feed}": "/upload/samarinda/rain",
    "/year": "/year",
    "/year/{place}/{year}": "/year/samarinda/2026",
    "/year/{place}/{year}/calendar": "/year/samarinda/2026/calendar",
    "/year/{place}/{year}/late": "/year/samarinda/2026/late",
    "/year/{place}/{year}/new": "/year/samarinda/2026/new",
    "/year/{place}/{year}/data/{key}": "/year/samarinda/2026/data/PLANNED",
    "/year/{place}/{year}/data/{key}/edit": "/year/samarinda/2026/data/PLANNED/edit",
}
"""Route → an address of it; words in capitals are what the town has of it."""


class Town(RunningNode):
    """The demo's part with a report, a tablet, a held row, a draft … ``known``: word in capitals → what it is."""

    known: dict[str, str]
    routes: list[str]

    def address(self, route: str) -> str:
        text = PAGES[route]
        for word, value in self.known.items():
            text = text.replace(word, value)
        return self.url + text


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


def note_adoption(store: EntityStore) -> None:
    """As if a city had taken a solution over; its folder is the example's and stays as it is."""
    made = Adoption(
        place="balikpapan",
        solution="samarinda/heavy-rain",
        version="0",
        at="2026-03-01T01:00:00Z",
        by="siti",
        files={},
    )
    store.write(lambda transaction: transaction.save_record(ADOPTION, made.key, msgspec.to_builtins(made)))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data: Path = tmp_path_factory.mktemp("town") / "data"
    shutil.copytree(part_of_demo(), data)
    node = Node(Settings(data, CONFIG))
    take_action_plans(node)
    store, desk = node.store.tenant(), Desk(node.broker, node.places, data)
    add_account(store, "siti", PASSWORD, ["admin"])
    note_adoption(store)
    _own_node(node)
    number = desk.send(Draft("samarinda", "waste", "Rubbish at the market", (117.15, -0.49))).number
    found = desk.request(number)
    assert found is not None
    desk.step(number, revision_of(found), "answered", "It was fetched", "", "siti")
    private.assign(store, number, "", "siti", "siti")
    follower = followers.add(store, number, "w@example.id", "en")
    assert follower is not None
    held = store.held(*HELD, limit=1)
    feed = definition.load(node.places[HELD[0]], HELD[1])
    agency = str(held[0].raw.get(feed.agency, "")) if feed.agency else ""
    link = repair_links.make(store, feed, agency, "Agency", "siti")
    known = {
        "NUMBER": number,
        "KIOSK": kiosk.make(store, "samarinda", "waste", "DLH", "Counter 1", "siti"),
        "KEY": key_of(store, number),
        "FOLLOW": follower.token,
        "BREACH": _breach(store),
        "ROW": str(held[0].id),
        "REPAIR": repair_links.token(store, link),
    }
    site = build(node)
    known |= _assessed(store) | {"ADOPTED": "/network/solutions/samarinda/heavy-rain/adopted/balikpapan"}
    known |= _network(store) | _cooperation(store) | _letter(site.state.site, desk) | _planned(store)
    routes = [
        route.path  # type: ignore[attr-defined]
        for route in site.routes
        if "GET" in (getattr(route, "methods", None) or ())
    ]
    node.close()
    mail = {"MAHAKAM_SMTP": "smtp://127.0.0.1:9", "MAHAKAM_MAIL_FROM": "Samarinda <no@example.id>"}
    with Town(data, config=CONFIG, environment=mail) as running:
        running.known, running.routes = known, routes
        yield running


def _own_node(node: Node) -> None:
    """A city that is not on this node: its own, which does not answer now, has sent its values."""
    samarinda = node.places["samarinda"]
    measure = definitions_of(samarinda, node.places)["people-per-health-centre"]
    rain = definitions_of(samarinda, node.places)["heavy-rain-days"]
    tepian = Place("tepian", "city", Path(), {"name": {"en": "Tepian", "id": "Tepian"}})
    sent = [
        *values_of(tepian, measure, {"all": 24_100.0}),
        *values_of(tepian, rain, {"2023": 4.0, "2024": 6.0, "2025": 5.0}),
    ]
    add_member(node.broker, "tepian", "http://127.0.0.1:9", sent, "Tepian")
    send_copies(node.broker, "tepian", sent)
    since = dt.datetime.now(dt.UTC).timestamp() - 3600
    note_contact(node.store.tenant(), "tepian", off_since=since, error="no answer")


def _breach(store: EntityStore) -> str:
    words = {name: f"A list of applicants went astray ({name})" for name in breach.WORDS}
    found = dt.datetime.now(dt.UTC) - dt.timedelta(hours=60)
    return breach.record(store, "samarinda", found.isoformat(), words, "siti", persons=12).id


def _cooperation(store: EntityStore) -> dict[str, str]:
    """One that is agreed, with a late task, and one in talk; siti is the officer of Balikpapan, too."""
    today = dt.date.today()
    office = {"since": (today - dt.timedelta(days=9)).isoformat(), "by": "a test", "seats": (), "day": today}
    _office, secret = appoint(store, role="city_officer", seat="balikpapan", name="Siti", **office)
    accept(store, secret, "siti", today)
    us, them = (Author("siti", "Siti", "city_officer", seat) for seat in ("balikpapan", "samarinda"))
    asker, asked = Party("city_officer", "balikpapan"), Party("city_officer", "samarinda")
    at, words = f"{today}T00:00:00+00:00", {"en": "Rain", "id": "Hujan"}
    about = About("solution", "samarinda/heavy-rain", words)

    def keep(one: Cooperation) -> None:
        store.write(
            lambda transaction: transaction.save_record(
                "network-cooperation", one.key, msgspec.to_builtins(one)
            )
        )

    letter = Agreement(words, words, words, "2026-01-01", "2099-12-31")
    talked = cooperate.accept(
        cooperate.ask("C-2026-001", asker, asked, "Rain", words, about, us, at), them, at
    )
    talked = cooperate.propose(cooperate.say(talked, words, them, at), letter, 0, us, at)
    keep(talked)
    agreed = cooperate.sign(
        cooperate.sign(msgspec.structs.replace(talked, key="C-2026-002"), 1, us, at), 1, them, at
    )
    paper = (Evidence("https://example.org/report.pdf", "Report"),)
    agreed = cooperate.plan(agreed, words, "both", "2026-01-31", us, at)
    keep(cooperate.report(agreed, 0, "under_way", words, paper, "", them, at))
    until = (today + dt.timedelta(days=30)).isoformat()
    text = notice.Text("offer", "Rain gauges", words, "coastal cities", "Quality Environment", until, words)
    offer = add_notice(store, asker, text, us, at, today)
    change_notice(store, offer.key, lambda one: notice.put_up(one, 1, us, at))
    return {
        "AGREED": "C-2026-002",
        "TALKED": talked.key,
        "NOTICE": offer.key,
        "QUESTION": _question(store, us, at),
    }


def _question(store: EntityStore, by: Author, at: str) -> str:
    """In Malay with a translation, and an answer in Thai."""
    asked = questions.add_question(store, question.Said("ms", "Berapa kos?", "Kos tolok hujan", at, by), ())
    english = question.Translation("en", "What does it cost?", "The cost of a gauge", at, by)
    questions.change_question(store, asked.key, lambda one: question.translate(one, 0, english, 0))
    said = question.Said("th", "", "ไม่แพง", at, by)
    questions.change_question(store, asked.key, lambda one: question.answer(one, said))
    return asked.key


def _assessed(store: EntityStore) -> dict[str, str]:
    """An assessment of Samarinda that siti, the officer of Balikpapan, was asked to look at."""
    by = Author("ani", "Ani", "", "")
    at = f"{dt.date.today()}T00:00:00+00:00"
    answers = {
        "people": Answer(2, (Piece({"en": "Decree"}, "https", "https://example.org/decree.pdf"),), None)
    }
    made = assessments.Kept(
        place="samarinda", key="readiness-dlh", framework="readiness", agency="DLH", day=at[:10],
        versions=(assessments.Version(at, by, answers),),
        asked=(assessments.Asked(at, by, "balikpapan", "Balikpapan"),),
    )  # fmt: skip
    store.write(
        lambda transaction: transaction.save_record(
            assessments.KIND, f"samarinda/{made.key}", msgspec.to_builtins(made)
        )
    )
    return {"ASSESSED": made.key}


def _network(store: EntityStore) -> dict[str, str]:
    """A meeting, a recommendation under comment, and an invitation; siti is of the Secretariat, and an administrator
    who may write plans."""
    today = dt.date.today()
    since, at = (today - dt.timedelta(days=9)).isoformat(), f"{today}T00:00:00Z"
    office = {"since": since, "by": "a test", "seats": ("ID", "TH"), "day": today}
    _office, secret = appoint(store, role="secretariat", seat="", name="Siti", **office)
    accept(store, secret, "siti", today)
    _office, join = appoint(store, role="representative", seat="TH", name="Somchai", **office)
    by = Author("siti", "Siti", "secretariat", "")
    text = meeting.Text(
        title="Annual meeting",
        venue="Samarinda",
        begins="2027-07-20",
        ends="2027-07-21",
        chair="ID",
        agenda=(meeting.Item("09:00", "Opening"),),
        documents=(meeting.Document("Programme", "https://example.org/programme.pdf"),),
    )
    held = add_meeting(store, meeting.planned(text, by, at))
    proof = Evidence("https://example.org/report.pdf", "A report")
    said = Text(
        {"en": "Measure the air", "id": "Ukur udara"},
        {"en": "We breathe it.", "id": "Kita menghirupnya."},
        (Claim({"en": "Jakarta counts its days.", "id": "Jakarta menghitung harinya."}, (proof,)),),
        (Action({"en": "Publish an index.", "id": "Terbitkan indeks."}, "Cities", "2027-06-30"),),
    )
    advice = add_recommendation(store, said, held.key, by, at)
    change_recommendation(store, advice.key, lambda found: open_for_comment(found, by, at))
    return {"JOIN": join, "MEETING": held.key, "ADVICE": advice.key}


def _planned(store: EntityStore) -> dict[str, str]:
    """A dataset on the list of data, with a release that waits for its examination."""
    by, at = plan.Author("wati", "steward"), "2026-03-01T00:00:00+00:00"
    words = Statistics({"concept": "Rain"}, {"title": "Rain"}, ({"name": "rain"},), ({"name": "wet days"},))
    made = year.add(
        store, "samarinda", 2026,
        plan.Plan(title={"en": "Rain"}, producer="BPBD", feed="rain", frequency="quarterly", first="2026-02-10",
                  priority="Floods", statistics=words),
        by, at,
    )  # fmt: skip
    year.change(store, "samarinda", 2026, made.key, lambda one: plan.enlist(one, 1, by, at))
    seen = plan.Facts(1, 10, 0.5, 2, 1, at, (("type", "precipitation", 2, False),))
    year.change(
        store, "samarinda", 2026, made.key,
        lambda one: plan.submit(one, "2026-Q1", "2026-02-10", "All of it", "", seen, by, at),
    )  # fmt: skip
    return {"PLANNED": made.key}


def _letter(site: Site, desk: Desk) -> dict[str, str]:
    """A letter that two officers approved."""
    answers = {"owner": "Ani", "kind": "Food stall"}
    number = desk.send(
        Draft("samarinda", "business-domicile", "For the bank", (117.15, -0.49), answers=answers)
    ).number

    def now() -> tuple[Request, int]:
        found = desk.request(number)
        assert found is not None
        return found, revision_of(found)

    asked = catalogue(site.places["samarinda"], site.places)["business-domicile"].documents
    send(desk, site.settings.data, now(), asked, {one.code: photo() for one in asked if one.required})
    for one in asked:
        if one.required:
            judge(desk, now(), one.code, True, "", "siti")
    desk.step(number, now()[1], "examined", "", "", "siti")
    for officer in ("siti", "budi"):
        found, revision = now()
        Letters(site, site.places["samarinda"], found).approve(revision, officer, HEAD)
    kept = issued.pdf_of(site.store, number)
    assert kept is not None
    return {"LETTER": address(site, kept[0]).rpartition("/")[2]}


@pytest.fixture(scope="module")
def officer(chromium: Browser, town: Town) -> Iterator[BrowserContext]:
    """Signed in on a phone; with a draft of a dataset."""
    context = phone(chromium, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{town.url}/connect/samarinda?lang=en")
    page.get_by_label("Name").fill("siti")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/connect/samarinda*")
    page.get_by_label("The file").set_input_files(str(FILE))
    page.get_by_role("button", name="Look at it").click()
    page.wait_for_url("**/connect/samarinda/*")
    town.known["DRAFT"] = page.url.removeprefix(town.url).partition("?")[0]
    page.close()
    yield context
    context.close()


def test_no_page_of_the_site_is_missing_here(town: Town) -> None:
    pages = {path for path in town.routes if not path.endswith(_NO_PAGES)}
    assert pages - NO_PAGES.keys() == PAGES.keys()
    assert NO_PAGES.keys() <= pages, "a route that is no more"


@pytest.mark.parametrize("route", PAGES)
def test_a_page_is_accessible_and_fits_a_phone_and_200_per_cent(
    officer: BrowserContext, town: Town, route: str
) -> None:
    page = officer.new_page()
    answer = page.goto(town.address(route), wait_until="load")
    assert answer is not None
    assert answer.status == 200
    assert page.url.partition("?")[0] == town.address(route).partition("?")[0], "no sign-in page in its place"
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    assert serious(page) == []
    too_wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(too_wide) <= 0, "wider than a phone"
    # A window of 1280 at 200 % has 640 pixels of its own (WCAG 1.4.4, 1.4.10).
    page.set_viewport_size({"width": 640, "height": 400})
    assert page.evaluate(too_wide) <= 0, "scrolls sideways at 200 %"
    page.close()


def test_every_page_can_be_read_without_scripts(
    chromium: Browser, officer: BrowserContext, town: Town
) -> None:
    context = chromium.new_context(
        java_script_enabled=False, locale="en-GB", storage_state=officer.storage_state()
    )
    page = context.new_page()
    for route in PAGES:
        page.goto(town.address(route), wait_until="domcontentloaded")
        heading = page.get_by_role("heading", level=1).first
        expect(heading, f"{route} without scripts").to_be_visible()
        said = page.locator("main").inner_text()
        assert len(said) > 40, f"{route} says nothing without scripts"
        assert "undefined" not in said
    context.close()
