"""Alerts of feeds in words: as an entity's description, as letters, on the pages."""

from __future__ import annotations

from collections.abc import Mapping

from mahakam.config import LANGUAGES, ConfigError, Place
from mahakam.feeds.alerts.wanted import Wanted
from mahakam.feeds.alerts.watch import Alert, Alerts
from mahakam.feeds.known import feed_of
from mahakam.feeds.parts import Parts
from mahakam.services import outbox
from mahakam.services.outbox import Letter
from mahakam.store.protocol import Transaction
from mahakam.web.language import _, percent, reading, time, words
from mahakam.web.site import Node


def alerts(node: Node) -> Alerts:
    """The watch over a node's feeds; letters are owed only where a mail server is named."""
    telling = _Telling(node)
    return Alerts(Parts.of(node), telling.described, telling.tell)


def title_of(place: Place, feed: str) -> str:
    """What the reader calls a feed."""
    try:
        return words(feed_of(place, feed).title)
    except ConfigError:
        return feed


def alert_words(alert: Alert, place: Place) -> str:
    """One sentence for the reader of now."""
    name = f"{title_of(place, alert.feed)} ({words(place.name)})"
    if alert.kind == "failed":
        return _("%(feed)s could not be read: %(why)s", feed=name, why=alert.facts.get("message", ""))
    if alert.kind == "late":
        due = time(str(alert.facts.get("due", "")))
        return _("%(feed)s was due at %(time)s and has not run since", feed=name, time=due)
    now, before = alert.facts.get("score"), alert.facts.get("before")
    if before is None:
        return _("The score of %(feed)s is %(now)s", feed=name, now=percent(now))
    return _(
        "The score of %(feed)s went from %(before)s to %(now)s",
        feed=name,
        before=percent(before),
        now=percent(now),
    )


class _Telling:
    def __init__(self, node: Node) -> None:
        self._places: Mapping[str, Place] = node.places
        self._base = node.settings.base
        self._mails = bool(node.settings.smtp)

    def described(self, alert: Alert) -> dict[str, str]:
        place = self._places[alert.place]
        found = {}
        for language in LANGUAGES:
            with reading(language, place.timezone):
                found[language] = alert_words(alert, place)
        return found

    def tell(self, transaction: Transaction, alert: Alert, asked: Wanted) -> None:
        if not self._mails or alert.place not in self._places:
            return
        for address in asked.mail:
            outbox.owe(transaction, self._letter(alert, address, asked.language))

    def _letter(self, alert: Alert, address: str, language: str) -> Letter:
        place = self._places[alert.place]
        with reading(language, place.timezone):
            name = title_of(place, alert.feed)
            subject = (
                _("Well again: %(feed)s", feed=name)
                if alert.ended
                else _("Needs a look: %(feed)s", feed=name)
            )
            said = alert_words(alert, place)
            if alert.ended:
                said = _("This is over since %(time)s:", time=time(alert.ended)) + "\n" + said
            link = f"{self._base}/quality/{alert.place}/{alert.feed}"
            more = _("Its runs and what was found in them:")
        return Letter(address, subject, f"{said}\n\n{more}\n{link}\n", language)
