"""The folders of a KML document by their names, the outer ones first: OGR gives only the last name of each."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import ParseError

_BETWEEN = " / "
_MOST = 10_000


def paths(file: Path) -> list[str]:
    """``Kecamatan / Titik`` for every folder of a .kml or .kmz, in its order; none for any other file."""
    from defusedxml.common import DefusedXmlException

    with contextlib.suppress(
        ParseError, DefusedXmlException, zipfile.BadZipFile, OSError, RuntimeError, StopIteration
    ):
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                name = next(one for one in archive.namelist() if one.lower().endswith(".kml"))
                with archive.open(name) as inner:
                    return _paths(inner)
        with file.open("rb") as plain:
            return _paths(plain)
    return []


def _paths(document: IO[bytes]) -> list[str]:
    from defusedxml.ElementTree import iterparse

    names: list[str] = []
    open_tags: list[str] = []
    open_folders: list[int] = []
    above: list[list[int]] = []
    for event, element in iterparse(document, ("start", "end")):
        tag = element.tag.rpartition("}")[2]
        if event == "start":
            open_tags.append(tag)
            if tag == "Folder":
                if len(names) >= _MOST:
                    return []
                above.append(list(open_folders))
                open_folders.append(len(names))
                names.append("")
            continue
        open_tags.pop()
        if tag == "name" and open_tags and open_tags[-1] == "Folder":
            names[open_folders[-1]] = " ".join((element.text or "").split())
        elif tag == "Folder":
            open_folders.pop()
            element.clear()
        elif tag == "Placemark":
            element.clear()
    return [
        _BETWEEN.join(part for at in (*outer, number) if (part := names[at]))
        for number, outer in enumerate(above)
    ]
