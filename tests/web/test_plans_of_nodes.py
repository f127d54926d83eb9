"""A plan whose outcome a city's own node measures: its page, its tables and the report have what the node sent."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Place
from mahakam.indicators.definition import Definition
from mahakam.network.plan import mark
from mahakam.network.plan_taking import Taking
from mahakam.network.plans import plan
from mahakam.network.recommendation import Author
from mahakam.network.register import register_of
from support.copies import add_member, send, values_of
from support.demo_part import EXAMPLES, node_over, part_of_demo
from support.html import Page

FIRES = Definition(
    id="fires", path=Path(), name={"en": "Fires", "id": "Kebakaran"}, source="Fire", formula="count(*)",
    theme="safety", per="year", time="year", unit="1/100000", decimals=1, better="lower",
)  # fmt: skip
TEPIAN = Place("tepian", "city", Path(), {"name": {"en": "Tepian"}})


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data: Path = tmp_path_factory.mktemp("plans") / "data"
    shutil.copytree(part_of_demo(), data)
    node = node_over(data)
    sent = values_of(TEPIAN, FIRES, {"2021": 12.0, "2024": 8.25})
    add_member(node.broker, "tepian", "https://tepian.example", sent, "Tepian's node")
    send(node.broker, "tepian", sent)
    _take(node)
    yield TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})
    node.close()


def _take(node: Node) -> None:
    """Samarinda's example plan, with an outcome that Tepian's node measures."""
    text = (EXAMPLES / "kaltim/samarinda/plan.yaml").read_text()
    there = "indicator: samarinda/flood-days, "
    assert there in text
    register = register_of(node.places)
    assert register is not None
    day = dt.datetime.now(dt.UTC)
    taking = Taking(
        register, frozenset(), Author("test", "test", "", ""), day.isoformat(timespec="seconds"), day.date()
    )
    store = node.store.tenant()
    changed = text.replace(there, "indicator: tepian/fires, ")
    taken = taking.take(
        node.broker, store, "samarinda", changed.encode(), "yaml", mark(plan(store, "samarinda").text)
    )
    assert plan(store, "samarinda").changes, taken


def test_page_tables_and_report_have_the_value_its_node_and_its_day(reader: TestClient) -> None:
    listed = csv.DictReader(io.StringIO(reader.get("/network/plans/samarinda/outcomes.csv").text))
    row = next(one for one in listed if one["name"] == "Fires")
    assert (row["period"], row["value"], row["node"]) == ("2024", "8.25", "Tepian's node")
    assert row["computed"]
    for path in ("/network/plans/samarinda", "/network/report/cities/samarinda"):
        page = Page(reader.get(path).text)
        assert "/trace/value/tepian/fires/2024" in page.links, path
        assert "Tepian's node" in page.text, path
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(reader.get("/network/report/cities/samarinda.xlsx").content)
    )
    cells = {
        str(cell)
        for name in book.sheet_names
        for row in book.get_sheet_by_name(name).to_python()
        for cell in row
    }
    assert {"8.25", "Tepian's node"} <= cells
    told = Page(reader.get("/trace/value/tepian/fires/2024").text)
    assert "https://tepian.example/trace/value/tepian/fires/2024" in told.links
