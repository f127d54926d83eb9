"""The software bill of materials of a release: ``python -m tools.sbom [FILE]`` (``make wheel``), CycloneDX 1.5.

Every Python package that an installation brings, from uv.lock, and every npm package that is built into the browser's
files, from package-lock.json; each with version, licence or place, and the hash that the lock holds it to.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mahakam

ROOT = Path(__file__).parents[1]
_UV = Path(sys.executable).with_name("uv")
_ASSETS = ROOT / "src/mahakam/web/assets"
_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def bill() -> dict[str, Any]:
    """The document; its ``metadata.component`` is Mahakam."""
    done = subprocess.run(
        [_UV, "export", "--quiet", "--frozen", "--no-default-groups", "--preview-features", "sbom-export",
         "--format", "cyclonedx1.5"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(done.stdout)
    main = document["metadata"]["component"]
    main |= {
        "type": "application",
        "version": mahakam.__version__,
        "purl": f"pkg:pypi/mahakam@{mahakam.__version__}",
    }
    main["licenses"] = [{"license": {"id": "Apache-2.0"}}]
    found = list(_browser())
    document["components"] += found
    for one in document["dependencies"]:
        if one["ref"] == main["bom-ref"]:
            one.setdefault("dependsOn", []).extend(each["bom-ref"] for each in found)
    return document


def _browser() -> Iterator[dict[str, Any]]:
    lock = json.loads((_ASSETS / "package-lock.json").read_text("utf-8"))
    for path, one in sorted(lock["packages"].items()):
        if not path or one.get("dev") or one.get("optional"):
            continue
        name = path.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{quote(name, safe='/')}@{one['version']}"
        component: dict[str, Any] = {
            "type": "library", "bom-ref": purl, "name": name, "version": one["version"], "purl": purl,
        }  # fmt: skip
        licence = one.get("license") or _licence(path)
        if licence:
            component["licenses"] = [{"expression": licence}]
        algorithm, _, digest = one.get("integrity", "").partition("-")
        if algorithm in _ALGORITHMS:
            content = base64.b64decode(digest).hex()
            component["hashes"] = [{"alg": _ALGORITHMS[algorithm], "content": content}]
        yield component


def _licence(path: str) -> str:
    """What the package says itself, where the lock does not."""
    said = json.loads((_ASSETS / path / "package.json").read_text("utf-8")).get("license", "")
    return said if isinstance(said, str) else ""


def main(arguments: list[str]) -> None:
    path = Path(arguments[0]) if arguments else ROOT / "dist" / f"mahakam-{mahakam.__version__}.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = bill()
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"{path}: {len(document['components'])} packages")


if __name__ == "__main__":
    main(sys.argv[1:])
