"""Inside or outside of a place, and the nearest one otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mahakam.config import ConfigError, load_places
from mahakam.services.area import bounds, contains, distance, nearest_place


def _city(root: Path, id: str, west: float, south: float, size: float = 0.1) -> None:
    folder = root / id
    folder.mkdir()
    ring = [
        [west, south],
        [west + size, south],
        [west + size, south + size],
        [west, south + size],
        [west, south],
    ]
    half = [[x + size / 2, y] for x, y in ring]
    features = [
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [r]}} for r in (ring, half)
    ]
    (folder / "boundary.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (folder / "city.yaml").write_text(f"name: {id}\nboundary: boundary.geojson\n")


def test_a_boundary_is_its_features_together_on_both_sides_of_the_equator(tmp_path: Path) -> None:
    _city(tmp_path, "south", 117.0, -0.5)
    _city(tmp_path, "north", 117.4, 0.1)
    (tmp_path / "anywhere").mkdir()
    (tmp_path / "anywhere" / "city.yaml").write_text("name: Anywhere\n")
    places = load_places([tmp_path])
    assert contains(places["south"], (117.02, -0.45))
    assert contains(places["south"], (117.14, -0.45))
    assert contains(places["south"], (117.0, -0.5))
    assert not contains(places["south"], (117.02, 0.45))
    assert contains(places["anywhere"], (0.0, 0.0))
    assert bounds(places["north"]) == pytest.approx((117.4, 0.1, 117.55, 0.2))
    assert bounds(places["anywhere"]) is None
    inside, near = nearest_place(places, (117.5, 0.15)), nearest_place(places, (117.4, 0.09))
    assert inside is not None
    assert (inside.place.id, inside.metres) == ("north", 0.0)
    assert near is not None
    assert near.place.id == "north"
    assert near.metres == pytest.approx(1112, rel=0.01)


def test_a_polygon_that_crosses_itself_still_has_an_inside(tmp_path: Path) -> None:
    _city(tmp_path, "bow", 10.0, 10.0)
    ring = [[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]
    (tmp_path / "bow" / "boundary.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    place = load_places([tmp_path])["bow"]
    assert contains(place, (0.2, 1.0))
    assert not contains(place, (1.0, 0.2))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"features": [{"geometry": {"type": "Blob"}}]}'])
def test_a_boundary_that_is_none_names_its_file(tmp_path: Path, text: str) -> None:
    _city(tmp_path, "town", 1.0, 1.0)
    (tmp_path / "town" / "boundary.geojson").write_text(text)
    with pytest.raises(ConfigError, match=r"boundary\.geojson"):
        contains(load_places([tmp_path])["town"], (1.0, 1.0))


def test_a_boundary_file_that_is_missing_is_named(tmp_path: Path) -> None:
    _city(tmp_path, "town", 1.0, 1.0)
    (tmp_path / "town" / "boundary.geojson").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        contains(load_places([tmp_path])["town"], (1.0, 1.0))


def test_distance_is_that_of_the_globe() -> None:
    assert distance((117.0, 0.0), (118.0, 0.0)) == pytest.approx(111_195, rel=0.001)
    assert distance((0.0, 60.0), (1.0, 60.0)) == pytest.approx(55_597, rel=0.001)
