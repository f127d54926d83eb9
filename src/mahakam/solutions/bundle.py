"""A solution as one file that another node can take: its own file, its components, what it carries, and where from."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import yaml

from mahakam.config import ConfigError, Place, chain, load_places
from mahakam.solutions.definition import LARGEST_CARRIED, Solution, read_solution
from mahakam.solutions.parts_of import ROOMS, file_of

LARGEST = 64 * 2**20
"""Bytes of a bundle, packed or unpacked."""
_MOST_FILES = 200
_FORMAT = 1
_MANIFEST, _FOLDER = "bundle.json", "brought"
_NAME = re.compile(
    rf"(city\.yaml|{_MANIFEST}|(?:solutions|{'|'.join(ROOMS)}|data|codes)/[\w.-]+(?:/[\w.-]+)*)"
)
_PLACE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_OF_CITY = ("name", "timezone", "country", "code", "facts")
"""What of a city.yaml goes along: what a component's texts may be in a city (``adapting.SOURCES``), and no more."""


class BundleError(ValueError):
    """What is wrong with a bundle, and what would be right."""


@dataclass(frozen=True, slots=True)
class Origin:
    """``node``: the address of the node that packed it; ``day``: when (ISO)."""

    node: str
    day: str


def packed(solution: Solution, places: Mapping[str, Place], node: str, day: str) -> bytes:
    """A ZIP archive: equal files give equal bytes. Raises ConfigError for a component that cannot be read."""
    place = places[solution.place]
    files = {"city.yaml": _city(place, places)}
    files[f"solutions/{solution.id}.yaml"] = _read(solution.path)
    for room, name in solution.components:
        located = file_of(room, name, place, places)
        if located is None:
            raise ConfigError(solution.path, f"components.{room}: there is no {name!r} any more")
        files[f"{room}/{name}.yaml"] = _read(located[1])
    for name in solution.carry:
        files[name] = _read(place.inside(name))
    manifest = {
        "format": _FORMAT,
        "place": place.id,
        "solution": solution.id,
        "version": solution.version,
        "node": node,
        "day": day,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    files[_MANIFEST] = json.dumps(manifest, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def bring(data: Path, content: bytes, own: Collection[str]) -> Solution:
    """Keep a bundle below the data folder, for its solution to be adopted from; one that was brought before is renewed.

    ``own``: ids of the node's places, whose solutions are adopted as they are. Raises BundleError: nothing is kept.
    """
    files = _unpacked(content)
    manifest = _manifest(files)
    id, name = str(manifest["place"]), str(manifest["solution"])
    if id in own:
        raise BundleError(f"{id} is a place of this node: adopt its solution as it is here")
    with tempfile.TemporaryDirectory(prefix="mahakam-bring-") as folder:
        staged = Path(folder) / id
        for file, part in files.items():
            path = staged / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
        try:
            place = load_places([staged])[id]
            read_solution(staged / "solutions" / f"{name}.yaml", place, {id: place})
        except ConfigError as error:
            raise BundleError(
                f"the bundle cannot be used: {_within(error.path, staged)}: {error.problem}"
            ) from error
        target = data / _FOLDER / id
        target.mkdir(parents=True, exist_ok=True)
        # The solution's own file comes last: before it is there, or in its old words, nothing refers to the others.
        last = f"solutions/{name}.yaml"
        for file in (*sorted(set(files) - {last}), last):
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{path.name}.part")
            shutil.copyfile(staged / file, unfinished)
            unfinished.replace(path)
    place = guests(data)[id]
    return read_solution(place.folder / "solutions" / f"{name}.yaml", place, {id: place})


def archive_of(address: str) -> str:
    """The archive of a solution's page: its address with .zip, whatever of the page was copied along."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path if path.endswith(".zip") else f"{path}.zip", "", ""))


def guests(data: Path) -> dict[str, Place]:
    """The cities of other nodes whose solutions were brought, by id; they are no places of this node."""
    folder = data / _FOLDER
    return load_places([folder]) if folder.is_dir() else {}


def reachable(data: Path, places: Mapping[str, Place]) -> dict[str, Place]:
    """The node's places, and beside them the guests that are none of them."""
    return guests(data) | dict(places)


def origin_of(place: Place) -> Origin | None:
    """Where a guest came from; None for a place of this node."""
    try:
        said = json.loads((place.folder / _MANIFEST).read_bytes())
        node, day = str(said["node"]).rstrip("/"), dt.date.fromisoformat(said["day"]).isoformat()
        return Origin(node if re.fullmatch(r"https?://[\w.:\[\]/-]{1,300}", node) else "", day)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _city(place: Place, places: Mapping[str, Place]) -> bytes:
    facts: dict[str, Any] = {}
    for one in reversed(chain(places, place)):
        facts |= {key: one.facts[key] for key in ("timezone", "country") if one.facts.get(key)}
    facts |= {key: place.facts[key] for key in _OF_CITY if place.facts.get(key)}
    return yaml.safe_dump(facts, allow_unicode=True, sort_keys=False).encode()


def _unpacked(content: bytes) -> dict[str, bytes]:
    if len(content) > LARGEST:
        raise BundleError(f"a bundle has at most {LARGEST // 2**20} MB")
    files: dict[str, bytes] = {}
    left = LARGEST
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_FILES:
                raise BundleError(f"a bundle has at most {_MOST_FILES} files, not {len(entries)}")
            for entry in entries:
                if not _NAME.fullmatch(entry.filename) or ".." in entry.filename or entry.filename in files:
                    raise BundleError(f"{entry.filename[:120]!r} is no file of a bundle")
                most = min(left, LARGEST_CARRIED)
                with archive.open(entry) as stream:  # what the head says of the size is not believed
                    part = stream.read(most + 1)
                if len(part) > most:
                    raise BundleError(f"{entry.filename[:120]!r} is larger than {most // 2**20} MB")
                left -= len(part)
                files[entry.filename] = part
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BundleError(
            "this is no bundle: a ZIP archive was expected, as a solution's page offers it"
        ) from error
    return files


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        said = json.loads(files[_MANIFEST])
        place, name, hashes = said["place"], said["solution"], dict(said["files"])
        format = said["format"]
    except (KeyError, ValueError, TypeError) as error:
        raise BundleError(f"the bundle has no {_MANIFEST} that says what it is") from error
    if format != _FORMAT:
        raise BundleError(f"the bundle is of format {format!r}; this version reads {_FORMAT}")
    if not (_PLACE.fullmatch(str(place)) and _PLACE.fullmatch(str(name))):
        raise BundleError("the bundle names its city and solution with small letters, digits and -")
    found = {one: hashlib.sha256(content).hexdigest() for one, content in files.items() if one != _MANIFEST}
    if found != hashes or f"solutions/{name}.yaml" not in found or "city.yaml" not in found:
        raise BundleError("the bundle is damaged: its files are not those that it lists")
    return dict(said)


def _within(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error
