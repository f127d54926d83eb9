"""The browser's files: content-hashed names from the build's manifest, served as immutable."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_log = logging.getLogger(__name__)


def manifest() -> dict[str, str]:
    """Name in the sources → hashed file name; empty, with a warning, if nothing was built. A new build
    is seen."""
    try:
        return _manifest((STATIC / "manifest.json").stat().st_mtime_ns)
    except OSError:
        return _manifest(0)


def stamp() -> str:
    """What tells this build from every other; "" if nothing was built."""
    try:
        return str(json.loads((STATIC / "manifest.json").read_text("utf-8"))["stamp"])[:16]
    except (OSError, ValueError, KeyError):
        return ""


def chunks() -> list[str]:
    """The files that the scripts share."""
    return sorted(path.name for path in STATIC.glob("chunk-*.js"))


@lru_cache(maxsize=2)
def _manifest(_modified: int) -> dict[str, str]:
    try:
        files = json.loads((STATIC / "manifest.json").read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        _log.warning("the browser's files are not built: run `make setup` (python -m mahakam.web.build)")
        return {}
    return {str(name): str(path) for name, path in files.items()}


def asset(name: str) -> str:
    """The URL of a browser file by its name in the sources, e.g. ``app.css``."""
    return "/static/" + manifest().get(name, name)


def language_sheet(code: str) -> str:
    """The URL of what a language adds to the style sheet, its font above all; "" for one that needs nothing."""
    name = manifest().get(f"language-{code}.css")
    return "/static/" + name if name else ""


def serve(request: Request) -> Response:
    """``GET /static/{name}``: only names that the build made; gzip beside the file where the browser
    takes it."""
    name = request.path_params["name"]
    path = STATIC / name
    if "/" in name or "\\" in name or name.startswith(".") or path.suffix not in _TYPES or not path.is_file():
        return Response("not found", 404, media_type="text/plain")
    headers = {"Content-Type": _TYPES[path.suffix], "Cache-Control": "public, max-age=31536000, immutable"}
    if name not in manifest().values():
        headers["Cache-Control"] = "no-cache"
    packed = path.with_name(name + ".gz")
    if packed.is_file():
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            path = packed
    return Response(path.read_bytes(), headers=headers)
