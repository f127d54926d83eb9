"""An evaluation as one file that an assessor opens without a network: pages, figures, documents, and their hashes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from typing import Any

from mahakam.config import Place
from mahakam.evaluation.collect import Figures, collected
from mahakam.evaluation.standing import Standing
from mahakam.spreadsheet import guarded
from mahakam.web.language import reader
from mahakam.web.render import environment, written

LARGEST = 20 * 2**20
"""Bytes of one document that goes along; a larger one is named in the manifest and left out."""


def package(broker: Any, place: Place, found: Standing, made: str, base: str) -> bytes:
    """The ZIP: ``index.html``, ``figures/``, ``documents/``, ``manifest.json`` (SHA-256 of each file), the same as
    ``SHA256SUMS``. ``made`` is an ISO date and ``base`` the node's address. Equal facts give equal bytes."""
    files: dict[str, bytes] = {}
    figures: dict[str, list[tuple[str, Figures]]] = {}
    left_out: list[dict[str, str]] = []
    for line in found.lines:
        for name in line.question.feeds:
            kept = collected(broker, place, name)
            if kept:
                path = f"figures/{name}.csv"
                files[path] = _csv(kept)
                figures.setdefault(line.question.key, []).append((path, kept))
        for piece in line.found:
            if piece.piece.kind != "file" or not piece.there:
                continue
            source = place.inside(piece.piece.target)
            if source.stat().st_size > LARGEST:
                left_out.append({"file": piece.piece.target, "why": f"larger than {LARGEST} bytes"})
            else:
                files[f"documents/{piece.piece.target}"] = source.read_bytes()
    page = environment().get_template("evidence-package.html")
    context = {
        "place": place,
        "found": found,
        "figures": figures,
        "made": made,
        "base": base,
        "files": set(files),
    }
    files["index.html"] = written(page, **context).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    manifest = {
        "made": made,
        "node": base,
        "place": place.id,
        "language": reader().language,
        "framework": found.framework.id,
        "assessment": found.assessment.id,
        "day": found.assessment.day.isoformat(),
        "claimed": found.claimed,
        "carried": found.carried,
        "withoutEvidence": [one.question.key for one in found.lines if one.bare],
        "notAnswered": [one.question.key for one in found.lines if one.answer is None],
        "leftOut": left_out,
        "files": [{"name": name, "bytes": len(files[name]), "sha256": hash} for name, hash in hashes.items()],
    }
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
    files["SHA256SUMS"] = "".join(f"{hash}  {name}\n" for name, hash in hashes.items()).encode()
    day = tuple(int(part) for part in made.split("-"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(name, (day[0], day[1], day[2], 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


def _csv(figures: Figures) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([guarded(cell) for cell in row] for row in figures.rows)
    return out.getvalue().encode()
