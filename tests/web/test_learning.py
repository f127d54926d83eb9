"""Pages of learning paths: the node verifies, names are for the city and people in office, nobody claims for others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node
from mahakam.config import Settings
from mahakam.indicators.series import series
from mahakam.indicators.trace import inputs, trace
from support.demo_part import CONFIG, part_of_demo
from support.people import person, post

PATH = "/learning/samarinda/first-indicator"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    found = Node(Settings(tmp_path / "data", CONFIG))
    yield found
    found.close()


@pytest.fixture
def wati(node: Node) -> TestClient:
    """Whoever brought the demo's data into Samarinda."""
    store = node.store.tenant()
    for run in store.runs("samarinda"):
        run.author = "wati"
        store.write(lambda transaction, run=run: transaction.save_run(run))
    return client_of(node, "wati")


def client_of(node: Node, account: str = "", role: str = "officer") -> TestClient:
    client = TestClient(
        Application(node), base_url="http://localhost", headers={"accept-language": "en"}, follow_redirects=False
    )  # fmt: skip
    if account:
        store = node.store.tenant()
        made = add_account(store, account, "correct horse battery", [role], ["samarinda"])
        client.cookies.set(cookie_name(store), begin_session(store, made))
    return client


def test_what_the_node_knows_counts_and_nothing_else(node: Node, wati: TestClient) -> None:
    did, did_not = wati, client_of(node, "budi")
    status, page = post(did_not, PATH, PATH + "/publish-feed", {})
    assert status == 422
    assert "The node knows no run of yours here" in page
    assert post(did, PATH, PATH + "/publish-feed", {})[0] == 303
    assert post(did, PATH, PATH + "/feed-indicator", {})[0] == 303
    shown = did.get(PATH).text
    assert "You have done 2 of 4." in shown
    rows = did.get(PATH + ".json").json()
    assert {(one["account"], one["fact"]) for one in rows} == {
        ("wati", "feed_run"),
        ("wati", "indicator_fed"),
    }
    assert did.get(rows[0]["href"]).status_code == 200, "what proves it can be opened"
    assert "You have done 0 of 4." in did_not.get(PATH).text


def test_a_row_is_traced_by_naming_it(node: Node) -> None:
    client = client_of(node, "siti")
    found = series(node.broker, node.places["samarinda"], "heavy-rain-days")
    assert found
    assert found.latest
    traced = trace(node.broker, found.latest.id)
    assert traced
    one = inputs(node.broker, traced, limit=1).inputs[0]
    lineage = node.store.tenant().lineage(one.entity)
    assert lineage
    cell = next(str(value) for value in one.cells.values() if isinstance(value, int | float))
    named = {
        "value": f"heavy-rain-days/{found.latest.label}",
        "file": lineage.file,
        "row": "2",
        "cell": "no <b>such",
    }
    status, page = post(client, PATH, PATH + "/trace-indicator", named)
    assert status == 422
    assert "This row is not behind that value" in page
    assert "no &lt;b&gt;such" in page
    right = named | {"row": str(lineage.line), "cell": cell}
    assert post(client, PATH, PATH + "/trace-indicator", right)[0] == 303
    [row] = client.get(PATH + ".json").json()
    assert (row["exercise"], row["href"]) == (
        "Trace an indicator to its row", f"/trace/value/samarinda/heavy-rain-days/{found.latest.label}"
    )  # fmt: skip


def test_who_may_not_takes_no_path_and_sees_no_names(node: Node, wati: TestClient) -> None:
    assert post(wati, PATH, PATH + "/publish-feed", {})[0] == 303
    stranger = client_of(node)
    assert stranger.get("/learning").status_code == 200
    assert "wati" not in stranger.get(PATH).text
    assert stranger.get(PATH + ".json").json()[0] == {"exercise": "Publish a dataset", "people": 1}
    resident = client_of(node, "ani", "resident")
    assert resident.post(PATH + "/publish-feed").status_code == 403
    other = person(node, "budi", "city_officer", "bontang")
    assert post(other, PATH, PATH + "/publish-feed", {})[0] == 403, "of another city"
    assert other.get(PATH + ".json").json()[0]["account"] == "wati", "people in office see who did which"
    officer = person(node, "siti", "city_officer", "samarinda")
    assert post(officer, PATH, PATH + "/nothing", {})[0] == 404
    assert officer.get("/learning/samarinda/nothing").status_code == 404
