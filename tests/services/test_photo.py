"""Photos: what is taken, what is refused, and that nothing but pixels is kept."""

from __future__ import annotations

import io
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mahakam.services.photo import (
    AT_ONCE,
    KEPT_SIDE,
    LARGEST_BYTES,
    Darkroom,
    PhotoError,
    confirm_photo,
    has_photo,
    keep_photo,
    photo_file,
)


def _jpeg(width: int, height: int, exif: Image.Exif | None = None, color: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "JPEG", **({"exif": exif} if exif else {}))
    return out.getvalue()


def _camera(south: bool = True) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Secret Phone"
    exif[0x0112] = 6
    exif[0x8825] = {1: "S" if south else "N", 2: (0.0, 30.0, 1.0), 3: "E", 4: (117.0, 10.0, 37.4)}
    return exif


def _png_that_says(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises a huge picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"0" * 99))
        + chunk(b"IEND", b"")
    )


def test_a_photo_is_turned_made_small_and_freed_of_metadata(tmp_path: Path) -> None:
    photo = keep_photo(tmp_path, _jpeg(4000, 3000, _camera()))
    assert (photo.width, photo.height) == (1200, KEPT_SIDE)
    assert photo.place == pytest.approx((117.177056, -0.500278), abs=1e-6)
    path = photo_file(tmp_path, photo.name)
    assert path is not None
    content = path.read_bytes()
    assert b"Secret Phone" not in content
    with Image.open(path) as kept:
        assert kept.format == "JPEG"
        assert kept.size == (1200, KEPT_SIDE)
        assert not dict(kept.getexif())


def test_north_is_north(tmp_path: Path) -> None:
    place = keep_photo(tmp_path, _jpeg(40, 30, _camera(south=False))).place
    assert place is not None
    assert place[1] > 0


def test_a_large_phone_photo_is_taken(tmp_path: Path) -> None:
    assert keep_photo(tmp_path, _jpeg(8160, 6120)).width == KEPT_SIDE


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_kinds_and_transparency_become_a_jpeg(tmp_path: Path, kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 40), (255, 0, 0, 0)).save(
        out, kind, **({"lossless": True} if kind == "WEBP" else {})
    )
    path = photo_file(tmp_path, keep_photo(tmp_path, out.getvalue()).name)
    assert path is not None
    with Image.open(path) as kept:
        assert kept.mode == "RGB"
        pixel = kept.getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert min(pixel) > 250


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "kind"),
        (b"<svg onload=alert(1)>", "kind"),
        (b"GIF89a" + b"\0" * 50, "kind"),
        (_jpeg(300, 300)[:600], "kind"),
        (_png_that_says(5000, 10), "pixels"),
        (_png_that_says(60000, 60000), "pixels"),
        (b"\xff" * (LARGEST_BYTES + 1), "size"),
    ],
    ids=["empty", "svg", "gif", "cut off", "wide", "bomb", "large"],
)
def test_what_is_no_photo_is_refused_and_leaves_nothing(tmp_path: Path, raw: bytes, reason: str) -> None:
    with pytest.raises(PhotoError) as error:
        keep_photo(tmp_path, raw)
    assert error.value.reason == reason
    assert not list(tmp_path.rglob("*.*"))


def test_a_photo_waits_until_its_report_is_sent(tmp_path: Path) -> None:
    first, second = (keep_photo(tmp_path, _jpeg(30, 30, color=color)).name for color in ("red", "blue"))
    assert confirm_photo(tmp_path, first)
    assert confirm_photo(tmp_path, first), "sent twice is sent"
    waiting = photo_file(tmp_path, second)
    assert waiting is not None
    past = time.time() - 25 * 3600
    os.utime(waiting, (past, past))
    keep_photo(tmp_path, _jpeg(30, 30, color="green"))
    assert photo_file(tmp_path, first) is not None
    assert photo_file(tmp_path, second) is None, "a report that was never sent leaves no photo"
    assert not confirm_photo(tmp_path, second)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "/x"])
