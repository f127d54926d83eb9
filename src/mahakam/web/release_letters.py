"""Letters about releases of the calendar that lie with somebody past their day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from mahakam.config import Place
from mahakam.feeds.alerts.wanted import Wanted
from mahakam.feeds.year.calendar import Due
from mahakam.services import outbox
from mahakam.services.outbox import Letter
from mahakam.store.protocol import Transaction
from mahakam.web.language import _, date, n_, reading, words
from mahakam.web.year_words import HOLDERS, late_words, spoken


class ReleaseLetters:
    """Owes the letters; ``base`` is the address of the node's pages, without a slash at the end."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(
        self,
        transaction: Transaction,
        place: Place,
        address: str,
        dues: Sequence[Due],
        day: dt.date,
        asked: Wanted,
    ) -> None:
        """One letter of all that concerns the address, the latest first."""
        with reading(asked.language, place.timezone):
            subject = n_(
                "%(n)s release is late in %(place)s",
                "%(n)s releases are late in %(place)s",
                len(dues),
                place=words(place.name),
            )
            ordered = sorted(dues, key=lambda one: -one.late(day))
            parts = [self._said(place, one, day, asked.language) for one in ordered]
            parts.append(
                _("A release that stays late is told of again after a week. All of the calendar:")
                + f"\n{self._base}/year/{place.id}"
                + f"/{max(one.item.year for one in dues)}/calendar"
            )
        outbox.owe(transaction, Letter(address, subject, "\n\n".join(parts) + "\n", asked.language))

    def _said(self, place: Place, due: Due, day: dt.date, language: str) -> str:
        title = spoken(due.item.plan.title, language)
        head = f"{title}, {due.period} ({due.item.plan.producer}): {late_words(due.late(day))}"
        lies = _(
            "Lies with: %(who)s, until %(day)s.",
            who=_(HOLDERS[due.holder]),
            day=date(due.until.isoformat()),
        )
        findings = [f"- {one}" for one in (due.release.findings if due.release else ())]
        if findings:
            findings.insert(0, _("To be mended:"))
        link = (
            f"{self._base}/year/{place.id}/{due.item.year}/data/{due.item.key}?release={due.period}#release"
        )
        return "\n".join([head, lies, *findings, link])
