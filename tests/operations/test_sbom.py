"""The bill of materials names what a release really brings: what its Python imports and what its browser files hold."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path: Path = tmp_path_factory.mktemp("sbom") / "mahakam.cdx.json"
    subprocess.run([sys.executable, "-m", "tools.sbom", str(path)], cwd=ROOT, check=True, timeout=120)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def needed(name: str, known: dict[str, str]) -> dict[str, str]:
    """Every package that an installation of one brings here, with its version."""
    for text in importlib.metadata.requires(name) or ():
        one = Requirement(text)
        key = canonicalize_name(one.name)
        if key in known or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        known[key] = importlib.metadata.version(key)
        needed(key, known)
    return known


def test_every_python_package_of_an_installation_is_named(bill: dict[str, Any]) -> None:
    said = {
        (canonicalize_name(one["name"]), one["version"])
        for one in bill["components"]
        if "pypi" in one["purl"]
    }
    wanted = needed("mahakam", {})
    assert len(wanted) > 60
    assert set(wanted.items()) <= said


def test_every_npm_package_of_the_browser_files_is_named(bill: dict[str, Any]) -> None:
    said = {one["name"]: one for one in bill["components"] if "npm" in one["purl"]}
    package = json.loads((ROOT / "src/mahakam/web/assets/package.json").read_text("utf-8"))
    assert set(package["dependencies"]) <= set(said)
    assert not set(package["devDependencies"]) & set(said)
    assert all(said[name]["licenses"] for name in package["dependencies"])
    for one in said.values():
        assert re.fullmatch(r"[0-9a-f]{128}", one["hashes"][0]["content"]), one["name"]


def test_it_is_a_bill_of_this_release(bill: dict[str, Any]) -> None:
    main = bill["metadata"]["component"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert (main["name"], main["version"]) == ("mahakam", importlib.metadata.version("mahakam"))
    refs = [one["bom-ref"] for one in bill["components"]]
    assert len(refs) == len(set(refs))
    (root,) = [one for one in bill["dependencies"] if one["ref"] == main["bom-ref"]]
    assert set(root["dependsOn"]) <= set(refs)
