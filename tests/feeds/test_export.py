"""What is stored comes out as files that other programs read: nothing personal, nothing that runs, nothing half."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mahakam.app import Node
from mahakam.cli import run
from mahakam.config import Settings
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed

SINGAPORE = Path(__file__).parents[2] / "examples/ascn/singapore"
RAIN = SINGAPORE / "data/singapore_rainfall_2017_06.csv.gz"
PERSONAL = """apiVersion: v3.1.0
kind: DataContract
id: permit
version: 1.0.0
status: active
schema:
  - name: Permit
    properties:
      - {name: number, logicalType: string, required: true, primaryKey: true}
      - {name: applicant, logicalType: string, classification: personal}
      - {name: shape, logicalType: object, physicalType: geometry}
"""
PERMITS = """source: {file: data/permits.csv}
contract: permit
store: dataset
map: {number: nomor, applicant: who, shape: {longitude: lon, latitude: lat}}
entity: {id: "urn:ngsi-ld:Permit:singapore:{number}"}
"""


class Exporter:
    """Singapore's folder with a slice of its rain as a dataset, some entities, and the command."""

    def __init__(self, root: Path) -> None:
        self.data, self.config = root / "data", root / "places"
        self.data.mkdir()
        folder = self.config / "singapore"
        shutil.copytree(SINGAPORE, folder, ignore=shutil.ignore_patterns("data"))
        (folder / "data").mkdir()
        with gzip.open(RAIN, "rt", encoding="utf-8") as text:
            lines = [next(text) for _ in range(501)]
        (folder / "data" / RAIN.name).write_bytes(gzip.compress("".join(lines).encode()))
        self.rain = list(csv.DictReader(lines))
        (folder / "contracts/permit.yaml").write_text(PERSONAL)
        (folder / "feeds/permits.yaml").write_text(PERMITS)
        (folder / "data/permits.csv").write_text("nomor,who,lon,lat\nP1,Tan,103.8,1.3\nP2,=1+1,103.9,1.4\n")

    def feed(self, name: str) -> None:
        node = Node(self.settings)
        assert run_feed(Parts.of(node), "singapore", name).state == "clean"
        node.close()

    @property
    def settings(self) -> Settings:
        return Settings(data=self.data, config=(self.config,))

    def put(self, *documents: dict[str, Any]) -> None:
        node = Node(self.settings)
        for document in documents:
            node.broker.upsert(document)
        node.close()

    def __call__(self, *arguments: str) -> int:
        return run(["export", *arguments, "--data", str(self.data), "--config", str(self.config)])


@pytest.fixture
def export(tmp_path: Path) -> Exporter:
    return Exporter(tmp_path)


