"""The fonts of typeset papers: the browser's Noto fonts as TrueType, the only form that typst reads.

``build`` calls this after npm; nothing is done when the packages are those of the last time. A family in one part comes
in two weights. One in many parts (Chinese: 97) becomes one file of the regular weight: bold would double 4.5 MB.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parent / "fonts"
WEIGHTS = {400: "Regular", 700: "Bold"}
_LATIN = ("latin", "latin-ext", "vietnamese", "cyrillic", "cyrillic-ext", "greek", "greek-ext")
"""Parts that papers have in another font."""
_WEB_ONLY = ("GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG", "STAT")
"""Tables that parts of one font cannot be merged with, and that upright Chinese text does without."""


def families() -> list[str]:
    """The families that were made, e.g. ``Noto Sans Thai``."""
    return sorted({path.stem.rpartition("-")[0] for path in FONTS.glob("*.ttf")})


def make(packages: Path) -> bool:
    """``FONTS`` from the ``noto-*`` packages of a folder of npm. True if something was made.

    Raises ImportError without fonttools and brotli (uv sync --group assets).
    """
    found = sorted(packages.glob("noto-*"))
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for package in found:
        digest.update((package / "package.json").read_bytes())
    stamp, mark = digest.hexdigest(), FONTS / "stamp"
    if mark.is_file() and mark.read_text("utf-8") == stamp:
        return False
    with tempfile.TemporaryDirectory(dir=FONTS.parent, prefix=".fonts-") as scratch:
        made = Path(scratch) / "fonts"
        made.mkdir()
        for package in found:
            _family(package, made)
        (made / "stamp").write_text(stamp, "utf-8")
        shutil.rmtree(FONTS, ignore_errors=True)
        made.rename(FONTS)
    return True


def _family(package: Path, folder: Path) -> None:
    ending = "-wght-normal.woff2"
    parts = [
        path
        for path in sorted(package.glob(f"files/{package.name}-*{ending}"))
        if path.name.removeprefix(package.name + "-").removesuffix(ending) not in _LATIN
    ]
    if len(parts) > 1:
        _save(_merged(parts, folder), 400, folder)
        return
    for part in parts:
        for weight in WEIGHTS:
            _save(_at(part, weight), weight, folder)


def _at(part: Path, weight: int) -> Any:
    """A variable web font at one weight."""
    from fontTools.ttLib import TTFont
    from fontTools.varLib.instancer import instantiateVariableFont

    font = instantiateVariableFont(TTFont(part), {"wght": weight})
    font.flavor = None
    return font


def _merged(parts: Sequence[Path], folder: Path) -> Any:
    from fontTools.merge import Merger

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        files = []
        for at, part in enumerate(parts):
            font = _at(part, 400)
            for table in _WEB_ONLY:
                if table in font:
                    del font[table]
            files.append(f"{scratch}/{at}.ttf")
            font.save(files[-1])
        return Merger().merge(files)


def _save(font: Any, weight: int, folder: Path) -> None:
    names, style = font["name"], WEIGHTS[weight]
    family = str(names.getDebugName(1)).removesuffix(f" {names.getDebugName(17)}")
    names.removeNames(nameID=17)
    for key, text in {
        1: family,
        2: style,
        4: f"{family} {style}",
        6: f"{family.replace(' ', '')}-{style}",
    }.items():
        names.setName(text, key, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight
    font.save(folder / f"{family}-{weight}.ttf")
