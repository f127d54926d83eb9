"""Which step of a question, a notice or a review is told to whom by letter."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from mahakam.evaluation.kept import Kept
from mahakam.network.notice import Notice
from mahakam.network.question import Question
from mahakam.network.recommendation import Author
from mahakam.store.protocol import Transaction
from mahakam.web.language import N_, _, words
from mahakam.web.network_office import desk
from mahakam.web.office_letters import OfficeLetters, letters_of

_NOTICE = {
    "posted": N_("%(who)s wants a notice on the board: %(title)s"),
    "changed": N_("%(who)s changed a notice for the board: %(title)s"),
    "put_up": N_("Your notice is on the board: %(title)s"),
    "returned": N_("Your notice needs another look: %(title)s"),
    "closed": N_("Your notice was taken down: %(title)s"),
}
_TO_SECRETARIAT = ("posted", "changed")


def tell_of_question(request: Request, path: str) -> Callable[[Transaction, Question], None]:
    """To the asker that there is an answer, to who answered that it helped."""
    letters = letters_of(request)

    def tell(transaction: Transaction, one: Question) -> None:
        last = one.events[-1]
        if letters is None or last.what not in ("answered", "accepted"):
            return
        to = one.by if last.what == "answered" else one.answers[one.accepted - 1].by

        def subject() -> str:
            said = {"who": _who(letters, last.by), "title": words(one.said.titles())}
            if last.what == "answered":
                return _("%(who)s answered your question: %(title)s", **said)
            return _("%(who)s says that your answer helped: %(title)s", **said)

        letters.owe(transaction, to.role, to.seat, last.by.account, subject, f"{path}/{one.key}")

    return tell


def tell_of_notice(request: Request, path: str) -> Callable[[Transaction, Notice], None]:
    """To the Secretariat that one waits, to whoever posted it what became of it."""
    letters = letters_of(request)

    def tell(transaction: Transaction, one: Notice) -> None:
        last = one.events[-1]
        if letters is None or last.what not in _NOTICE:
            return
        role, seat = ("secretariat", "") if last.what in _TO_SECRETARIAT else (one.party.role, one.party.seat)

        def subject() -> str:
            return _(_NOTICE[last.what], who=_who(letters, last.by), title=one.text.title)

        letters.owe(transaction, role, seat, last.by.account, subject, f"{path}/{one.key}")

    return tell


def tell_of_review(request: Request, path: str) -> Callable[[Transaction, Kept], None]:
    """To the city that was asked last, or, once it has looked, to the city whose assessment it is."""
    letters, seats = letters_of(request), desk(request).seats if letters_of(request) else ()

    def tell(transaction: Transaction, one: Kept) -> None:
        if letters is None:
            return
        own = [seat for seat in seats if seat.place == one.place]
        asked, reviewed = one.asked[-1], one.reviews[-1] if one.reviews else None
        if reviewed is not None and reviewed.at >= asked.at:
            by, to = reviewed.by, [seat.code for seat in own]
            text = N_("%(who)s looked at the assessment of %(city)s")
        else:
            by, to = asked.by, [asked.seat]
            text = N_("%(who)s asks you to look at the assessment of %(city)s")
        city = ", ".join(seat.name for seat in own) or one.place

        def subject() -> str:
            return _(text, who=_who(letters, by), city=city)

        for seat in to:
            letters.owe(transaction, "city_officer", seat, by.account, subject, path)

    return tell


def _who(letters: OfficeLetters, by: Author) -> str:
    return letters.seat_name(by.role, by.seat) or by.name
