"""GeoJSON sources: properties become columns, the geometry stays as it is for the contract to judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mahakam.feeds.sources import SourceError
from support.sources import EXAMPLES, cells, read, rows, written

POINT = {"type": "Point", "coordinates": [117.15, -0.5]}


def feature(geometry: object = POINT, **properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def dumped(folder: Path, value: object, name: str = "a.geojson") -> Path:
    return written(folder, name, json.dumps(value))


def collection(*features: object, **more: object) -> dict[str, object]:
    return {"type": "FeatureCollection", "features": list(features), **more}


@pytest.mark.parametrize("name", ["a.geojson", "a.json"])
def test_a_collection(tmp_path: Path, name: str) -> None:
    table = read(dumped(tmp_path, collection(feature(nama="A", n=1), feature(None, nama="B")), name))
    assert table.info.format == "geojson"
    assert table.columns == ["nama", "n", "_geometry"]
    assert rows(table) == [
        (1, 1, "A", "1", '{"type":"Point","coordinates":[117.15,-0.5]}'),
        (2, 2, "B", None, None),
    ]


def test_one_feature_and_a_bare_geometry(tmp_path: Path) -> None:
    assert cells(read(dumped(tmp_path, feature(nama="A"))))[0][0] == "A"
    assert json.loads(str(cells(read(dumped(tmp_path, POINT)))[0][0])) == POINT


def test_the_features_id_is_a_column_unless_a_property_is_called_so(tmp_path: Path) -> None:
    first = {**feature(nama="A"), "id": 7}
    second = {**feature(nama="B", id="own"), "id": 8}
    table = read(dumped(tmp_path, collection(first, second)))
    found = [dict(zip(table.columns, row, strict=True)) for row in cells(table)]
    assert [row["id"] for row in found] == ["7", "own"]


def test_nested_and_missing_properties(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, collection(feature(tags={"a": [1]}), {**feature(), "properties": None})))
    assert [row[0] for row in cells(table)] == ['{"a":[1]}', None]


def test_a_property_called_geometry_is_not_the_geometry(tmp_path: Path) -> None:
    table = read(dumped(tmp_path, collection(feature(POINT, _geometry="palsu", geom="lain"))))
    assert table.columns == ["_geometry (2)", "geom", "_geometry"]
    assert cells(table)[0][:2] == ("palsu", "lain")


def test_wrong_geometries_are_left_to_the_contract(tmp_path: Path) -> None:
    wrong = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}
    table = read(dumped(tmp_path, collection(feature(wrong, n=1), feature("palsu", n=2))))
    assert [row[1] for row in cells(table)] == ['{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}', '"palsu"']


def test_an_old_coordinate_system_is_told(tmp_path: Path) -> None:
    old = collection(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3414"}})
    assert any("3414" in note for note in read(dumped(tmp_path, old)).info.notes)
    usual = collection(
        feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    )
    assert read(dumped(tmp_path, usual)).info.notes == []


def test_large_numbers_keep_every_digit() -> None:
    path = EXAMPLES / "ascn/jakarta/data/jakarta_flood_areas_2017-02-21T13.geojson.gz"
    table = read(path)
    assert len(rows(table)) == 168
    at = table.columns.index("geom_id")
    assert all(str(row[at]).isdecimal() and len(str(row[at])) >= 15 for row in cells(table))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"type": "Topology", "objects": {}}, "is no GeoJSON: its type is 'Topology'"),
        ([1, 2], "is no GeoJSON"),
        ({"type": "FeatureCollection", "features": {}}, "features must be a list"),
        ({"type": "FeatureCollection"}, "features must be a list"),
        (collection(feature(), "kata"), "feature 2"),
        (collection({"type": "Feature", "properties": [1], "geometry": None}), "feature 1"),
    ],
)
def test_what_is_no_geojson_is_refused(tmp_path: Path, value: object, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(dumped(tmp_path, value))


def test_invalid_json_is_refused_with_its_position_and_nan_is_no_coordinate(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^a\.geojson, line 2, column 1: is not valid JSON"):
        read(written(tmp_path, "a.geojson", '{"type": "FeatureCollection",\n}'))
    text = json.dumps(collection(feature({"type": "Point", "coordinates": [float("nan"), 0]})), indent=0)
    table = read(written(tmp_path, "a.geojson", text))
    assert [row[-1] for row in rows(table)] == ['{"type":"Point","coordinates":["NaN",0]}'], (
        "no point: it is held"
    )
    assert table.info.notes == ["holds what JSON does not have, read as text: NaN 1 times"]


def test_an_empty_collection_is_a_table_without_rows(tmp_path: Path) -> None:
    assert rows(read(dumped(tmp_path, collection()))) == []
