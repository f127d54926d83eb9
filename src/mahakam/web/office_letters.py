"""Letters to people in office about a step that somebody else took: in their own language, to the address they gave."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from mahakam.network.offices import Office, offices
from mahakam.network.register import register_of
from mahakam.services import outbox
from mahakam.services.outbox import Letter
from mahakam.store.protocol import Transaction
from mahakam.web.language import _, reading
from mahakam.web.network_office import desk
from mahakam.web.site import site_of


@dataclass(frozen=True)
class OfficeLetters:
    """``base`` is the node's address, ``seat_name`` names a role's seat in the reader's language."""

    base: str
    day: dt.date
    seat_name: Callable[[str, str], str]

    def owe(
        self, transaction: Transaction, role: str, seat: str, but: str, subject: Callable[[], str], path: str
    ) -> None:
        """One letter to each holder of an office that gave an address, but not to the account that took the step.

        ``subject`` is asked in the language of each; it may hold what somebody typed, so its breaks are taken out.
        """
        for office in offices(transaction):
            held = (office.role, office.seat) == (role, seat) and office.held(self.day)
            if held and office.address and office.account != but:
                outbox.owe(transaction, self._letter(office, subject, path))

    def _letter(self, office: Office, subject: Callable[[], str], path: str) -> Letter:
        with reading(office.language):
            line = " ".join(subject().split())
            text = "\n\n".join(
                [
                    line + ".",
                    _("Read it and answer here:") + f"\n{self.base}{path}",
                    "--\n"
                    + _("You have this mail for your office; change the address at %(link)s",
                        link=f"{self.base}/network/people"),
                ]
            )  # fmt: skip
        return Letter(office.address, line, text + "\n", office.language)


def letters_of(request: Request) -> OfficeLetters | None:
    """None where the node has no mail server, or knows no network."""
    site = site_of(request)
    if not site.settings.smtp or register_of(site.places) is None:
        return None
    found = desk(request)
    return OfficeLetters(site.settings.base, found.day, found.seat_name)
