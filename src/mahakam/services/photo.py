"""Photos of residents: checked, turned, made small, freed of what the camera wrote, kept by hash.

A photo is drawn anew when it comes. When many come at once, a report does not wait for that: its photo
is looked at, kept as it came where nobody can fetch it, and drawn later by the :class:`Darkroom`, or for the first who
wants to see it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam.broker.rounds import Rounds

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_SIDE = 4096
"""Pixels of the longer side decoded at most; a JPEG is decoded at a fraction of its size to stay below."""
MOST_PIXELS = 89_000_000
"""What a head may say; above, the decoder itself would warn, and then refuse."""
KEPT_SIDE = 1600
_FORMATS = ("JPEG", "PNG", "WEBP")
_WAITS = 24 * 3600
"""Seconds that a photo may wait for its report to be sent."""
AT_ONCE = 4
"""Photos that one process draws within a second before others wait for a quieter time."""
_AS_IT_CAME = ".raw"
_log = logging.getLogger(__name__)
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
    if not _pace.free():
        width, height, place = _looked_at(raw)
        name = hashlib.sha256(raw).hexdigest()
        _write(f"{_waiting(data)}/{name}{_AS_IT_CAME}", raw)
        return Photo(name, place, width, height)
    _sweep(_waiting(data))
    small, place = _decode(raw)
    content = _jpeg(small)
    name = hashlib.sha256(content).hexdigest()
    if not os.path.exists(_kept(data, name)):
        _write(f"{_waiting(data)}/{name}.jpg", content)
    return Photo(name, place, small.width, small.height)


def redrawn(raw: bytes) -> bytes:
    """A photo as :func:`keep_photo` keeps it, for those who keep it elsewhere. Raises PhotoError."""
    if len(raw) > LARGEST_BYTES:
        raise PhotoError("size", "the photo is too large")
    return _jpeg(_decode(raw)[0])


def confirm_photo(data: Path, name: str) -> bool:
    """The report was sent: its photo moves to where it stays. False if there is no such photo."""
    if not _NAME.fullmatch(name):
        return False
    kept, waiting = _kept(data, name), _waiting(data)
    undrawn = f"{_undrawn(data)}/{name}{_AS_IT_CAME}"
    return (
        _moved(f"{waiting}/{name}{_AS_IT_CAME}", undrawn)
        or _moved(f"{waiting}/{name}.jpg", kept)
        or os.path.exists(kept)
        or os.path.exists(undrawn)
    )


def has_photo(data: Path, name: str) -> bool:
    """Whether there is a photo, sent or waiting, drawn or not."""
    return bool(_NAME.fullmatch(name)) and any(
        map(os.path.isfile, _places(data, name)[3:])  # a new one is where it came
    )


def photo_file(data: Path, name: str) -> Path | None:
    """The file of a photo, sent or waiting; drawn now if it was not yet. None also for one that is damaged."""
    if not _NAME.fullmatch(name):
        return None
    for path in _places(data, name):
        if os.path.isfile(path):
            return Path(path) if path.endswith(".jpg") else _draw(data, Path(path))
    return None


def delete_photo(data: Path, name: str) -> None:
    """Delete a photo for good, drawn or not."""
    if _NAME.fullmatch(name):
        for path in _places(data, name):
            Path(path).unlink(missing_ok=True)


class Darkroom(Rounds):
    """Draws the photos that came too fast to be drawn at once, in a thread of the process that leads."""

    LOOK = 2.0

    def __init__(self, data: Path) -> None:
        super().__init__("darkroom")
        self._data = data

    def round(self) -> None:
        for path in sorted(Path(_undrawn(self._data)).glob(f"*{_AS_IT_CAME}")):
            while _pace.busy() and not self.ended.wait(0.2):
                pass  # reports come first
            if self.ended.is_set():
                return
            _draw(self._data, path)


class _Pace:
    """How many photos this process drew at once within the last second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: deque[float] = deque(maxlen=AT_ONCE)

    def free(self) -> bool:
        """Whether one more may be drawn at once; counts it."""
        with self._lock:
            busy = self._full()
            self._asked.append(time.monotonic())
            return not busy

    def busy(self) -> bool:
        with self._lock:
            return self._full()

    def forget(self) -> None:
        with self._lock:
            self._asked.clear()

    def _full(self) -> bool:
        return len(self._asked) == AT_ONCE and time.monotonic() - self._asked[0] < 1.0


