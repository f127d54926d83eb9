"""Each file of the examples names its source and licence, and what was derived can be derived again."""

from __future__ import annotations

import filecmp
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import shapely
from shapely.geometry import shape

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path for path in EXAMPLES.glob("**/data") if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.parent.relative_to(EXAMPLES)))
def test_every_file_is_listed_with_licence_and_origin(folder: Path) -> None:
    sources = folder / "SOURCES.md"
    text = sources.read_text("utf-8")
    for path in folder.iterdir():
        if path.name in ("SOURCES.md", "derive.sql"):
            continue
        assert path.name in text, f"{path} is not in {sources}"
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| file"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 5, line
            assert all(cells), line


def test_what_may_not_be_copied_is_not_here() -> None:
    names = {path.name for path in EXAMPLES.glob("**/*")}
    assert not any("beers" in name or "hospital" in name or "tide" in name for name in names)
    header = (EXAMPLES / "kaltim/samarinda/data/rain-flood.csv").read_text().splitlines()[0]
    assert header == "tanggal,curah_hujan_mm,durasi_hujan_jam,is_banjir,status_banjir"
    assert not any("reports" in name for name in names), "the residents' reports name their accounts"


@pytest.mark.parametrize("place", ["kaltim", "ascn", "ascn/jakarta"])
def test_what_was_derived_can_be_derived_again(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLES / place / "data", tmp_path / "data")
    (tmp_path / "codes").mkdir()
    made = {"ascn": ["cities-located.csv", "countries.geojson"]}.get(place, [])
    for name in made:
        (tmp_path / "data" / name).unlink()
    monkeypatch.chdir(tmp_path / "data")
    with duckdb.connect() as connection:
        connection.execute((tmp_path / "data" / "derive.sql").read_text("utf-8"))
    codes = sorted(path.name for path in (EXAMPLES / place / "codes").iterdir())
    assert sorted(path.name for path in (tmp_path / "codes").iterdir()) == codes
    for name in codes:
        assert filecmp.cmp(tmp_path / "codes" / name, EXAMPLES / place / "codes" / name, shallow=False), name
    for name in made:
        assert filecmp.cmp(tmp_path / "data" / name, EXAMPLES / place / "data" / name, shallow=False), name


def test_the_repaired_outlines_are_the_original_ones() -> None:
    def features(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((EXAMPLES / "kaltim/data" / name).read_text("utf-8"))[
            "features"
        ]
        return found

    repaired = 0
    for before, after in zip(
        features("kaltim-regencies.geojson"), features("regencies-repaired.geojson"), strict=True
    ):
        assert before["properties"] == after["properties"]
        old, new = shape(before["geometry"]), shape(after["geometry"])
        assert new.is_valid
        if old.is_valid:
            assert before["geometry"] == after["geometry"]
        else:
            repaired += 1
            islands = [
                {"type": "Polygon", "coordinates": rings} for rings in before["geometry"]["coordinates"]
            ]
            covered = shapely.union_all([shape(island) for island in islands])
            assert covered.symmetric_difference(new).area < 1e-9
    assert repaired == 3
