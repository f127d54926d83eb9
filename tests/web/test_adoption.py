"""Taking a solution over on its pages: who may, what is shown before, what is refused, and what both cities see."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import msgspec
import pytest
from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from mahakam.solutions.adoption import KIND, Adoption, adoptions
from support.demo_part import EXAMPLES, part_of_demo
from support.html import Page
from support.people import person, post

PATH = "/network/solutions"
CENTRES = f"{PATH}/samarinda/health-centres"
ADOPT = CENTRES + "/adopt"
MINE = "title: My own\nsource: {file: data/mine.csv}\n"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """The province, where Bontang has no health centres yet, and the network with a city outside the province."""
    shutil.copytree(EXAMPLES / "kaltim", tmp_path / "kaltim")
    shutil.copytree(EXAMPLES / "ascn", tmp_path / "ascn")
    for name in (
        "feeds/health-centres.yaml",
        "indicators/people-per-health-centre.yaml",
        "data/idn_puskesmas.csv.gz",
    ):
        (tmp_path / "kaltim/bontang" / name).unlink()
    city = tmp_path / "ascn/singapore/city.yaml"
    city.write_text(city.read_text().replace("name: {en: people,", "name: {en: residents,"))
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = open_node(Settings(tmp_path / "data", (tmp_path / "kaltim", tmp_path / "ascn")))
    yield found
    found.close()


def steward(node: Node, name: str, place: str, role: str = "steward") -> TestClient:
    store = node.store.tenant()
    account = add_account(store, name, "correct horse battery", [role], [place])
    client = TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        follow_redirects=False,
    )
    client.cookies.set(cookie_name(store), begin_session(store, account))
    return client


def reader(node: Node) -> TestClient:
    return TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        follow_redirects=False,
    )


def fields(client: TestClient, into: str = "bontang", **more: str) -> dict[str, str]:
    """The form as the preview gives it."""
    shown = client.get(f"{ADOPT}?into={into}").text
    seen = re.search(r'name="seen" value="([^"]+)"', shown)
    assert seen is not None
    return {"into": into, "seen": seen[1]} | more


def there(node: Node) -> bool:
    return (node.places["bontang"].folder / "feeds/health-centres.yaml").exists()


def test_only_who_may_act_for_the_city_may_adopt(node: Node) -> None:
    stranger = reader(node)
    assert ADOPT not in stranger.get(CENTRES).text
    answer = stranger.get(f"{ADOPT}?into=bontang")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin?next=")
    assert stranger.post(ADOPT, data={"into": "bontang"}).status_code == 303
    others = (
        person(node, "rani"),
        steward(node, "sari", "samarinda"),
        steward(node, "ofi", "bontang", "officer"),
        person(node, "caca", "city_officer", "samarinda"),
        person(node, "pat", "partner", "bontang"),
    )
    for other in others:
        assert other.get(f"{ADOPT}?into=bontang").status_code == 403
        assert post(other, "/about", ADOPT, {"into": "bontang", "seen": "x"})[0] == 403
    assert not there(node)
    for city in ("samarinda", "kaltim", "nowhere"):  # its own, no city, no place
        assert steward(node, f"ada-{city}", "*", "admin").get(f"{ADOPT}?into={city}").status_code == 404


@pytest.mark.parametrize("office", [False, True])
def test_a_city_adopts_and_both_pages_say_so(node: Node, office: bool) -> None:
    mine = person(node, "cici", "city_officer", "bontang") if office else steward(node, "cici", "bontang")
    assert f"{ADOPT}?into=bontang" in Page(mine.get(CENTRES).text).links
    shown = mine.get(f"{ADOPT}?into=bontang").text
    assert "+where: &#34;kode_kab = &#39;6474&#39;&#34;" in shown
    assert not there(node), "a look writes nothing"
    status, where = post(mine, f"{ADOPT}?into=bontang", ADOPT, fields(mine))
    assert (status, where) == (303, f"{CENTRES}/adopted/bontang")
    for client in (mine, reader(node)):
        text = Page(client.get(where).text).text
        assert "31,968" in text or "31,969" in text
        assert "from Samarinda, version 1" in text
        assert "cici" in text
        assert "no before and no after" in text, "its effect since that day, or why there is none"
    assert "/trace/value/bontang/people-per-health-centre/all" in Page(mine.get(where).text).links
    assert mine.get("/trace/value/bontang/people-per-health-centre/all").status_code == 200
    origin = Page(reader(node).get(CENTRES).text)
    assert where in origin.links
    assert "Bontang" in origin.text
    assert where in Page(reader(node).get("/cities/bontang").text).links
    assert CENTRES in Page(reader(node).get("/cities/samarinda").text).links
    rows = list(csv.DictReader(io.StringIO(reader(node).get(PATH + ".csv").text)))
    assert {row["id"]: row["adopted"] for row in rows}["health-centres"] == "1"


def test_a_form_that_is_not_ours_or_not_what_was_seen_writes_nothing(node: Node) -> None:
    mine = steward(node, "cici", "bontang")
    seen = fields(mine)
    assert mine.post(ADOPT, data=seen).status_code == 403
    assert not there(node)
    folder = node.places["bontang"].folder
    (folder / "indicators/people-per-health-centre.yaml").write_text(MINE)
    status, text = post(mine, f"{ADOPT}?into=bontang", ADOPT, seen)
    assert status == 422
    assert "Nothing is overwritten" in text
    at = re.findall(r'name="(keep-\d)"', text)
    status, text = post(mine, f"{ADOPT}?into=bontang", ADOPT, seen | dict.fromkeys(at, "1"))
    assert status == 409, "it was agreed to something else"
    status, _where = post(mine, f"{ADOPT}?into=bontang", ADOPT, fields(mine, **{at[0]: "1"}))
    assert status == 303
    assert (folder / "indicators/people-per-health-centre.yaml").read_text() == MINE
    assert adoptions(node.store.tenant())[0].kept == ("indicators/people-per-health-centre.yaml",)


def test_what_is_not_known_is_asked_for_and_shown_before_it_is_written(node: Node) -> None:
    mine = steward(node, "tan", "singapore")
    page, folder = f"{ADOPT}?into=singapore", node.places["singapore"].folder
    text = mine.get(page).text
    assert "People (in the other city: 881225)" in text
    names = re.findall(r'name="(set-\d)"', text)
    assert len(names) == 2, "its code has no digits either"
    status, text = post(mine, page, ADOPT, fields(mine, "singapore"))
    assert status == 422
    status, text = post(mine, page, ADOPT, fields(mine, "singapore", **dict.fromkeys(names, "1'; drop")))
    assert status == 422
    assert "letters, digits" in text
    assert "1&#39;; drop" in text, "what was typed is kept"
    good = fields(mine, "singapore", **{names[0]: "9999", names[1]: "5866139"})
    status, text = post(mine, page, ADOPT, good)
    assert status == 200
    assert "+formula: &#34;5866139.0 / count(*)&#34;" in text
    assert not (folder / "feeds/health-centres.yaml").exists()
    seen = re.search(r'name="seen" value="([^"]+)"', text)
    assert seen is not None
    status, where = post(mine, page, ADOPT, good | {"seen": seen[1]})
    assert (status, where) == (303, f"{CENTRES}/adopted/singapore")
    text = Page(mine.get(where).text).text
    assert "codes/kemendagri-areas.csv" in text
    assert "No value yet" in text
    status, text = post(mine, where, where + "/run", {})
    assert status in (200, 303)


def test_what_was_not_adopted_is_not_found(node: Node) -> None:
    assert reader(node).get(f"{CENTRES}/adopted/bontang").status_code == 404
    assert reader(node).get(f"{CENTRES}/adopted/nowhere").status_code == 404


def test_its_effect_is_measured_from_the_day_of_the_adoption(node: Node) -> None:
    """As if Samarinda had adopted in 2023 what Bontang did: its flood days before and after that day."""
    bontang, samarinda = node.places["bontang"].folder, node.places["samarinda"].folder
    shutil.copy(samarinda / "indicators/flood-days.yaml", bontang / "indicators")
    (bontang / "solutions").mkdir(exist_ok=True)
    (bontang / "solutions/ditches.yaml").write_text(
        "{name: Ditches, problem: p, context: c, method: m, cost: {note: n}, went_wrong: [w], started: 2020-01-01, "
        "sources: [s], indicator: flood-days, components: {indicators: [flood-days]}}"
    )
    made = Adoption(
        place="samarinda",
        solution="bontang/ditches",
        version="1",
        at="2022-12-31T17:00:00Z",
        by="budi",
        files={},
    )
    node.store.tenant().write(
        lambda transaction: transaction.save_record(KIND, made.key, msgspec.to_builtins(made))
    )
    client = reader(node)
    text = client.get("/indicators/samarinda/flood-days.csv").text
    found = {row["period"]: float(row["value"]) for row in csv.DictReader(io.StringIO(text)) if row["value"]}
    before = [value for year, value in found.items() if year < "2023"]
    after = [value for year, value in found.items() if year >= "2023"]
    assert len(before) >= 2
    assert len(after) >= 2
    said = (
        f"Flood days: {fmean(before):,.1f} days a year on average before, {fmean(after):,.1f} days a year after.",
        "this says what changed and not why",
        f"{len(before)} values before, {len(after)} after. 95 % interval:",
    )
    page = Page(client.get(f"{PATH}/bontang/ditches/adopted/samarinda").text).text
    for words in said:
        assert words in page
    origin = Page(client.get(f"{PATH}/bontang/ditches").text)
    assert "no value yet" in origin.text, "Bontang itself has none"
    assert "not compared" in origin.text, "and Samarinda has its own evidence beside its name"
    assert f"{PATH}/bontang/ditches/adopted/samarinda" in Page(client.get("/cities/samarinda").text).links


def newer_version(node: Node) -> str:
    """Bontang has health centres, of which Samarinda makes a version 2; the page of it in Bontang."""
    city = steward(node, "first", "bontang")
    page = city.get(ADOPT + "?into=bontang").text
    form = {"into": "bontang", "seen": re.search(r'name="seen" value="([^"]+)"', page)[1]}  # type: ignore[index]
    assert post(city, ADOPT + "?into=bontang", ADOPT, form)[0] == 303
    folder = node.places["samarinda"].folder
    path = folder / "solutions/health-centres.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("version:")]
    path.write_text("\n".join(['version: "2"', *lines]) + "\n")
    indicator = folder / "indicators/people-per-health-centre.yaml"
    indicator.write_text(indicator.read_text() + "# counted <anew>\n")
    return CENTRES + "/adopted/bontang"


def test_a_newer_version_is_seen_compared_and_taken_over(node: Node) -> None:
    here = newer_version(node)
    city = steward(node, "bontang-steward", "bontang")
    assert "there is a version 2 by now" in city.get("/cities/bontang").text
    assert here + "/newer" in city.get(here).text
    assert here + "/newer" not in reader(node).get(here).text
    page = city.get(here + "/newer").text
    assert "+# counted &lt;anew&gt;" in page
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    assert post(city, here + "/newer", here + "/newer", {"do": "take", "seen": "another"})[0] == 409
    status, where = post(city, here + "/newer", here + "/newer", {"do": "take", "seen": seen[1]})
    assert (status, where) == (303, here)
    file = node.places["bontang"].folder / "indicators/people-per-health-centre.yaml"
    assert "# counted <anew>" in file.read_text()
    assert "taken over" in city.get(here).text
    assert "there is a version 2 by now" not in city.get("/cities/bontang").text
    assert city.get(here + "/newer").status_code == 404


def test_a_newer_version_is_left_with_the_reason(node: Node) -> None:
    here = newer_version(node)
    city = steward(node, "bontang-steward", "bontang")
    assert steward(node, "elsewhere", "balikpapan").get(here + "/newer").status_code == 403
    assert reader(node).get(here + "/newer").status_code == 303
    status, page = post(city, here + "/newer", here + "/newer", {"do": "decline", "reason": ""})
    assert status == 422
    assert "Say why" in page
    fields = {"do": "decline", "reason": "Our register is <newer>."}
    assert post(city, here + "/newer", here + "/newer", fields)[0] == 303
    assert "Our register is &lt;newer&gt;." in reader(node).get(here).text
    assert "there is a version 2 by now" not in city.get("/cities/bontang").text
    file = node.places["bontang"].folder / "indicators/people-per-health-centre.yaml"
    assert "# counted" not in file.read_text()
    assert city.get(here + "/newer").status_code == 200, "it can still be taken over"
