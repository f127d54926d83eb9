"""The browser's files: hashed, immutable, built once, from a lock file that names no registry; a light
start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

from mahakam.web import build, bundle

ASSETS = Path(build.__file__).parent / "assets"


def test_files_are_immutable_and_compressed(demo: TestClient) -> None:
    for name in ("app.css", "app.js", "map.js", "maplibre-worker.js", "font.woff2", "mark.svg"):
        address = bundle.asset(name)
        assert address != f"/static/{name}", "not built: python -m mahakam.web.build"
        answer = demo.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        plain = demo.get(address, headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content


def test_a_second_build_does_nothing() -> None:
    assert build.build() is False


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ASSETS / "package-lock.json").read_text("utf-8"))
    assert len(lock["packages"]) > 4
    assert not any("resolved" in package for package in lock["packages"].values())
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_pages_load_nothing_from_elsewhere() -> None:
    for path in [*ASSETS.glob("js/*.js"), *ASSETS.glob("css/*.css")]:
        assert "https://" not in path.read_text("utf-8"), path


def test_importing_the_pages_stays_light() -> None:
    heavy = ["duckdb", "ibis", "pyarrow", "shapely", "pyproj", "PIL", "babel", "numpy", "pydantic", "sqlglot"]
    code = f"import sys, mahakam.web.site; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
