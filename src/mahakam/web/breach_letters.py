"""Letters that warn before the clock of a breach runs out: to the addresses of the place's alerts and of its people."""

from __future__ import annotations

import datetime as dt

from mahakam.access.accounts import accounts
from mahakam.access.policy import allow
from mahakam.config import LANGUAGES, ConfigError, Place, scope_of
from mahakam.feeds.alerts.wanted import wanted
from mahakam.services import outbox
from mahakam.services.breach import Breach, breaches, told
from mahakam.services.outbox import Letter
from mahakam.store.protocol import Transaction
from mahakam.web.breach_words import ADDRESSEES, clock_words
from mahakam.web.language import _, reading
from mahakam.web.site import Node


class BreachLetters:
    """One letter a warning and address, owed in the transaction that notes that it was given."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._store = node.store.tenant()

    def look(self, now: dt.datetime | None = None) -> int:
        """Warn of what has come; how many breaches were warned of."""
        at = now or dt.datetime.now(dt.UTC)
        return sum(self._warn(one, at) for one in breaches(self._store) if one.warnings(at) > one.told)

    def _warn(self, one: Breach, at: dt.datetime) -> bool:
        place = self._node.places.get(one.place)
        addresses, language = self._addresses(place)

        def work(transaction: Transaction) -> bool:
            if not told(transaction, one.id, one.warnings(at)):
                return False
            for address in addresses:
                outbox.owe(transaction, self._letter(one, place, address, language, at))
            return True

        return self._store.write(work)

    def _letter(
        self, one: Breach, place: Place | None, address: str, language: str, at: dt.datetime
    ) -> Letter:
        with reading(language, place.timezone if place else "UTC"):
            clock = clock_words(one, at)
            subject = _("Breach %(id)s: %(clock)s", id=one.id, clock=clock)
            owed = ", ".join(_(ADDRESSEES[name]) for name in one.owed)
            text = _(
                "The clock of 3 × 24 hours for the notices of breach %(id)s: %(clock)s.\nNo notice yet: %(owed)s.\n\n"
                "The texts, and what is to be noted, are here:\n%(link)s",
                id=one.id,
                clock=clock,
                owed=owed,
                link=f"{self._node.settings.base}/breaches/{one.id}",
            )
        return Letter(address, subject, text + "\n", language)

    def _addresses(self, place: Place | None) -> tuple[list[str], str]:
        """Those of the place's ``alerts``, and accounts that keep the register there and are named after an address."""
        places, mail, language = self._node.places, tuple[str, ...](), LANGUAGES[0]
        if place is not None:
            try:
                asked = wanted(place, places, {}, place.folder)
                mail, language = asked.mail, asked.language
            except ConfigError:  # said where the configuration is looked at
                pass
        scope = scope_of(place, places) if place else ""
        people = [
            one.name
            for one in accounts(self._store)
            if "@" in one.name and allow(one.principal(), "breach.manage", scope)
        ]
        return list(dict.fromkeys((*mail, *people))), language
