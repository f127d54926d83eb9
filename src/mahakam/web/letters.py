"""What mails about a request say, in the language of who reads them, and when they are owed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from mahakam.config import Place
from mahakam.services import followers, outbox
from mahakam.services.booking import Booked, Cancelled
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk
from mahakam.services.followers import Follower
from mahakam.services.outbox import Letter
from mahakam.services.owner import key_of
from mahakam.services.request import Request, Step
from mahakam.services.states import OPEN
from mahakam.services.watch import Watch
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.web.appointment_letters import AppointmentLetters
from mahakam.web.language import _, reading, words
from mahakam.web.request_words import state_words, step_words


class Letters:
    """The letters of a node; ``base`` is the address of its pages, without a slash at the end."""

    def __init__(
        self,
        store: EntityStore,
        desk: Desk,
        places: Mapping[str, Place],
        base: str,
        public: Callable[[str], Request | None] | None = None,
    ) -> None:
        """``public``: a request as everybody sees it, which is what followers are told who did not send it."""
        self._store = store
        self._public = public or desk.request
        self._desk = desk
        self._places = places
        self._base = base
        self._appointments = AppointmentLetters(store, places, base)

    def write_news(self) -> int:
        """Owe a letter to everybody who follows a request that has news; how many. Each step is told once."""
        return Watch(self._store, self._desk, "mail-cursor").look(self._tell)

    def _tell(self, request: Request) -> int:
        if self._store.record(followers.KIND, request.number) is None:
            return 0
        return self._store.write(self._owing(request))

    def ask(self, request: Request, reader: Follower) -> None:
        """Owe a letter to an address that somebody typed: only whoever reads it can say that it is theirs."""
        with reading(reader.language):
            text = _(
                "Somebody, perhaps you, asked for mail about report %(number)s. If it was you, confirm it here:\n"
                "%(link)s\n\nIf it was not, do nothing: no more mail comes.",
                number=request.number,
                link=self._follow(request, reader),
            )
            subject = _("Do you want mail about report %(number)s?", number=request.number)
        letter = Letter(reader.email, subject, text + "\n", reader.language)
        self._store.write(lambda transaction: outbox.owe(transaction, letter))

    def _owing(self, request: Request) -> Callable[[Transaction], int]:
        shown = self._public(request.number)

        def work(transaction: Transaction) -> int:
            told, people = followers.told(transaction, request.number)
            steps = request.steps[told:]
            if not steps:
                return 0
            booked: Booked | Cancelled | None = self._appointments.booked_by(transaction, request, steps)
            booked = booked or self._appointments.cancelled_by(transaction, request, told)
            for reader in people:
                if not reader.owner:
                    if shown and (new := shown.steps[told:]):
                        outbox.owe(transaction, self._news(shown, new, reader, told == 0, None))
                    continue
                to_own = booked if reader.owner else None
                outbox.owe(transaction, self._news(request, steps, reader, told == 0, to_own))
            followers.tell(transaction, request.number, len(request.steps))
            return len(people)

        return work

    def _news(
        self,
        request: Request,
        steps: Sequence[Step],
        reader: Follower,
        first: bool,
        booked: Booked | Cancelled | None,
    ) -> Letter:
        place = self._places.get(request.place)
        with reading(reader.language, place.timezone if place else "UTC"):
            link = f"{self._base}/requests/{request.number}"
            if reader.owner:
                link += f"?key={quote(key_of(self._store, request.number))}"
            if first and reader.owner:
                subject = _("Report %(number)s has arrived", number=request.number)
                said = _("Your report has arrived. Its number is %(number)s.", number=request.number)
                steps = steps[1:]
            else:
                state = state_words(self._places, request, steps[-1])
                subject = _("Report %(number)s: %(state)s", number=request.number, state=state)
                said = ""
            where = (
                _("Here you see it, answer, withdraw or rate it. Keep this address to yourself:")
                if reader.owner
                else _("See it here:")
            )
            stop = self._follow(request, reader)
            parts = [
                f"{self._service(request)} · {request.number}",
                said,
                *(self._said(request, step) for step in steps),
                self._appointments.said(request, booked) if booked else "",
                self._rating(request) if reader.owner and _newly_settled(request, steps) else "",
                f"{where}\n{link}",
                "--\n" + _("No more mail about this report: %(link)s", link=stop),
            ]
            files = (self._appointments.file(request, booked),) if booked else ()
        headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        text = "\n\n".join(part for part in parts if part) + "\n"
        return Letter(reader.email, subject, text, reader.language, headers, files)

    def _follow(self, request: Request, reader: Follower) -> str:
        return f"{self._base}/requests/{request.number}/follow/{reader.token}"

    def _rating(self, request: Request) -> str:
        key = quote(key_of(self._store, request.number))
        return _(
            "How was it? Nine short questions, without your name:\n%(link)s",
            link=f"{self._base}/requests/{request.number}/rate?key={key}",
        )

    def _said(self, request: Request, step: Step) -> str:
        head = step_words(self._places, request, step) + (f" ({step.agency})" if step.agency else "")
        text = step.text or words(step.reason)
        return f"{head}:\n{text}" if text else f"{head}."

    def _service(self, request: Request) -> str:
        place = self._places.get(request.place)
        service = catalogue(place, self._places).get(request.service) if place else None
        return words(service.name) if service else request.service_name


def _newly_settled(request: Request, steps: Sequence[Step]) -> bool:
    """Whether the agency has settled it in one of these, its last steps; a resident who withdraws settles it alone."""
    before = request.steps[: len(request.steps) - len(steps)]
    was_open = not before or before[-1].state in OPEN
    return was_open and not request.open and bool(steps[-1].agency)
