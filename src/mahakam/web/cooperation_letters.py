"""Letters about a cooperation: what the other side did, without a word of what was said between the two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from mahakam.network.cooperation import Cooperation
from mahakam.network.offices import Office, offices
from mahakam.services import outbox
from mahakam.services.outbox import Letter
from mahakam.store.protocol import Transaction
from mahakam.web.language import N_, _, reading

SUBJECTS = {
    "asked": N_("%(who)s asks to cooperate: %(title)s"),
    "accepted": N_("%(who)s is ready to talk: %(title)s"),
    "declined": N_("%(who)s declined: %(title)s"),
    "withdrawn": N_("%(who)s withdrew the request: %(title)s"),
    "wrote": N_("%(who)s wrote to you: %(title)s"),
    "proposed": N_("%(who)s proposes a letter of intent: %(title)s"),
    "signed": N_("%(who)s signed the letter of intent: %(title)s"),
    "agreed": N_("Agreed with %(who)s: %(title)s"),
    "planned": N_("%(who)s added a task: %(title)s"),
    "reported": N_("%(who)s reported of a task: %(title)s"),
    "concluded": N_("%(who)s wrote what came of it: %(title)s"),
    "returned": N_("%(who)s gave the result back: %(title)s"),
    "done": N_("%(who)s confirmed the result: %(title)s"),
    "ended": N_("%(who)s ended it: %(title)s"),
}
"""What happened → the subject of its letter."""


class CooperationLetters:
    """Owes the letters; ``base`` is the address of the pages of cooperation, ``seat_name`` names a role's seat."""

    def __init__(self, base: str, day: dt.date, seat_name: Callable[[str, str], str]) -> None:
        self._base = base
        self._day = day
        self._seat_name = seat_name

    def __call__(self, transaction: Transaction, one: Cooperation) -> None:
        """One letter to each holder of the other side's office that gave an address, in the language they chose."""
        last = one.events[-1]
        side = one.side_of(last.by)
        other = one.asked if side == "asker" else one.asker
        for office in offices(transaction):
            held = (office.role, office.seat) == (other.role, other.seat) and office.held(self._day)
            if held and office.address and office.account != last.by.account:
                outbox.owe(transaction, self._letter(one, office, last.what))

    def _letter(self, one: Cooperation, office: Office, what: str) -> Letter:
        by = one.events[-1].by
        with reading(office.language):
            # A title is one line of text that somebody else typed: a header takes no line breaks.
            title = " ".join(one.title.split())
            subject = _(SUBJECTS[what], who=self._seat_name(by.role, by.seat), title=title)
            text = "\n\n".join(
                [
                    subject + ".",
                    _("Read it and answer here:") + f"\n{self._base}/{one.key}",
                    "--\n"
                    + _("You have this mail for your office; change the address at %(link)s",
                        link=self._base.removesuffix("/cooperation") + "/people"),
                ]
            )  # fmt: skip
        return Letter(office.address, subject, text + "\n", office.language)