def test_a_name_is_a_hash_or_nothing(tmp_path: Path, name: str) -> None:
    assert photo_file(tmp_path, name) is None
    assert not confirm_photo(tmp_path, name)


# When many come at once


def _crowd(tmp_path: Path) -> None:
    for n in range(AT_ONCE):
        keep_photo(tmp_path, _jpeg(40 + n, 40))


@pytest.mark.parametrize("asked", [has_photo, photo_file])
@pytest.mark.parametrize("misses", [1, 2, 3])
@pytest.mark.parametrize("crowd", [False, True])
def test_a_photo_that_moves_while_it_is_looked_for_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[Path, str], object],
    misses: int,
    crowd: bool,
) -> None:
    """Its report is sent after so many looks at places where it is not yet."""
    if crowd:
        _crowd(tmp_path)
    name = keep_photo(tmp_path, _jpeg(90, 90)).name
    look, missed = Path.is_file, []

    def is_file(path: Path) -> bool:
        found = look(path)
        if not found:
            missed.append(path)
            if len(missed) == misses:
                assert confirm_photo(tmp_path, name)
        return found

    monkeypatch.setattr(Path, "is_file", is_file)
    assert asked(tmp_path, name)


def test_in_a_crowd_a_photo_is_drawn_later_and_nobody_sees_it_as_it_came(tmp_path: Path) -> None:
    _crowd(tmp_path)
    late = keep_photo(tmp_path, _jpeg(1800, 1200, _camera()))
    assert late.place == pytest.approx((117.177056, -0.500278), abs=1e-6), "its place is read all the same"
    assert has_photo(tmp_path, late.name)
    (raw,) = (tmp_path / "photos").rglob("*.raw")
    assert b"Secret Phone" in raw.read_bytes()
    assert confirm_photo(tmp_path, late.name)
    path = photo_file(tmp_path, late.name)
    assert path is not None
    assert path.suffix == ".jpg"
    assert b"Secret Phone" not in path.read_bytes()
    with Image.open(path) as kept:
        assert kept.size == (1067, KEPT_SIDE)
    assert not list((tmp_path / "photos").rglob("*.raw"))
    assert photo_file(tmp_path, late.name) == path


def test_a_photo_that_waits_for_its_report_can_be_seen(tmp_path: Path) -> None:
    _crowd(tmp_path)
    late = keep_photo(tmp_path, _jpeg(100, 50))
    path = photo_file(tmp_path, late.name)
    assert path is not None
    assert path.parent.name == "waiting"
    assert confirm_photo(tmp_path, late.name)
    assert has_photo(tmp_path, late.name)


def test_the_darkroom_draws_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Darkroom, "LOOK", 0.01)
    _crowd(tmp_path)
    names = [keep_photo(tmp_path, _jpeg(200 + n, 100)).name for n in range(3)]
    damaged = keep_photo(tmp_path, _jpeg(300, 300)[:-200]).name
    for name in (*names, damaged):
        assert confirm_photo(tmp_path, name)
    room = Darkroom(tmp_path)
    room.start()
    until = time.monotonic() + 120
    while list((tmp_path / "photos").rglob("*.raw")) and time.monotonic() < until:
        time.sleep(0.02)
    room.stop()
    assert [has_photo(tmp_path, name) for name in (*names, damaged)] == [True, True, True, False]
    assert photo_file(tmp_path, damaged) is None


@pytest.mark.parametrize("raw", [b"<html>", _png_that_says(60_000, 60_000), b"\xff\xd8\xff"])
def test_in_a_crowd_what_is_no_photo_is_refused_as_ever(tmp_path: Path, raw: bytes) -> None:
    _crowd(tmp_path)
    with pytest.raises(PhotoError):
        keep_photo(tmp_path, raw)