def _draw(data: Path, path: Path) -> Path | None:
    """Draw a photo that is kept as it came; the drawn one takes its place. None, and it is gone, if it is damaged."""
    name = path.name.removesuffix(_AS_IT_CAME)
    waits = path.parent != Path(_undrawn(data))
    target = path.with_name(f"{name}.jpg") if waits else Path(_kept(data, name))
    try:
        small, _place = _decode(path.read_bytes())
    except FileNotFoundError:
        return target if target.is_file() else None  # somebody else was faster
    except PhotoError as error:
        _log.warning("a photo that came with a report is left out: %s", error)
        path.unlink(missing_ok=True)
        return None
    _write(str(target), _jpeg(small))
    path.unlink(missing_ok=True)
    return target


def _jpeg(small: Image) -> bytes:
    out = io.BytesIO()
    small.save(out, "JPEG", quality=82)  # a progressive one is 8 % smaller and takes five times as long
    return out.getvalue()


def _looked_at(raw: bytes) -> tuple[int, int, tuple[float, float] | None]:
    """Width, height and place of a photo, from its head alone. Raises PhotoError."""
    with _opened(raw) as image:
        return image.width, image.height, _place(image)


def _decode(raw: bytes) -> tuple[Image, tuple[float, float] | None]:
    """The photo turned, small and without anything but pixels, and its place. Raises PhotoError."""
    from PIL import ImageOps

    with _opened(raw) as image:
        place = _place(image)
        turned = ImageOps.exif_transpose(image)
        turned.thumbnail((KEPT_SIDE, KEPT_SIDE))
        return _flat(turned), place


@contextmanager
def _opened(raw: bytes) -> Iterator[Image]:
    """The photo, as far as its head says what it is. Raises PhotoError, also for what is found while it is used."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            image.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
            if max(image.size) > LARGEST_SIDE:
                raise PhotoError(
                    "pixels", f"the photo is {image.width} × {image.height} pixels; make it smaller"
                )
            yield image
    except Image.DecompressionBombError as error:
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


def _places(data: Path, name: str) -> tuple[str, ...]:
    """Where a photo may lie, the drawn before what came; then back the way that photos move, so that one that moves
    while it is looked for is found. Texts: pathlib took a third of the time of keeping a photo."""
    kept, drawn = _kept(data, name), f"{_waiting(data)}/{name}.jpg"
    undrawn, came = f"{_undrawn(data)}/{name}{_AS_IT_CAME}", f"{_waiting(data)}/{name}{_AS_IT_CAME}"
    return kept, drawn, undrawn, came, undrawn, drawn, kept


def _waiting(data: Path) -> str:
    return f"{data}/photos/waiting"


def _undrawn(data: Path) -> str:
    return f"{data}/photos/undrawn"


def _kept(data: Path, name: str) -> str:
    return f"{data}/photos/{name[:2]}/{name}.jpg"


def _moved(source: str, target: str) -> bool:
    """Move a file to a folder that may not be there yet; False if there is none, or somebody else was faster."""
    try:
        os.replace(source, target)
    except FileNotFoundError:
        if not os.path.exists(source):
            return False
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            os.replace(source, target)
        except FileNotFoundError:
            return False
    return True


def _write(path: str, content: bytes) -> None:
    """Keep a file in a folder that may not be there yet: looking whether it is costs as much as the file itself."""
    unfinished = f"{path}.{os.getpid()}.{time.monotonic_ns()}.tmp"
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        file = os.open(unfinished, how, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(unfinished, how, 0o600)
    with open(file, "wb", buffering=0) as stream:
        left = memoryview(content)
        while left:
            left = left[stream.write(left) :]
        os.fsync(file)
    os.replace(unfinished, path)


def _sweep(waiting: str) -> None:
    """Photos whose report was never sent are not kept."""
    over = time.time() - _WAITS
    for path in Path(waiting).iterdir() if os.path.isdir(waiting) else ():
        try:
            if path.stat().st_mtime < over:
                path.unlink()
        except FileNotFoundError:
            continue


_pace = _Pace()


def forget_pace() -> None:
    """Photos drawn before do not count: for what measures or tests."""
    _pace.forget()
