"""The catalogue as linked data: what DCAT-AP asks, figures that are the runs' own, tables that are the rows."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as parquet
import pyshacl
import pytest
from python_calamine import CalamineWorkbook
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF

from mahakam.api.catalogue.dcat import TABLES
from mahakam.api.catalogue.negotiation import preferred
from mahakam.app import Application, Node
from mahakam.feeds.catalogue.entry import entries
from mahakam.feeds.catalogue.licences import known
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.services.catalogue import cities_with_services
from support.demo_part import FEEDS, node_over, part_of_demo
from support.portal import Browser, Portal, two_cities, with_stops

SHAPES = Graph().parse(Path(__file__).with_name("dcat-ap.ttl"))
DQV = Namespace("http://www.w3.org/ns/dqv#")
SDI = Namespace("urn:mahakam:satu-data:")
HOST = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def demo() -> Iterator[Node]:
    node = node_over(part_of_demo())
    yield node
    node.close()


@pytest.fixture
def asker(demo: Node) -> Browser:
    return Browser(Application(demo), "127.0.0.1", "127.0.0.1:8000")


def graph_of(answer: httpx.Response) -> Graph:
    assert answer.status_code == 200, answer.text
    form = {"text/turtle": "turtle", "application/ld+json": "json-ld"}
    return Graph().parse(data=answer.text, format=form[answer.headers["content-type"].partition(";")[0]])


def conforming(graph: Graph) -> None:
    conforms, _, said = pyshacl.validate(graph, shacl_graph=SHAPES)
    assert conforms, said


def test_the_catalogue_of_the_demo_is_what_dcat_ap_asks(demo: Node, asker: Browser) -> None:
    graph = graph_of(asker.get("/catalogue.ttl"))
    conforming(graph)
    known = list(entries(demo.store.tenant(), demo.places, demo.rights.open))
    assert len(known) > 30
    listed = set(graph.objects(URIRef(f"{HOST}/catalogue"), DCAT.dataset))
    cities = [one.id for one in cities_with_services(demo.places)]
    requests = {URIRef(f"{HOST}/requests?city={id}#dataset") for id in cities}
    assert listed == {URIRef(f"{HOST}{one.path}") for one in known} | requests
    with_rows = {one.path for one in known if one.rows is not None}
    assert with_rows == {f"/catalogue/{name}" for name in FEEDS}
    for one in known:
        files = list(graph.objects(URIRef(f"{HOST}{one.path}"), DCAT.distribution))
        assert len(files) == (len(TABLES) if one.rows is not None else 0)


def test_requests_of_residents_are_a_dataset_of_each_city_that_takes_them(demo: Node, asker: Browser) -> None:
    graph = graph_of(asker.get("/catalogue.ttl"))
    cities = [one.id for one in cities_with_services(demo.places)]
    assert {"samarinda", "balikpapan", "bontang"} <= set(cities)
    service = URIRef(f"{HOST}/open311/v2")
    assert service in set(graph.objects(URIRef(f"{HOST}/catalogue"), DCAT.service))
    for city in cities:
        here = URIRef(f"{HOST}/requests?city={city}#dataset")
        assert here in set(graph.objects(service, DCAT.servesDataset))
        assert set(graph.objects(here, DCAT.landingPage)) == {URIRef(f"{HOST}/requests?city={city}")}
        files = [
            file
            for made in graph.objects(here, DCAT.distribution)
            for file in graph.objects(made, DCAT.downloadURL)
        ]
        assert len(files) == 2
        for file in files:
            answer = asker.get(str(file).removeprefix(HOST))
            assert answer.status_code == 200
            (media,) = [
                str(kind).rpartition("media-types/")[2]
                for made in graph.subjects(DCAT.downloadURL, file)
                for kind in graph.objects(made, DCAT.mediaType)
            ]
            assert answer.headers["content-type"].startswith(media)
        assert f'href="/requests.csv?city={city}"' in asker.get("/catalogue", accept="text/html").text
    assert asker.get("/open311/discovery.json").status_code == 200


def test_the_shapes_find_what_is_missing(asker: Browser) -> None:
    """The test above can fail: a dataset without a title, a publisher without a name, a licence that is a text."""
    here = URIRef(f"{HOST}/catalogue/samarinda/rain")
    for change in ("title", "name", "licence"):
        graph = graph_of(asker.get("/catalogue/samarinda/rain.ttl"))
        if change == "title":
            graph.remove((here, DCTERMS.title, None))
        elif change == "name":
            graph.remove((None, FOAF.name, None))
        else:
            file = next(graph.objects(here, DCAT.distribution))
            graph.set((file, DCTERMS.license, Literal("CC BY")))
        assert not pyshacl.validate(graph, shacl_graph=SHAPES)[0], change


def test_both_forms_say_the_same(asker: Browser) -> None:
    turtle = graph_of(asker.get("/catalogue/samarinda/rain.ttl"))
    linked = graph_of(asker.get("/catalogue/samarinda/rain.jsonld"))
    assert len(turtle) > 80
    assert turtle.isomorphic(linked) if hasattr(turtle, "isomorphic") else len(turtle) == len(linked)
    asked = graph_of(asker.get("/catalogue/samarinda/rain", Accept="text/turtle"))
    assert len(asked) == len(turtle)
    conforming(turtle)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "html"),
        ("*/*", "html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("text/turtle", "ttl"),
        ("application/ld+json", "jsonld"),
        ("application/ld+json;q=0.5, text/turtle", "ttl"),
        ("text/turtle;q=0, application/ld+json", "jsonld"),
        ("text/turtle;q=x, text/html;q=0.1", "html"),
        ("application/rdf+xml", "html"),
    ],
)
def test_the_form_that_is_asked_for(asker: Browser, accept: str, form: str) -> None:
    assert preferred(accept) == form
    answer = asker.get("/catalogue", Accept=accept)
    media = {"html": "text/html", "ttl": "text/turtle", "jsonld": "application/ld+json"}[form]
    assert answer.headers["content-type"].startswith(media)


def test_quality_figures_are_those_of_the_last_run(demo: Node, asker: Browser) -> None:
    graph = graph_of(asker.get("/catalogue/jakarta/fires-2013.ttl"))
    here = URIRef(f"{HOST}/catalogue/jakarta/fires-2013")
    run = demo.store.tenant().runs("jakarta", "fires-2013")[0]
    measured = {
        str(next(graph.objects(one, DQV.isMeasurementOf))).rpartition("-")[2]: next(
            graph.objects(one, DQV.value)
        )
        for one in graph.objects(here, DQV.hasQualityMeasurement)
    }
    assert {
        name: value.toPython()
        for name, value in measured.items()
        if name != "score" and not name.endswith("Share")
    } == {
        "rowsRead": run.read - run.left_out,
        "rowsStored": run.stored + run.unchanged,
        "rowsHeld": demo.store.tenant().count_held("jakarta", "fires-2013"),
        "rowsWithWarning": run.warnings,
    }
    shares = {
        name.removesuffix("Share"): float(value) for name, value in measured.items() if name.endswith("Share")
    }
    assert shares == run.quality["dimensions"]
    assert shares["consistency"] < shares["completeness"] < shares["timeliness"] == 1
    assert 0 < float(measured["score"]) < 1


def test_satu_data_says_producer_standard_and_codes(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", with_stops(two_cities(tmp_path / "places"))) as portal:
        run_feed(Parts.of(portal.node), "town", "stops", author="tester")
        graph = graph_of(portal.browser().get("/catalogue/town/stops.ttl"))
    here = URIRef(f"{HOST}/catalogue/town/stops")
    assert list(graph.objects(here, SDI.produsenData)) == [Literal("Dishub")]
    assert list(graph.objects(here, SDI.kodeReferensi)) == [Literal("districts.name")]
    variables = list(graph.objects(here, SDI.variabel))
    assert len(variables) == 5
    seats = next(v for v in variables if str(v).endswith("#variable-seats"))
    assert (seats, SDI.ukuran, Literal("integer")) in graph
    assert (seats, RDF.type, SDI.Variabel) in graph


@pytest.mark.parametrize("name", ["samarinda/rain", "ascn/countries", "jakarta/fires-2013"])
def test_a_table_is_the_same_rows_in_every_form(asker: Browser, name: str) -> None:
    path = f"/catalogue/{name}"
    text = asker.get(f"{path}.csv")
    rows = list(csv.reader(io.StringIO(text.text)))
    header, rows = rows[0], rows[1:]
    as_json = asker.get(f"{path}.json").json()
    table = parquet.read_table(io.BytesIO(asker.get(f"{path}.parquet").content))
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(asker.get(f"{path}.xlsx").content))
    cells = sheet.get_sheet_by_index(0).to_python()
    assert len(rows) == len(as_json) == table.num_rows == len(cells) - 1 > 0
    assert header == list(as_json[0]) == table.column_names == cells[0]
    assert [row[0] for row in rows] == [one["id"] for one in as_json] == table["id"].to_pylist()
    assert [str(row[0]) for row in cells[1:]] == [row[0] for row in rows]
    described = asker.get(f"{path}.csv-metadata.json").json()
    assert described["url"] == f"{HOST}{path}.csv"
    assert [column["name"] for column in described["tableSchema"]["columns"]] == header
    assert f"{path}.csv-metadata.json" in text.headers["link"]


def test_csvw_says_types_keys_units_and_terms(asker: Browser) -> None:
    made = asker.get("/catalogue/samarinda/rain.csv-metadata.json").json()
    columns = {column["name"]: column for column in made["tableSchema"]["columns"]}
    assert columns["dateObserved"]["datatype"] == "date"
    assert columns["dateObserved"]["required"] is True
    assert columns["precipitation"]["datatype"]["base"] == "double"
    assert columns["precipitation"]["http://qudt.org/schema/qudt/uneceCommonCode"] == "MMT"
    assert made["tableSchema"]["primaryKey"] == ["dateObserved"]
    assert made["dc:license"].startswith("measured facts")


def test_personal_fields_leave_the_node_in_no_form(tmp_path: Path) -> None:
    places = with_stops(two_cities(tmp_path / "places"))
    contract = places / "prov/town/contracts/stop.yaml"
    contract.write_text(
        contract.read_text().replace(
            "{name: name, logicalType", "{name: name, classification: personal, logicalType"
        )
    )
    for kept in ("entities", "dataset"):
        feed = places / "prov/town/feeds/stops.yaml"
        if kept == "dataset":
            feed.write_text(feed.read_text().partition("entity:")[0] + "store: dataset\nowner: Dishub\n")
        with Portal(tmp_path / f"data-{kept}", places) as portal:
            assert run_feed(Parts.of(portal.node), "town", "stops", author="tester").stored == 1
            asker = portal.browser()
            for ending in ("csv", "json", "parquet", "xlsx", "ttl", "jsonld", "csv-metadata.json"):
                answer = asker.get(f"/catalogue/town/stops.{ending}")
                assert answer.status_code == 200, (kept, ending, answer.text)
                assert b"Pasar" not in answer.content, (kept, ending)
            table = parquet.read_table(io.BytesIO(asker.get("/catalogue/town/stops.parquet").content))
            assert "name" not in table.column_names
            assert table["code"].to_pylist() == ["A1"]
            assert "Left out as personal data: name" in asker.get("/catalogue/town/stops.ttl").text


def test_a_field_marked_as_personal_later_leaves_at_once(tmp_path: Path) -> None:
    places = with_stops(two_cities(tmp_path / "places"))
    contract, feed = places / "prov/town/contracts/stop.yaml", places / "prov/town/feeds/stops.yaml"
    feed.write_text(feed.read_text().partition("entity:")[0] + "store: dataset\nowner: Dishub\n")
    text = contract.read_text().replace("{name: seats,", "{name: seats, classification: personal,")
    contract.write_text(text)
    with Portal(tmp_path / "data", places) as portal:
        run_feed(Parts.of(portal.node), "town", "stops", author="tester")
        asker = portal.browser()
        assert b"Pasar" in asker.get("/catalogue/town/stops.csv").content
        contract.write_text(
            text.replace("{name: name, logicalType", "{name: name, classification: personal, logicalType")
        )
        os.utime(contract, ns=(1, 2**60))
        for path in (
            "/catalogue/town/stops.csv",
            "/catalogue/town/stops.parquet",
            "/sql.csv?q=FROM+town.stops",
        ):
            answer = asker.get(path)
            assert answer.status_code == 200, answer.text
            assert b"Pasar" not in answer.content, path
        assert len(list((tmp_path / "data/tables/town/stops").iterdir())) == 1, "the older copy is gone"


def test_what_is_not_there_is_said(asker: Browser) -> None:
    for path, status in (
        ("/catalogue/samarinda/nothing.ttl", 404),
        ("/catalogue/atlantis/rain.csv", 404),
        ("/catalogue/samarinda/rain.csv?version=x", 400),
        ("/catalogue/samarinda/rain.parquet?version=99999", 404),
        ("/catalogue/singapore/rain-2017-06.csv", 404),
    ):
        answer = asker.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("stated", "id"),
    [
        ("CC BY 4.0 (data.gov.my)", "CC-BY-4.0"),
        ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
        ("ODbL 1.0 (OpenStreetMap)", "ODbL-1.0"),
        ("CC0 1.0", "CC0-1.0"),
        ("MIT", "MIT"),
        ("MITRE terms", None),
        ("facts; area CC BY-SA", None),
        ("", None),
    ],
)
def test_a_licence_is_known_by_the_words_it_begins_with(stated: str, id: str | None) -> None:
    found = known(stated)
    assert (found.id if found else None) == id
