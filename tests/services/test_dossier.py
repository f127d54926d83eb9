"""Documents and payments of a request on both stores: all or nothing, and the first of two at once counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.config import load_places
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.document_acts import MOST_SENDINGS, judge, send
from mahakam.services.dossier import documents_of, file_of
from mahakam.services.needs import service_of
from mahakam.services.payment_record import decimal_of, payments_of
from mahakam.services.payments import record
from mahakam.services.request import Draft, Refused, Request
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore
from support.papers import pdf, photo
from support.portal import TOWN, two_cities

SERVICE = """name: Stall
personal: true
workflow: licence
documents: {identity: {name: Identity card}, front: {name: Front, kinds: [photo], required: false}}
fee: {currency: IDR}
product: {title: Licence, text: Yes you may, approvals: [Signed]}
"""
PAID = {"amount": "60000", "reference": "NTPN 1", "date": "2026-01-05"}


@dataclasses.dataclass
class Office:
    store: EntityStore
    desk: Desk
    places: dict[str, object]
    data: Path
    number: str

    def now(self) -> tuple[Request, int]:
        found = self.desk.request(self.number)
        assert found is not None
        return found, revision_of(found)

    def send(self, seen: tuple[Request, int] | None = None, **files: bytes) -> Request:
        service = service_of(self.places, self.now()[0])  # type: ignore[arg-type]
        assert service is not None
        return send(self.desk, self.data, seen or self.now(), service.documents, files)

    def judge(self, code: str, accept: bool = True, reason: str = "") -> Request:
        return judge(self.desk, self.now(), code, accept, reason, "siti")

    def pay(self, **typed: str) -> Request:
        return record(self.desk, self.places, self.now(), PAID | typed, "siti")  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path, store_url: str) -> Iterator[Office]:
    root = two_cities(tmp_path / "places")
    (root / "prov/town/services/stall.yaml").write_text(SERVICE)
    store, places = open_store(store_url, tmp_path / "data"), load_places([root])
    desk = Desk(Broker(store, NoContracts(), places), places, tmp_path / "data")
    number = desk.send(Draft("town", "stall", "For my stall", TOWN)).number
    yield Office(store.tenant(), desk, dict(places), tmp_path / "data", number)
    store.close()


def test_documents_are_kept_and_judged(office: Office) -> None:
    done = office.send(identity=pdf(), front=photo())
    assert [(step.act, step.to) for step in done.steps[1:]] == [("sent", ("identity", "front"))]
    with pytest.raises(Refused, match="document-identity: missing"):
        office.judge("identity", False, " ")
    office.judge("identity", False, "It cannot be read")
    returned = documents_of(office.store, office.number)["identity"]
    assert (returned.state, returned.reason, returned.by) == ("returned", "It cannot be read", "siti")
    assert "It cannot be read" not in str(office.now()[0])
    office.send(identity=pdf(2))
    office.judge("identity")
    accepted = documents_of(office.store, office.number)["identity"]
    path = file_of(office.data, accepted)
    assert (accepted.state, path and path.read_bytes()) == ("accepted", pdf(2))
    assert path is not None
    assert path.stat().st_mode & 0o077 == 0, "nobody else on the machine reads it"


def test_what_was_not_asked_for_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match="documents: unknown"):
        office.send(diary=pdf())
    with pytest.raises(Refused, match="documents: unknown"):
        office.judge("front")
    assert len(office.now()[0].steps) == 1


def test_of_two_at_once_the_first_counts_and_leaves_the_others_file_nowhere(office: Office) -> None:
    seen = office.now()

    def attempt(pages: int) -> bool:
        try:
            office.send(seen, identity=pdf(pages))
        except Changed:
            return False
        return True

    papers = [pdf(pages) for pages in range(1, 5)]  # made before they race
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(1, 5))) == 1
    files = [path for path in (office.data / "documents").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert files[0].read_bytes() in papers
    assert file_of(office.data, documents_of(office.store, office.number)["identity"]) == files[0]


def test_documents_are_not_sent_for_ever(office: Office) -> None:
    for _time in range(MOST_SENDINGS):
        office.send(front=photo())
    with pytest.raises(Refused, match="documents: many"):
        office.send(front=photo())


def test_nothing_is_sent_judged_or_paid_once_it_is_settled(office: Office) -> None:
    office.send(identity=pdf())
    office.desk.by_resident(office.number, office.now()[1], "withdraw", "")
    acts: list[Callable[[], object]] = [
        lambda: office.send(front=photo()),
        lambda: office.judge("identity"),
        office.pay,
    ]
    for act in acts:
        with pytest.raises(Refused, match="settled"):
            act()


def test_a_payment_is_kept_with_who_recorded_it_and_only_once(office: Office) -> None:
    done = office.pay(amount="60000.50")
    (kept,) = payments_of(office.store, office.number)
    assert (kept.amount, kept.currency, kept.reference, kept.date, kept.by) == (
        "60000.50", "IDR", "NTPN 1", "2026-01-05", "siti",
    )  # fmt: skip
    assert done.steps[-1].act == "paid"
    assert "NTPN" not in str(done), "not public"
    with pytest.raises(Refused, match="reference: twice"):
        office.pay()
    assert len(payments_of(office.store, office.number)) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "0"}, "amount: number"),
        ({"amount": "1e99"}, "amount: number"),
        ({"amount": "NaN"}, "amount: number"),
        ({"amount": "1.005"}, "amount: number"),
        ({"reference": "\n"}, "reference: length"),
        ({"reference": "x" * 81}, "reference: length"),
        ({"reference": "a\nb"}, "reference: length"),
        ({"date": "5 January"}, "date: form"),
        ({"date": "2999-01-01"}, "date: future"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(office: Office, typed: dict[str, str], said: str) -> None:
    with pytest.raises(Refused, match=said):
        office.pay(**typed)
    assert payments_of(office.store, office.number) == []


def test_amounts_are_read_exactly() -> None:
    assert str(decimal_of(" 60000.50 ")) == "60000.50"
    assert decimal_of("60.000,50") is None
