"""Who reads what in tables: each role × each class of column × each way out of the catalogue, CKAN, SQL and exports."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from mahakam.access.keys import add_key
from mahakam.access.policy import OFFICES, PEOPLE, SCOPES, Principal
from mahakam.access.sessions import begin_demo_session, cookie_name
from mahakam.app import Application, Node, open_node
from mahakam.cli.export import export
from mahakam.config import Settings
from mahakam.feeds.catalogue.pace import Pace
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

PUBLIC, INSIDE, OWN, SECRET, MEDICAL = (
    "Loa Bakung",
    "by unit 7",
    "ward 12",
    "6472010101900001",
    "asthma at home",
)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: people
version: 1.0.0
status: active
schema:
  - name: {type}
    properties:
      - {{name: number, logicalType: string, required: true, primaryKey: true}}
      - {{name: village, logicalType: string}}
      - {{name: visited, logicalType: string, classification: internal}}
      - {{name: ward, logicalType: string}}
      - {{name: nik, logicalType: string, classification: personal}}
"""
FEED = "title: {title}\nsource: {{file: data/people.csv}}\ncontract: {contract}\n{rest}owner: Health\n"
ROWS = f"number,village,visited,ward,nik\n1,{PUBLIC},{INSIDE},{OWN},{SECRET}\n"
# What a contract calls public, a city's rights.yaml may call internal.
RIGHTS = "types: {House: {ward: internal}, Home: {ward: internal}}\n"
# By hand, a second time: who reads what is internal, and what is personal.
INTERNAL = {"officer", "head", "steward", "supervisor", "admin", "city_officer", "reader"}
PERSONAL = {"steward", "admin"}
ROLES = (None, *PEOPLE, *SCOPES, *OFFICES)
FEEDS = ("houses", "homes")
"""The same rows, as a dataset and as entities."""


class City:
    """A node whose tables are asked for as whoever is named."""

    def __init__(self, node: Node, client: TestClient) -> None:
        self.node, self.client = node, client

    def get(self, role: str | None, path: str, place: str = "town", agencies: tuple[str, ...] = ()) -> Any:
        headers = {"accept-language": "en"}
        if role is not None:
            store = self.node.store.tenant()
            who = Principal(f"one-{role}", (role,), (place,), agencies=agencies)
            headers["cookie"] = f"{cookie_name(store)}={begin_demo_session(store, who)}"
        return self.client.get(path, headers=headers)

    def read(self, role: str | None, path: str, place: str = "town", agencies: tuple[str, ...] = ()) -> str:
        """What an answer says, as text, whatever its form."""
        answer = self.get(role, path, place, agencies)
        assert answer.status_code == 200, (path, answer.text)
        if ".parquet" in path:
            return json.dumps(parquet.read_table(io.BytesIO(answer.content)).to_pylist())
        if ".xlsx" in path:
            book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
            return str(book.get_sheet_by_index(0).to_python())
        return str(answer.text)


def make(root: Path, rights: str = RIGHTS, contract: str = CONTRACT) -> Path:
    """A province of two cities that have the same tables; returns the folder of configuration."""
    for place in ("town", "bay"):
        folder = root / "prov" / place
        for room in ("contracts", "feeds", "data", "services"):
            (folder / room).mkdir(parents=True)
        (folder / "city.yaml").write_text(f"name: {place.title()}\nparent: prov\n")
        (folder / "data" / "people.csv").write_text(ROWS)
        for feed, type in (("houses", "House"), ("homes", "Home")):
            (folder / "contracts" / f"{feed}.yaml").write_text(contract.format(type=type))
            rest = (
                "store: dataset\n"
                if feed == "houses"
                else f'entity: {{id: "urn:ngsi-ld:Home:{place}:{{number}}"}}\n'
            )
            text = FEED.format(title=feed.title(), contract=feed, rest=rest)
            (folder / "feeds" / f"{feed}.yaml").write_text(text)
    (root / "prov" / "province.yaml").write_text("name: Prov\n")
    (root / "rights.yaml").write_text(rights)
    return root


def served(data: Path, config: Path) -> Iterator[City]:
    node = open_node(Settings(data=data, config=(config,), audit="on"))
    with TestClient(Application(node), base_url="http://localhost") as client:
        for place in ("town", "bay"):
            for feed in FEEDS:
                run = run_feed(Parts.of(node), place, feed, author="a test")
                assert run.stored == 1, run
        yield City(node, client)
    node.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    yield from served(tmp_path / "data", make(tmp_path / "config"))


