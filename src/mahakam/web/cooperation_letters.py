"""Letters about a cooperation: what the other side did, without a word of what was said between the two."""

from __future__ import annotations

from mahakam.network.cooperation import Cooperation
from mahakam.store.protocol import Transaction
from mahakam.web.language import N_, _
from mahakam.web.office_letters import OfficeLetters

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
    """Owes the letters; ``path`` is that of the pages of cooperation."""

    def __init__(self, letters: OfficeLetters, path: str) -> None:
        self._letters = letters
        self._path = path

    def __call__(self, transaction: Transaction, one: Cooperation) -> None:
        """To the other side's office."""
        last = one.events[-1]
        other = one.asked if one.side_of(last.by) == "asker" else one.asker

        def subject() -> str:
            who = self._letters.seat_name(last.by.role, last.by.seat)
            return _(SUBJECTS[last.what], who=who, title=one.title)

        path = f"{self._path}/{one.key}"
        self._letters.owe(transaction, other.role, other.seat, last.by.account, subject, path)
