"""Photos of residents: checked, turned, made small, freed of what the camera wrote, kept by hash."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_SIDE = 4096
"""Pixels of the longer side decoded at most; a JPEG is decoded at a fraction of its size to stay below."""
KEPT_SIDE = 1600
_FORMATS = ("JPEG", "PNG", "WEBP")
_WAITS = 24 * 3600
"""Seconds that a photo may wait for its report to be sent."""
_NAME = re.compile(r"[0-9a-f]{64}")


class PhotoError(ValueError):
    """Why a photo cannot be taken, in a sentence; ``reason`` is ``size``, ``kind`` or ``pixels``."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Photo:
    """``name``: SHA-256 of the kept JPEG; ``place``: what the camera had written (longitude, latitude)."""

    name: str
    place: tuple[float, float] | None
    width: int
    height: int


def keep_photo(data: Path, raw: bytes) -> Photo:
    """Take a photo in: it waits under ``DIR/photos/waiting`` for the report that it belongs to.

    JPEG, PNG or WebP up to 10 MB. What is kept is a new JPEG of at most 1600 pixels a side without any
    metadata; the place that the camera wrote is read before. Raises PhotoError.
    """
    if len(raw) > LARGEST_BYTES:
        raise PhotoError(
            "size", f"the photo has {len(raw) / 1e6:.0f} MB; up to {LARGEST_BYTES // 2**20} MB can be taken"
        )
    small, place = _decode(raw)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82)  # a progressive one is 8 % smaller and takes five times as long
    content = out.getvalue()
    name = hashlib.sha256(content).hexdigest()
    waiting = data / "photos" / "waiting"
    waiting.mkdir(parents=True, exist_ok=True)
    _sweep(waiting)
    if not _kept(data, name).exists():
        _write(waiting / f"{name}.jpg", content)
    return Photo(name, place, small.width, small.height)


def confirm_photo(data: Path, name: str) -> bool:
    """The report was sent: its photo moves to where it stays. False if there is no such photo."""
    if not _NAME.fullmatch(name):
        return False
    kept, waiting = _kept(data, name), data / "photos" / "waiting" / f"{name}.jpg"
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        waiting.replace(kept)
    except FileNotFoundError:
        return kept.exists()
    return True


def photo_file(data: Path, name: str) -> Path | None:
    """The file of a photo, sent or waiting."""
    if not _NAME.fullmatch(name):
        return None
    for path in (_kept(data, name), data / "photos" / "waiting" / f"{name}.jpg"):
        if path.is_file():
            return path
    return None


def _decode(raw: bytes) -> tuple[Image, tuple[float, float] | None]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
                image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
                if max(image.size) > LARGEST_SIDE:
                    raise PhotoError(
                        "pixels", f"the photo is {image.width} × {image.height} pixels; make it smaller"
                    )
                place = _place(image)
                turned = ImageOps.exif_transpose(image)
                turned.thumbnail((KEPT_SIDE, KEPT_SIDE))
                return _flat(turned), place
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError("pixels", "the photo has too many pixels; make it smaller") from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            "kind", "this file is no photo that can be read; send a JPEG, PNG or WebP"
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        if isinstance(error, PhotoError):
            raise
        raise PhotoError(
            "kind", "this photo is damaged: it ends early or cannot be read; take it again"
        ) from error


def _flat(image: Image) -> Image:
    """Without transparency (on white) and without anything but pixels."""
    from PIL import Image as Images

    ground = Images.new("RGB", image.size, "white")
    if image.mode in ("RGB", "L", "CMYK", "YCbCr"):
        ground.paste(image.convert("RGB"))
        return ground
    rgba = image.convert("RGBA")
    ground.paste(rgba, mask=rgba.getchannel("A"))
    return ground


def _place(image: Image) -> tuple[float, float] | None:
    """Longitude and latitude of the EXIF block, if it holds sane ones."""
    try:
        gps: dict[int, Any] = image.getexif().get_ifd(0x8825)
        latitude, longitude = (_degrees(gps[2]), _degrees(gps[4]))
        south, west = (
            str(gps.get(1, "N")).upper().startswith("S"),
            str(gps.get(3, "E")).upper().startswith("W"),
        )
    except Exception:  # noqa: BLE001,RUF100 - a camera's own block is no reason to refuse its photo
        return None
    latitude, longitude = (-latitude if south else latitude, -longitude if west else longitude)
    sane = -90 <= latitude <= 90 and -180 <= longitude <= 180 and (latitude, longitude) != (0.0, 0.0)
    return (round(longitude, 6), round(latitude, 6)) if sane else None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def _kept(data: Path, name: str) -> Path:
    return data / "photos" / name[:2] / f"{name}.jpg"


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.{time.monotonic_ns()}.tmp")
    with unfinished.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)


def _sweep(waiting: Path) -> None:
    """Photos whose report was never sent are not kept."""
    over = time.time() - _WAITS
    for path in waiting.iterdir():
        try:
            if path.stat().st_mtime < over:
                path.unlink()
        except FileNotFoundError:
            continue