def resource(city: City, feed: str) -> str:
    package = city.client.get(f"/api/3/action/package_show?id=town--{feed}").json()["result"]
    return str(next(one["id"] for one in package["resources"] if one["format"] == "CSV"))


def ways(city: City, feed: str) -> list[str]:
    """Addresses with rows of the feed; questions in SQL, which have a process each, are :func:`asked` less often."""
    id = resource(city, feed)
    return [
        *(f"/catalogue/town/{feed}.{ending}" for ending in ("csv", "json", "parquet", "xlsx")),
        f"/api/3/action/datastore_search?resource_id={id}",
        f"/api/3/action/datastore_search?resource_id={id}&records_format=lists",
    ]


def asked(feed: str, ending: str = ".json") -> str:
    return f"/sql{ending}?q=" + quote(f"SELECT * FROM town.{feed}")


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mahakam.web.pages.sql._pace", Pace(questions=10_000, seconds=1))


@pytest.mark.parametrize("feed", FEEDS)
def test_every_role_reads_its_columns_and_no_more(city: City, feed: str) -> None:
    for way in ways(city, feed):
        for role in ROLES:
            text = city.read(role, way)
            assert PUBLIC in text, (role, way)
            assert (INSIDE in text) == (role in INTERNAL), (role, way)
            assert (OWN in text) == (role in INTERNAL), ("the city's own line", role, way)
            assert (SECRET in text) == (role in PERSONAL), (role, way)


@pytest.mark.parametrize(
    ("feed", "ending"), [("houses", ".json"), ("homes", ".json"), ("houses", ".parquet"), ("houses", "")]
)
@pytest.mark.parametrize("role", [None, "resident", "officer", "steward", "writer"])
def test_questions_in_sql_read_the_columns_of_their_asker(
    city: City, feed: str, ending: str, role: str | None
) -> None:
    text = city.read(role, asked(feed, ending))
    assert PUBLIC in text
    assert (INSIDE in text) == (OWN in text) == (role in INTERNAL)
    assert (SECRET in text) == (role in PERSONAL)
    assert SECRET not in city.read(role, asked(feed, ending), place="bay")
    said = [one.object for one in city.node.store.tenant().audit_entries(action="read")]
    assert said == ([f"town/{feed}"] if role in PERSONAL else [])


@pytest.mark.parametrize("feed", FEEDS)
def test_columns_are_described_to_whoever_sees_them(city: City, feed: str) -> None:
    for way in (f"/catalogue/town/{feed}.csv-metadata.json", f"/catalogue/town/{feed}", "/sql"):
        for role in ROLES:
            text = city.read(role, way)
            columns = text.split("Left out")[0] + text.partition('id="columns-title"')[2]
            assert "village" in columns, (role, way)
            for name, readers in (("visited", INTERNAL), ("ward", INTERNAL), ("nik", PERSONAL)):
                seen = f'"{name}"' in columns or f">{name}<" in columns
                assert seen == (role in readers), (role, way, name)
    graph = city.read(None, f"/catalogue/town/{feed}.ttl")
    assert "Left out as personal data: nik" in graph
    assert "Left out as internal: visited, ward" in graph
    assert "Left out" not in city.read("steward", f"/catalogue/town/{feed}.ttl")


@pytest.mark.parametrize("feed", FEEDS)
def test_a_role_holds_in_its_place(city: City, feed: str) -> None:
    for way in ways(city, feed):
        assert SECRET not in city.read("steward", way, place="bay"), way
        assert INSIDE not in city.read("officer", way, place="bay"), way
        assert SECRET in city.read("steward", way, place="prov"), way
        assert SECRET in city.read("steward", way, place="*"), way


@pytest.mark.parametrize("feed", FEEDS)
def test_what_is_hidden_cannot_be_asked_for(city: City, feed: str) -> None:
    id = resource(city, feed)
    for role in (None, "officer", "resident"):
        filters = quote(json.dumps({"nik": SECRET}))
        for query in ("fields=nik", "sort=nik", f"filters={filters}"):
            answer = city.get(role, f"/api/3/action/datastore_search?resource_id={id}&{query}")
            assert answer.status_code == 409, query
            assert "not in table" in answer.text
        found = city.read(role, f"/api/3/action/datastore_search?resource_id={id}&q={SECRET}")
        assert json.loads(found)["result"]["total"] == 0
        asked = city.get(role, "/sql.json?q=" + quote(f"SELECT 1 FROM town.{feed} WHERE nik = '{SECRET}'"))
        assert asked.status_code == 400
        assert "nik" in asked.json()["detail"]


