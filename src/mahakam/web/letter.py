"""A request's letter: how far it is approved, and the PDF (typst) with the QR code of the page that verifies it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from urllib.parse import quote

from mahakam.config import Place
from mahakam.services import approval, issued
from mahakam.services.catalogue import catalogue
from mahakam.services.issued import Approval, Issued
from mahakam.services.personal import matter_of
from mahakam.services.product import Product
from mahakam.services.request import Fault, Refused
from mahakam.services.request import Request as ServiceRequest
from mahakam.services.workflow import Who
from mahakam.web.codes import qr
from mahakam.web.language import DEFAULT, _, date, reading, words
from mahakam.web.languages import languages
from mahakam.web.questions import said
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import sentences
from mahakam.web.site import Site
from mahakam.web.typeset import typeset


@dataclass(frozen=True, slots=True)
class LetterState:
    """What the workbench shows. ``hindrance``: why this officer cannot approve now, "" if they can; ``address``: where
    the current letter is verified."""

    product: Product
    given: Sequence[Approval]
    current: Issued | None
    hindrance: str
    address: str


@dataclass(frozen=True, slots=True)
class Letters:
    """The letter of one request of a place."""

    site: Site
    place: Place
    found: ServiceRequest

    @property
    def product(self) -> Product | None:
        service = catalogue(self.place, self.site.places).get(self.found.service)
        return service.product if service else None

    def state(self, officer: str, who: Set[Who]) -> LetterState | None:
        """How it stands for an officer; None where the service has no letter."""
        product, store = self.product, self.site.store
        if product is None:
            return None
        kept = issued.pdf_of(store, self.found.number)
        fault = approval.fault_of(desk_of(self.site), store, product, self.found, officer, who)
        return LetterState(
            product,
            issued.approvals_of(store, self.found.number, self.found.steps)[: len(product.approvals)],
            kept[0] if kept else None,
            sentences([fault], self.site.places)[fault.field] if fault else "",
            address(self.site, kept[0]) if kept else "",
        )

    def approve(self, revision: int, officer: str, who: Set[Who]) -> None:
        """The next approval. Raises Refused, Changed."""
        product = self._product()
        approval.approve(
            desk_of(self.site),
            self.site.store,
            self.place,
            product,
            (self.found, revision),
            officer,
            lambda letter, _code: self.pdf(product, letter),
            who=who,
        )

    def revoke(self, revision: int, reason: str, officer: str) -> None:
        """Take the letter back. Raises Refused, Changed."""
        approval.revoke(desk_of(self.site), self.site.store, self.found, revision, reason, officer)

    def draft(self) -> bytes:
        """The letter as it would be issued, marked as a draft and with nothing to verify."""
        return self.pdf(self._product(), None)

    def pdf(self, product: Product, letter: Issued | None) -> bytes:
        """The letter on A4 in the first language of its text, tagged for screen readers; None: a draft."""
        language = next((one for one in product.text if one in languages()), DEFAULT)
        with reading(language, self.place.timezone):
            data = self._words(product, letter, language)
        return typeset("letter.typ", data)

    def _words(self, product: Product, letter: Issued | None, language: str) -> dict[str, object]:
        matter = matter_of(self.site.store, self.found.number)
        given = matter.answers if matter else self.found.answers
        pairs = said(self.site, self.found, given)
        by_code = {code: text for code, (_title, text) in zip(_order(self, given), pairs, strict=True)}
        city = words(self.place.name)
        values = {"number": self.found.number, "city": city, "agency": self.found.agency} | by_code
        dates = [_("Issued on %(date)s", date=date(letter.issued))] if letter else []
        if letter and letter.until:
            dates.append(_("Valid until %(date)s", date=date(letter.until)))
        where = address(self.site, letter) if letter else ""
        return {
            "lang": language,
            "title": words(product.title),
            "number-label": _("Number"),
            "number": letter.number if letter else self.found.number,
            "city": city,
            "agency": self.found.agency,
            "text": product.words(language, values),
            "answers": [list(pair) for pair in pairs],
            "dates": dates,
            "draft": "" if letter else _("DRAFT"),
            "check": _(
                "Signed electronically. Scan the code to see whether this letter is genuine and holds."
            ),
            "address": where,
            "qr": qr(where) if where else "",
        }

    def _product(self) -> Product:
        product = self.product
        if product is None:
            raise Refused([Fault("approval", "none", {})])
        return product


def address(site: Site, letter: Issued) -> str:
    """Where anybody who has the letter can verify it."""
    return f"{site.settings.base}/verify/{letter.number}?s={quote(issued.code_of(site.store, letter))}"


def _order(letters: Letters, given: object) -> list[str]:
    """The codes of the answers in the order in which ``said`` tells them."""
    assert isinstance(given, dict)
    service = catalogue(letters.place, letters.site.places).get(letters.found.service)
    asked = [question.code for question in service.questions] if service else []
    return [*(code for code in asked if code in given), *(code for code in given if code not in asked)]