def entity(id: str, type: str = "Thing", scope: str = "/singapore", **attributes: Any) -> dict[str, Any]:
    made = {name: {"type": "Property", "value": value} for name, value in attributes.items()}
    return {"id": f"urn:ngsi-ld:{type}:{id}", "type": type, "scope": scope, **made}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_rows_of_a_dataset_are_those_of_the_file(
    export: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    export.feed("rain-2017-06")
    assert export("singapore/rain-2017-06") == 0
    rows = table(capfd.readouterr().out)
    assert [(r["station"], float(r["precipitation"])) for r in rows] == [
        (r["station_id"], float(r["value"])) for r in export.rain
    ]
    assert rows[0]["dateObserved"] == "2017-05-31T16:00:00Z", "local midnight, as UTC"
    assert export("singapore/rain-2017-06", "--format", "json") == 0
    objects = json.loads(capfd.readouterr().out)
    assert objects[0] == {"station": "S77", "dateObserved": "2017-05-31T16:00:00Z", "precipitation": 0.0}
    assert len(objects) == 500


def test_every_attribute_of_any_entity_has_a_column(
    export: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    words = {"type": "LanguageProperty", "languageMap": {"en": "Park", "id": "Taman"}}
    owner = {"type": "Relationship", "object": "urn:ngsi-ld:Agency:1"}
    export.put(entity("1", size=3.5), entity("2", note='a, "b"\nc') | {"name": words, "owner": owner})
    assert export("Thing") == 0
    first, second = table(capfd.readouterr().out)
    assert first["size"] == "3.5"
    assert first["name.en"] == first["note"] == ""
    assert (second["name.en"], second["name.id"]) == ("Park", "Taman")
    assert second["note"] == 'a, "b"\nc'
    assert second["owner"] == "urn:ngsi-ld:Agency:1"


def test_text_that_a_spreadsheet_would_run_is_only_text(
    export: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    nasty = {
        "a": '=HYPERLINK("http://x")',
        "b": "+1+cmd|' /C calc'!A0",
        "c": "@SUM(1)",
        "d": "\t=1",
        "e": "-5",
        "f": -5,
    }
    export.put(entity("1", **nasty))
    assert export("Thing") == 0
    (row,) = table(capfd.readouterr().out)
    assert [row[name] for name in "abcd"] == ["'" + str(nasty[name]) for name in "abcd"]
    assert (row["e"], row["f"]) == ("-5", "-5")
    assert export("Thing", "--format", "json") == 0
    (one,) = json.loads(capfd.readouterr().out)
    assert one["a"] == nasty["a"], "JSON is not opened in a spreadsheet"


def test_place_and_query_select(export: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    export.put(
        entity("1", n=1),
        entity("2", n=2),
        entity("3", "Thing", "/elsewhere", n=3),
        entity("4", "Thing", "/singapore/a", n=4),
    )
    assert export("Thing", "--place", "singapore", "--q", "n>1", "--format", "json") == 0
    assert [one["n"] for one in json.loads(capfd.readouterr().out)] == [2, 4]
    assert export("Thing", "--q", "n>9") == 0
    assert capfd.readouterr().out == "id,type\r\n"


def test_geojson_places_entities_on_the_earth(export: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    point = {"type": "Point", "coordinates": [103.8, 1.3]}
    export.put(entity("1", n=1) | {"site": {"type": "GeoProperty", "value": point}}, entity("2", n=2))
    assert export("Thing", "--format", "geojson") == 0
    found = json.loads(capfd.readouterr().out)
    assert found["type"] == "FeatureCollection"
    assert [(one["id"], one["geometry"]) for one in found["features"]] == [
        ("urn:ngsi-ld:Thing:1", point),
        ("urn:ngsi-ld:Thing:2", None),
    ]
    assert found["features"][0]["properties"] == {"type": "Thing", "n": 1}


def test_what_is_personal_stays_unless_asked_for(export: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    here, nowhere = (
        entity("1", "Permit", number="P1", applicant="Tan"),
        entity("2", "Permit", "/", number="P2"),
    )
    nowhere = {name: value for name, value in nowhere.items() if name != "scope"}
    export.put(here)
    node = Node(Settings(data=export.data))
    node.broker.upsert(nowhere | {"applicant": {"type": "Property", "value": "Lim"}})
    node.close()
    export.feed("permits")
    for what in ("Permit", "singapore/permits"):
        for form in ("csv", "json", "geojson"):
            assert export(what, "--format", form) == 0
            out = capfd.readouterr().out
            assert "P1" in out
            assert "applicant" not in out
            assert "Tan" not in out
            assert "Lim" not in out
        assert export(what, "--with-personal") == 0
        rows = table(capfd.readouterr().out)
        assert "Tan" in {row["applicant"] for row in rows}


def test_a_dataset_with_places_as_geojson(export: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    export.feed("permits")
    assert export("singapore/permits", "--format", "geojson", "--with-personal") == 0
    first, second = json.loads(capfd.readouterr().out)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [103.8, 1.3]}
    assert second["properties"] == {"number": "P2", "applicant": "=1+1"}


def test_a_file_appears_only_when_it_is_whole(export: Exporter, tmp_path: Path) -> None:
    export.feed("rain-2017-06")
    target = tmp_path / "rain.csv"
    target.write_text("before")
    assert export("singapore/rain-2017-06", "--format", "geojson", "--to", str(target)) == 2
    assert target.read_text() == "before"
    assert export("singapore/rain-2017-06", "--to", str(target)) == 0
    assert len(table(target.read_text())) == 500
    assert {each.name for each in tmp_path.iterdir()} == {"data", "places", "rain.csv"}
    assert export("singapore/rain-2017-06", "--to", str(tmp_path / "no/where.csv")) == 2


def test_what_cannot_be_exported_is_said(export: Exporter, capfd: pytest.CaptureFixture[str]) -> None:
    export.put(entity("1", n=1))
    export.feed("rain-2017-06")
    for arguments, said in (
        (("Thin",), "did you mean Thing?"),
        (("Thing", "--place", "nowhere"), "there is no place 'nowhere'"),
        (("Thing", "--q", "n=="), "position"),
        (("nowhere/rain",), "there is no place 'nowhere'"),
        (("singapore/rain-2017",), "did you mean singapore/rain-2017-06?"),
        (("singapore/car-parks",), "mahakam feed run singapore/car-parks"),
        (("singapore/rain-2017-06", "--q", "a==1"), "select entities"),
        (("singapore/rain-2017-06", "--format", "geojson"), "no geometry"),
    ):
        assert export(*arguments) == 2, arguments
        out, err = capfd.readouterr()
        assert out == ""
        assert said in err


def test_a_damaged_dataset_is_said_and_mended_by_running_its_feed(
    export: Exporter, capfd: pytest.CaptureFixture[str]
) -> None:
    export.feed("rain-2017-06")
    (file,) = export.data.rglob("*.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert export("singapore/rain-2017-06") == 2
    assert "run its feed again with --force" in capfd.readouterr().err
    node = Node(export.settings)
    run_feed(Parts.of(node), "singapore", "rain-2017-06", force=True)
    node.close()
    assert file.read_bytes() == whole
    assert export("singapore/rain-2017-06") == 0


def test_a_reader_that_has_enough_is_no_failure(export: Exporter) -> None:
    export.put(*(entity(str(n), text="x" * 200) for n in range(2000)))
    command = [sys.executable, "-m", "mahakam", "export", "Thing"]
    if not (Path(sys.executable).parent / "mahakam").exists():
        pytest.skip("mahakam is not installed here")
    command[:3] = [str(Path(sys.executable).parent / "mahakam")]
    command += ["--data", str(export.data), "--config", str(export.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith(b"id,type")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
