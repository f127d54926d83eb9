"""Mail by a real SMTP server: sent once, tried again, given up; and nothing can be put into a header."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.services import outbox
from mahakam.services.outbox import DEAD, KIND, TRIES, Letter, MailError, Postman, Server, message, sender_of
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Transaction
from support.mail import Mailbox, text_of

SENDER = "Samarinda <noreply@example.id>"
LETTER = Letter("warga@example.id", "Laporan SAM-2026-000001", "Lubang: ditambal – selesai.\n", "id")


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    store = open_store(store_url, tmp_path / "data")
    yield store.tenant()
    store.close()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


def _owe(store: EntityStore, letter: Letter = LETTER) -> str:
    return store.write(lambda transaction: outbox.owe(transaction, letter))


def _deliver(store: EntityStore, box: Mailbox, later: float = 0.0) -> int:
    postman = Postman(store, Server.parse(box.url), SENDER)
    return asyncio.run(postman.deliver(time.time() + later))


def test_what_is_owed_arrives_once(store: EntityStore, box: Mailbox) -> None:
    key = _owe(store)
    assert _deliver(store, box) == 1
    assert _deliver(store, box) == 0
    (letter,) = box.letters
    assert letter["To"] == "warga@example.id"
    assert letter["From"] == SENDER
    assert letter["Subject"] == "Laporan SAM-2026-000001"
    assert letter["Content-Language"] == "id"
    assert letter["Message-ID"] == f"<{key}@example.id>"
    assert text_of(letter).splitlines() == LETTER.text.splitlines()
    assert not store.records(KIND)


def test_letters_go_out_in_the_order_they_were_owed(store: EntityStore, box: Mailbox) -> None:
    def work(transaction: Transaction) -> None:
        for number in range(20):
            outbox.owe(transaction, Letter("warga@example.id", str(number), "a\n", "id"))

    store.write(work)
    assert _deliver(store, box) == 20
    assert [letter["Subject"] for letter in box.letters] == [str(number) for number in range(20)]


def test_a_server_that_is_gone_loses_nothing(store: EntityStore) -> None:
    box = Mailbox()
    _owe(store)
    assert _deliver(store, box) == 0
    (kept,) = store.records(KIND).values()
    assert kept["tries"] == 0, "it is not the letter's fault"
    assert kept["error"]
    with Mailbox(box.port) as back:
        assert _deliver(store, back) == 0, "it waits a little"
        assert _deliver(store, back, later=60) == 1
        assert len(back.letters) == 1


def test_a_refusal_for_now_is_tried_again_and_at_last_given_up(store: EntityStore, box: Mailbox) -> None:
    _owe(store)
    box.answers = ["451 come back later"] * TRIES
    later = 0.0
    for tried in range(1, TRIES):
        assert _deliver(store, box, later) == 0
        (kept,) = store.records(KIND).values()
        assert kept["tries"] == tried
        assert "451" in kept["error"]
        later = kept["due"] - time.time() + 1
    assert later > 3600, "the pauses grow"
    assert _deliver(store, box, later) == 0
    assert not store.records(KIND)
    assert len(store.records(DEAD)) == 1
    assert outbox.revive(store) == 1
    assert outbox.revive(store) == 0
    assert _deliver(store, box) == 1


def test_an_address_that_does_not_exist_holds_up_nobody(store: EntityStore, box: Mailbox) -> None:
    _owe(store, Letter("nobody@example.id", "A", "a\n", "id"))
    _owe(store)
    box.answers = ["550 no such person"]
    assert _deliver(store, box) == 1
    assert [letter["To"] for letter in box.letters] == ["warga@example.id"]
    (dead,) = store.records(DEAD).values()
    assert "550" in dead["error"]


@pytest.mark.parametrize(
    "letter",
    [
        Letter("warga@example.id\r\nBcc: all@example.id", "A", "a", "id"),
        Letter("warga@example.id", "A\nBcc: all@example.id", "a", "id"),
        Letter("warga@example.id", "A", "a", "id", {"List-Unsubscribe": "<x>\r\nBcc: all@example.id"}),
    ],
)
def test_nothing_can_be_put_into_a_header(store: EntityStore, box: Mailbox, letter: Letter) -> None:
    with pytest.raises(ValueError):
        message(letter, SENDER, "1")
    _owe(store, letter)
    _owe(store)
    assert _deliver(store, box) == 1, "and it holds up nobody"
    assert [envelope.rcpt_tos for envelope in box.envelopes] == [["warga@example.id"]]
    assert len(store.records(DEAD)) == 1


@given(st.text(min_size=1, max_size=80), st.text(max_size=300))
def test_a_subject_is_one_header_or_none(subject: str, text: str) -> None:
    try:
        made = message(Letter("warga@example.id", subject, text, "id"), SENDER, "1").as_bytes()
    except (ValueError, UnicodeError):
        return
    head = made.split(b"\r\n\r\n", 1)[0]
    assert b"\nbcc:" not in head.lower()
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert len(names) == len(set(names)) <= 12


def test_a_password_is_given(store: EntityStore, box: Mailbox) -> None:
    _owe(store)
    server = Server.parse(f"smtp://kota:s3cret@127.0.0.1:{box.port}")
    assert asyncio.run(Postman(store, server, SENDER).deliver()) == 1
    assert box.logins == [("kota", "s3cret")]
    assert "s3cret" not in repr(server)


@pytest.mark.parametrize("url", ["http://mail.example.id", "smtp://", "mail.example.id", "smtp://a:b@c:xyz"])
def test_an_address_that_is_no_mail_server_says_what_is_right(url: str) -> None:
    with pytest.raises(MailError, match="MAHAKAM_SMTP"):
        Server.parse(url)


@pytest.mark.parametrize("sender", ["", "Samarinda", "a@b\nBcc: c@d"])
def test_a_sender_that_is_none_says_what_is_right(sender: str) -> None:
    with pytest.raises(MailError, match="MAHAKAM_MAIL_FROM"):
        sender_of(sender)
