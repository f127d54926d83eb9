"""What a browser or an application sends as a form is what comes out, however the network cuts it, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from mahakam.form_data import FormError, Limits, TooLarge, read_form_data

LIMITS = Limits(5_000_000, files=5, fields=20, longest=1000)
BOUNDARY = "cut here"


def read(
    body: bytes, kind: str, cuts: Iterable[int] = (), limits: Limits = LIMITS, ends: bool = True
) -> FormData:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    chunks = [body[start:end] for start, end in itertools.pairwise(edges)]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1 or not ends}
        for index, chunk in enumerate(chunks)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode("latin-1"))]}
    return asyncio.run(read_form_data(Request(scope, receive), limits))


def shown(form: FormData) -> list[tuple[str, Any]]:
    return [
        (name, (value.filename, value.file.read(), value.size) if isinstance(value, UploadFile) else value)
        for name, value in form.multi_items()
    ]


def part(head: str, content: bytes = b"x", encoding: str = "utf-8") -> bytes:
    return b"--cut here\r\n" + head.encode(encoding) + b"\r\n\r\n" + content + b"\r\n"


def multipart(*parts: bytes) -> tuple[bytes, str]:
    return b"".join(parts) + b"--cut here--\r\n", f'multipart/form-data; boundary="{BOUNDARY}"'


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: "\\" not in name and not re.search("%(22|0D|0A)", name)
)
contents = st.binary(max_size=300) | st.sampled_from(
    [b"\r\n--cut here", b"\r\n--cut here--", b"\r", b"\r\n--"]
)


@given(
    st.lists(st.tuples(names, st.text(max_size=60)), max_size=6),
    st.lists(st.tuples(names, names, contents), max_size=5),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_multipart_form_comes_out_as_it_was_sent(
    fields: list[tuple[str, str]], files: list[tuple[str, str, bytes]], cuts: list[int]
) -> None:
    encoded = httpx.Request(
        "POST",
        "http://node/",
        files=[(name, (None, text.encode("utf-8", "replace"))) for name, text in fields]
        + [(name, (filename, content)) for name, filename, content in files]  # type: ignore[operator]
        or [("only", (None, b""))],
    )
    form = read(encoded.read(), encoded.headers["content-type"], cuts)
    sent = [(name, text.encode("utf-8", "replace").decode()) for name, text in fields]
    assert shown(form) == [
        *(sent if fields or files else [("only", "")]),
        *((name, (filename, content, len(content))) for name, filename, content in files),
    ]


@given(
    st.lists(st.tuples(st.text(), st.text(max_size=60)), max_size=20),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_plain_form_comes_out_as_it_was_sent(fields: list[tuple[str, str]], cuts: list[int]) -> None:
    fields = [
        (a.encode("utf-8", "replace").decode(), b.encode("utf-8", "replace").decode()) for a, b in fields
    ]
    body = urlencode(fields).encode()
    assert shown(read(body, "application/x-www-form-urlencoded", cuts)) == fields


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_whatever_is_sent_is_a_form_or_refused(body: bytes, cuts: list[int]) -> None:
    for kind in (
        f'multipart/form-data; boundary="{BOUNDARY}"',
        "application/x-www-form-urlencoded",
        "text/plain",
    ):
        with contextlib.suppress(FormError):
            shown(read(body, kind, cuts))


def test_a_large_file_goes_to_the_disk_and_comes_back_whole() -> None:
    content = bytes(range(256)) * 12_000
    body, kind = multipart(part('Content-Disposition: form-data; name="photo"; filename="a.jpg"', content))
    form = read(body, kind, range(0, len(body), 65_536))
    photo = form["photo"]
    assert isinstance(photo, UploadFile)
    assert photo.file.fileno() > 0
    assert photo.file.read() == content
    assert photo.headers["content-disposition"].startswith("form-data")


@pytest.mark.parametrize(
    ("head", "encoding", "filename"),
    [
        ('Content-Disposition: form-data; name="f"; filename="jalan é.jpg"', "utf-8", "jalan é.jpg"),
        ('Content-Disposition: form-data; name="f"; filename="jalan é.jpg"', "latin-1", "jalan é.jpg"),
        (
            "Content-Disposition: form-data; name=f; filename*=UTF-8''jalan%20%C3%A9.jpg",
            "utf-8",
            "jalan é.jpg",
        ),
        ('Content-Disposition: form-data; name="f"; filename="C:\\Foto\\lubang.jpg"', "utf-8", "lubang.jpg"),
        ('Content-Disposition: form-data; name="f"; filename=""', "utf-8", ""),
    ],
)
def test_names_of_files_as_old_and_new_clients_send_them(head: str, encoding: str, filename: str) -> None:
    body, kind = multipart(part(head, b"x", encoding))
    sent = read(body, kind)["f"]
    assert isinstance(sent, UploadFile)
    assert sent.filename == filename


def test_a_text_that_is_not_utf_8_is_kept() -> None:
    body, kind = multipart(part('Content-Disposition: form-data; name="words"', b"caf\xe9"))
    assert read(body, kind)["words"] == "café"


FIELD, FILE = (
    'Content-Disposition: form-data; name="a"',
    'Content-Disposition: form-data; name="f"; filename="x"',
)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (multipart(*[part(FIELD)] * 21), "more than 20 fields"),
        (multipart(*[part(FILE)] * 6), "more than 5 files"),
        (multipart(*[part(FIELD)] * 20, *[part(FILE)] * 6), "more than 5 files"),
        (multipart(part(FIELD, b"x" * 1001)), "'a' is longer than 1000 bytes"),
        (multipart(part("Content-Disposition: form-data")), "no name"),
        (multipart(part("Content-Type: text/plain")), "cannot be read"),
        (multipart(part(f"{FIELD}\r\nX: {'y' * 5000}")), "cannot be read"),
        ((part(FIELD), 'multipart/form-data; boundary="cut here"'), "cannot be read"),
        ((multipart(part(FIELD))[0], "multipart/form-data"), "cannot be read"),
        ((b"&".join([b"a=1"] * 21), "application/x-www-form-urlencoded"), "more than 20 fields"),
        ((b"a=" + b"x" * 1001, "application/x-www-form-urlencoded"), "'a' is longer than 1000 bytes"),
    ],
)
def test_what_is_no_form_or_too_much_is_said(sent: tuple[bytes, str], reason: str) -> None:
    with pytest.raises(FormError, match=re.escape(reason)):
        read(*sent)


def test_a_body_beyond_the_limit_is_given_up_where_it_passes_it() -> None:
    body, kind = multipart(part(FILE, b"x" * 2000))
    with pytest.raises(TooLarge):
        read(body, kind, range(0, len(body), 100), Limits(1000, files=1))


def test_a_sender_who_goes_away_leaves_no_form() -> None:
    body, kind = multipart(part(FIELD))
    with pytest.raises(ClientDisconnect):
        read(body[:30], kind, ends=False)
