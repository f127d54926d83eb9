"""The pages of scores: what would raise one, how it moved, agencies, and the badge for other sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application
from mahakam.web.badge import Badge
from mahakam.web.foreign import unmarked
from mahakam.web.language import reading
from mahakam.web.scoring import chart, figure
from support.feeds import GOOD, HEADER, Town

BAD = "A4;Hulu;laut;4;117.01;-0.41\nA5;Hilir;Kota ;4;117.01;-0.41\nA6;;air;4;117.01;-0.41\n"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    made.write("data/stops.csv", HEADER + GOOD + BAD)
    made.run()
    made.write("data/stops.csv", HEADER + GOOD + BAD.replace("A6;;", "A6;Muara;"))
    made.run()
    yield made
    made.node.close()


@pytest.fixture
def site(town: Town) -> TestClient:
    return TestClient(Application(town.node), base_url="http://localhost", headers={"accept-language": "en"})


def test_a_dataset_says_what_would_raise_it_and_leads_there(site: TestClient) -> None:
    page = site.get("/quality/town/stops").text
    best = re.search(r'<ol class="better.*?</ol>', page, re.DOTALL)
    assert best is not None
    assert "+33.3 points" in best[0]
    assert "2 rows held back" in best[0]
    link = re.search(r'href="([^"]+)"', best[0])
    assert link is not None
    assert link[1] == "/quarantine/town/stops/grid?reason=enum%7Ckind"
    assert "A repair is proposed for" in best[0]


def test_a_dataset_shows_how_it_moved(site: TestClient) -> None:
    page = site.get("/quality/town/stops").text
    assert 'aria-label="The score from' in page
    rows = site.get("/quality/town/stops/scores.json").json()
    assert [(row["run"], row["score"], row["moved"]) for row in rows] == [
        (2, pytest.approx(4 / 6), pytest.approx(1 / 6, abs=1e-6)),
        (1, 0.5, None),
    ]
    assert [row["completeness"] for row in rows] == [1.0, pytest.approx(5 / 6, abs=1e-6)]
    assert rows[0]["timeliness"] is None
    assert site.get("/quality/town/stops/scores.csv").text.startswith("run,at,score,moved,completeness")


def test_agencies_and_days(site: TestClient) -> None:
    rows = site.get("/scores/town.json?a-sort=agency").json()
    assert [(row["agency"], row["datasets"], row["held"]) for row in rows] == [
        ("Dishub", 1, 2),
        ("not stated", 1, 0),
    ]
    assert rows[0]["score"] == pytest.approx(4 / 6)
    assert rows[0]["lowest"] == "Bus stops"
    assert rows[1]["score"] is None
    assert site.get("/scores.json").json()[0]["place"] == "Town"
    days = site.get("/scores/days/town.json").json()
    assert [(row["score"], row["datasets"]) for row in days] == [(pytest.approx(4 / 6), 1)]
    assert site.get("/scores/days.json").json()[0]["score"] == pytest.approx(4 / 6)
    page = site.get("/quality/town").text
    assert "By agency" in page
    assert "/badges/town.svg" in page


@pytest.mark.parametrize("path", ["/badges/town/stops.svg", "/badges/town.svg"])
def test_a_badge_states_its_figure_and_its_date_and_may_be_kept(site: TestClient, path: str) -> None:
    answer = site.get(path + "?language=en", headers={"accept-language": "id"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "set-cookie" not in answer.headers
    picture = ElementTree.fromstring(answer.content)
    assert picture.get("role") == "img"
    said = picture.get("aria-label") or ""
    assert re.fullmatch(r"Data quality of (Bus stops|Town): 67%, \d+ \w{3} \d{4}", said), said
    assert [e.text for e in picture.iter("{http://www.w3.org/2000/svg}title")] == [said]
    again = site.get(path + "?language=en", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Mutu data" in site.get(path, headers={"accept-language": "en"}).text, "the same for every reader"


def test_a_badge_on_a_page_of_a_begun_language_is_no_other_language_than_that_page(site: TestClient) -> None:
    page = site.get("/catalogue/town/stops", headers={"accept-language": "th"}).text
    assert 'src="/badges/town/stops.svg?language=th"' in page
    said = site.get("/badges/town/stops.svg?language=th").text
    assert "Data quality of Bus stops" in said, "what has no words in Thai is in English"
    assert unmarked(said) == said


def test_the_public_page_has_the_badge_and_what_to_copy(site: TestClient) -> None:
    text = site.get("/catalogue/town/stops").text
    assert 'src="/badges/town/stops.svg?language=en"' in text
    assert "&lt;img src=&#34;http://localhost/badges/town/stops.svg?language=en&#34;" in text


def test_no_badge_of_what_is_not_there(site: TestClient) -> None:
    assert site.get("/badges/nowhere.svg").status_code == 404
    assert site.get("/badges/town/nothing.svg").status_code == 404
    unread = site.get("/badges/town/shapes.svg?language=en")
    assert "not yet measured" in unread.text
    assert unread.status_code == 200


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("share", [None, 0.2, 0.8, 1.0])
def test_a_badge_can_be_read(share: float | None) -> None:
    svg = Badge("<Mutu> & data", "80%", "", share).svg()
    ElementTree.fromstring(svg)
    grounds = {fill for fill in re.findall(r'fill="(#[0-9a-f]+)"', svg) if fill != "#fff"}
    assert len(grounds) == 2
    for ground in grounds:
        assert 1.05 / (_luminance(ground) + 0.05) >= 4.5


def test_a_chart_of_scores_has_its_words() -> None:
    with reading("en"):
        drawn = chart([("Mon", 0.5, "1"), ("Tue", None, "2"), ("Wed", 0.9999, "3")])
        assert "The score from Mon (50%) to Wed (99.9%)" in drawn
        assert chart([("Mon", 0.5, "1")]) == ""
        assert figure(0.9999) == "99.9%"
        assert figure(1.0) == "100%"
