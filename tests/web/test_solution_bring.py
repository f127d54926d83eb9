"""A solution of one node is adopted on another: brought by address or file, shown, written, measured."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node, open_node
from mahakam.config import Settings, load_places
from mahakam.indicators.series import series
from mahakam.solutions.bundle import BundleError, bring, guests, packed
from mahakam.solutions.definition import all_solutions
from support.demo_part import EXAMPLES
from support.html import Page
from support.node import RunningNode
from support.people import post

PATH = "/network/solutions"
CENTRES = f"{PATH}/samarinda/health-centres"
BRING = f"{PATH}/bring"


@pytest.fixture
def bontang(tmp_path: Path) -> Iterator[Node]:
    """The node of one city alone, which has no health centres yet."""
    folder = tmp_path / "own/bontang"
    shutil.copytree(EXAMPLES / "kaltim/bontang", folder)
    shutil.copytree(EXAMPLES / "kaltim/codes", folder / "codes")
    shutil.copytree(EXAMPLES / "ascn", tmp_path / "ascn")
    for name in (
        "feeds/health-centres.yaml",
        "indicators/people-per-health-centre.yaml",
        "data/idn_puskesmas.csv.gz",
    ):
        (folder / name).unlink()
    found = open_node(
        Settings(tmp_path / "data", (tmp_path / "own", tmp_path / "ascn"), private_addresses=True)
    )
    yield found
    found.close()


def client_of(node: Node, role: str = "") -> TestClient:
    client = TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        follow_redirects=False,
    )
    if role:
        store = node.store.tenant()
        account = add_account(store, f"a-{role}", "correct horse battery", [role], ["bontang"])
        client.cookies.set(cookie_name(store), begin_session(store, account))
    return client


def bundle(**more: Callable[[dict[str, bytes]], None]) -> bytes:
    """Samarinda's health centres as its node packs them; ``change`` alters the files before they are packed again."""
    places = load_places([EXAMPLES / "kaltim"])
    content = packed(
        all_solutions(places)["samarinda/health-centres"], places, "https://node.example", "2026-11-27"
    )
    if not more:
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    more["change"](files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in files.items():
            archive.writestr(name, part)
    return out.getvalue()


def test_a_city_adopts_from_another_node_and_sees_its_first_value(bontang: Node, tmp_path: Path) -> None:
    mine = client_of(bontang, "steward")
    with RunningNode(tmp_path / "theirs", config=(EXAMPLES / "kaltim",)) as theirs:
        status, where = post(mine, BRING, BRING, {"from": f"{theirs.url}{CENTRES}?lang=id#method"})
        assert (status, where) == (303, CENTRES)
        refused = post(mine, BRING, BRING, {"from": f"{theirs.url}{PATH}/samarinda/heavy-rain"})
        assert refused[0] == 422, "only what a city offers can be fetched by everybody"
        assert "offered: true" in refused[1]
    page = Page(mine.get(CENTRES).text)
    assert "What came of it in its own city is measured there" in page.text
    assert f"{CENTRES}/adopt?into=bontang" in page.links
    assert "/cities/samarinda" not in page.links, "no page of this node"
    shown = mine.get(f"{CENTRES}/adopt?into=bontang").text
    assert "+where: &#34;kode_kab = &#39;6474&#39;&#34;" in shown
    seen = re.search(r'name="seen" value="([^"]+)"', shown)
    assert seen
    adopted = post(
        mine, f"{CENTRES}/adopt?into=bontang", f"{CENTRES}/adopt", {"into": "bontang", "seen": seen[1]}
    )
    assert adopted == (303, f"{CENTRES}/adopted/bontang")
    found = series(bontang.broker, bontang.places["bontang"], "people-per-health-centre")
    assert found
    assert found.latest
    assert found.latest.value == pytest.approx(191811 / 6)
    assert "31,96" in Page(client_of(bontang).get(adopted[1]).text).text
    assert adopted[1] in Page(client_of(bontang).get("/cities/bontang").text).links
    for path in (PATH, PATH + ".csv", "/network/matches?city=bontang", "/network/solutions?city=samarinda"):
        assert client_of(bontang).get(path).status_code == 200
    assert client_of(bontang).get("/cities/samarinda").status_code == 404, "it is no city of this node"


def test_by_its_file_and_again_for_a_newer_version(bontang: Node) -> None:
    mine = client_of(bontang, "steward")

    def newer(files: dict[str, bytes]) -> None:
        name = "solutions/health-centres.yaml"
        files[name] += b"\nversion: '2'\n"
        said = json.loads(files["bundle.json"])
        said |= {"version": "2"}
        said["files"][name] = hashlib.sha256(files[name]).hexdigest()
        files["bundle.json"] = json.dumps(said).encode()

    for content, version in ((bundle(), "1"), (bundle(change=newer), "2")):
        status, where = post(
            mine, BRING, BRING, {"from": ""}, {"file": ("a.zip", content, "application/zip")}
        )
        assert (status, where) == (303, CENTRES)
        assert f"version {version}" in Page(mine.get(BRING).text).text
    assert mine.get(CENTRES + ".zip").status_code == 404, "its own node has it"


def test_who_may_not_adopt_brings_nothing(bontang: Node) -> None:
    assert client_of(bontang).get(BRING).status_code == 303
    officer = client_of(bontang, "officer")
    assert officer.get(BRING).status_code == 403
    assert (
        post(officer, "/about", BRING, {"from": ""}, {"file": ("a.zip", bundle(), "application/zip")})[0]
        == 403
    )
    assert guests(bontang.settings.data) == {}
    assert post(client_of(bontang, "steward"), BRING, BRING, {"from": ""})[0] == 422


def spoiled(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: content})


def head(format: int, place: str) -> bytes:
    return json.dumps({"format": format, "place": place, "solution": "b", "files": {}}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "no bundle"),
        (bundle(change=spoiled("../evil.yaml", b"x")), "no file of a bundle"),
        (bundle(change=spoiled("data/../../evil", b"x")), "no file of a bundle"),
        (bundle(change=spoiled("plugins/evil.py", b"x")), "no file of a bundle"),
        (bundle(change=spoiled("data/big.csv", b"0" * (20 * 2**20 + 1))), "larger than 20 MB"),
        (bundle(change=spoiled("feeds/health-centres.yaml", b"x")), "damaged"),
        (bundle(change=lambda files: files.pop("bundle.json")), "no bundle.json"),
        (bundle(change=spoiled("bundle.json", head(9, "a"))), "format 9"),
        (bundle(change=spoiled("bundle.json", head(1, "../a"))), "small"),
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_bundle_is_said_and_leaves_nothing(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        bring(tmp_path, content, ())
    assert list(tmp_path.iterdir()) == []


def test_a_place_of_this_node_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is a place of this node"):
        bring(tmp_path, bundle(), {"samarinda"})


def test_equal_files_give_equal_bytes() -> None:
    assert bundle() == bundle()