def test_whoever_takes_personal_columns_is_in_the_audit_trail(city: City) -> None:
    store = city.node.store.tenant()
    for feed in FEEDS:
        for way in ways(city, feed):
            for role in ROLES:
                before = len(store.audit_entries(action="read", limit=1000))
                text = city.read(role, way)
                new = store.audit_entries(action="read", limit=1000)
                new = new[: len(new) - before]
                said = [(one.principal, one.object, json.loads(one.detail)["fields"]) for one in new]
                expected = [(f"one-{role}", f"town/{feed}", ["nik"])] if SECRET in text else []
                assert said == expected, (role, way)


def test_answers_for_somebody_known_stay_in_no_cache(city: City) -> None:
    for way in [
        *ways(city, "houses"),
        "/catalogue/town/houses.ttl",
        "/catalogue/town/houses.csv-metadata.json",
    ]:
        assert "no-store" in city.get("steward", way).headers["cache-control"], way
        assert "no-store" not in city.get(None, way).headers.get("cache-control", ""), way


def test_a_key_reads_as_its_scope_says(city: City) -> None:
    secret, _ = add_key(city.node.store.tenant(), "an app", ("read",), ("town",))
    for way in ways(city, "houses"):
        answer = city.client.get(way, headers={"authorization": f"Bearer {secret}"})
        assert answer.status_code == 200
        if ".parquet" not in way and ".xlsx" not in way:
            assert INSIDE in answer.text, way
            assert SECRET not in answer.text, way
    wrong = {"authorization": "Bearer mhk_wrong"}
    assert city.client.get("/catalogue/town/houses.csv", headers=wrong).status_code == 401
    refused = city.client.get("/api/3/action/package_list", headers=wrong)
    assert refused.status_code == 403
    assert refused.json()["error"]["__type"] == "Authorization Error"


def test_an_export_leaves_out_what_the_city_closed(city: City) -> None:
    city.node.close()
    common = ["--data", str(city.node.settings.data), "--config", str(city.node.settings.config[0])]
    for what in ("town/houses", "Home"):
        for more, secret in (([], False), (["--with-personal"], True)):
            done = CliRunner().invoke(export, [what, "--format", "json", *more, *common])
            assert done.exit_code == 0, done.output
            out = done.stdout
            assert PUBLIC in out
            assert (OWN in out, SECRET in out, INSIDE in out) == (secret, secret, secret), what


def test_a_class_that_is_changed_holds_for_files_that_were_written_before(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mahakam.access.rights.LOOK", 0.0)
    for feed in FEEDS:
        for way in [*ways(city, feed), asked(feed)]:
            assert PUBLIC in city.read(None, way)
        path = city.node.places["town"].folder / "contracts" / f"{feed}.yaml"
        path.write_text(
            path.read_text().replace(
                "village, logicalType: string", "village, logicalType: string, classification: personal"
            )
        )
        for way in [*ways(city, feed), asked(feed)]:
            assert PUBLIC not in city.read(None, way), way
            assert PUBLIC not in city.read("officer", way), way
            assert PUBLIC in city.read("steward", way), way


# An agency is one of a place.

OF_AGENCY = "read: {personal: ['officer@health', steward]}\n" + RIGHTS


@pytest.fixture
def agencies(tmp_path: Path) -> Iterator[City]:
    yield from served(tmp_path / "data", make(tmp_path / "config", OF_AGENCY))


@pytest.mark.parametrize(
    ("places", "of", "sees"),
    [
        (("town",), ("town/health",), True),
        (("prov",), ("town/health",), True),
        (("*",), ("town/health",), True),
        (("town",), (), False),
        (("*",), (), False),
        (("town",), ("town/roads",), False),
        (("town",), ("bay/health",), False),
        (("*",), ("bay/health",), False),
        (("prov",), ("bay/health",), False),
        (("bay",), ("town/health",), False),
        (("town",), ("prov/health",), True),
        (("town",), ("bay/health", "town/health"), True),
    ],
)
def test_an_agency_is_not_the_one_of_the_same_name_elsewhere(
    agencies: City, places: tuple[str, ...], of: tuple[str, ...], sees: bool
) -> None:
    (place,) = places
    api = "/ngsi-ld/v1/entities/urn:ngsi-ld:Home:town:1"
    pages = ["/cities/town/data/Home.csv", "/cities/town/data/Home.json"]
    for way in [*ways(agencies, "houses"), *ways(agencies, "homes"), asked("homes"), api, *pages]:
        assert (SECRET in agencies.read("officer", way, place, of)) == sees, way
    for way in [*ways(agencies, "houses"), api, *pages]:
        assert SECRET not in agencies.read("head", way, place, of), way
