"""What a node holds of one person: found, handed over as a copy, forgotten (Law 27/2022 art. 5 to 10).

A person is known by an e-mail address or a telephone number. What officers noted among themselves is not handed over.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from mahakam.access.known_as import known_as, same
from mahakam.services import consent, followers, forgotten, personal, private, withdrawal
from mahakam.services.consent import Given
from mahakam.services.contact_data import forget as forget_contact
from mahakam.services.contact_data import holders
from mahakam.services.dossier import documents_of, file_of
from mahakam.services.photo import photo_file
from mahakam.services.request import Request
from mahakam.services.retention import Retention
from mahakam.store.protocol import EntityStore

_TRIES = 3
Within = Callable[[str], bool]
"""Whether whoever asks may see a request, by its number."""


def everywhere(_number: str) -> bool:
    """For a command on the node's own machine."""
    return True


@dataclass(frozen=True, slots=True)
class Held:
    """Numbers of requests: ``sent`` by the person (also those from which they took their address back), ``followed``
    by them (those of others)."""

    sent: tuple[str, ...]
    followed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """``sent`` and ``followed``: what was forgotten; ``left``: sent requests that are still open, whose contact the
    agency needs to answer; ``public``: sent requests whose words stay public, for somebody to read; ``photos``: those
    among them whose photos stay, for they are not there by consent; ``failed``: those that somebody wrote at the same
    time, for a second go."""

    sent: tuple[str, ...]
    followed: tuple[str, ...]
    left: tuple[str, ...]
    public: tuple[str, ...]
    photos: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def find(store: EntityStore, who: str, within: Within = everywhere) -> Held:
    """Raises ValueError as :func:`known_as`."""
    wanted = known_as(who)
    sent, followed = set[str](), set[str]()
    for number in set(holders(store)):
        kept = private.read(store, number)
        if any(same(value, wanted) for value in (kept.contact, *map(str, kept.person.values()))):
            sent.add(number)
        for one in followers.of(store, number):
            if same(one.email, wanted):
                (sent if one.owner else followed).add(number)
    who = consent.hash_of(store, wanted)
    for number in consent.numbers_of(store, who):
        own = any(one.who == who and not one.of for one in consent.given(store, number))
        (sent if own else followed).add(number)
    return Held(tuple(sorted(filter(within, sent))), tuple(sorted(filter(within, followed - sent))))


def consents(store: EntityStore, who: str, number: str) -> list[Given]:
    """What a person agreed to beside a request, whoever else did. Raises ValueError."""
    wanted = consent.hash_of(store, known_as(who))
    found = consent.given(store, number)
    own = any(one.who == wanted and not one.of for one in found) or number in find(store, who).sent
    return [one for one in found if one.who == wanted or (own and not one.of)]


def export(
    runs: Retention, who: str, to: Path, now: dt.datetime | None = None, within: Within = everywhere
) -> Held:
    """Write a copy of all that is held of a person into a zip: ``person.json``, and the files that they sent.

    ``to`` is only for who runs this to read. Raises ValueError, and FileExistsError rather than overwrite.
    """
    held = find(runs.store, who, within)
    at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    with to.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        to.chmod(0o600)
        requests = []
        for number in held.sent:
            facts, files = _copy(runs, number)
            facts["consents"] = _agreed(runs.store, who, number)
            requests.append(facts)
            for name, path in files:
                out.write(path, f"{number}/{name}")
        body: dict[str, Any] = {
            "person": who.strip(),
            "at": at,
            "requests": requests,
            "followed": list(held.followed),
        }
        body["followed_consents"] = {number: _agreed(runs.store, who, number) for number in held.followed}
        out.writestr("person.json", orjson.dumps(body, option=orjson.OPT_INDENT_2, default=str))
    return held


def forget(runs: Retention, who: str, within: Within = everywhere) -> Forgotten:
    """Forget a person where no open request needs them: contact, followed requests, letters, private words, photos
    and documents. What a request says in public stays, and is named; photos stay where another basis than consent
    has them there. Raises ValueError."""
    held = find(runs.store, who, within)
    wanted = known_as(who)
    done, left, public = list[str](), list[str](), list[str]()
    photos, failed = list[str](), list[str]()
    stopped: dict[str, list[str]] = {}
    for number in held.followed:
        for one in followers.of(runs.store, number):
            if same(one.email, wanted):
                followers.stop(runs.store, number, one.token)
                stopped.setdefault(number, []).append(one.token)
    for number in held.sent:
        request = runs.desk.request(number)
        if request is not None and request.open:
            left.append(number)
            continue
        if not forgotten.end_matter(runs.store, runs.data, number) and request is not None:
            public.append(number)
            if request.photos and not withdrawal.take_off_photos(runs.desk.broker, runs.data, number):
                photos.append(number)
        # By the contact a request is found: it goes last, so that what broke off can be done again.
        if not _documents_gone(runs, number):
            failed.append(number)
            continue
        seen = runs.desk.request(number)
        # Whoever may not write the course forgets all the same: it says nothing of it then.
        if seen is None or not runs.forget_contact(seen):
            runs.store.write(lambda transaction, number=number: forget_contact(transaction, number))  # type: ignore[misc]
        done.append(number)
    forgotten.note(runs.store, done, stopped)
    runs.sweep()
    return Forgotten(tuple(done), held.followed, tuple(left), tuple(public), tuple(photos), tuple(failed))


def _documents_gone(runs: Retention, number: str) -> bool:
    for _try in range(_TRIES):
        request = runs.desk.request(number)
        if request is None or not documents_of(runs.store, number) or runs.remove_documents(request):
            return True
    return False


def withdraw(runs: Retention, who: str, number: str, purpose: str, at: str) -> bool:
    """Take a person's consent back, told by whoever they asked; False if they have none that holds.

    Raises NotByConsent, ValueError.
    """
    found = [one for one in consents(runs.store, who, number) if one.purpose == purpose and one.holds]
    done = False
    for one in found:
        if not one.of:
            done |= withdrawal.withdraw(runs.desk.broker, runs.data, number, purpose, "command", at)
        else:
            done |= _stop(runs.store, number, one, at)
    return done


def _stop(store: EntityStore, number: str, one: Given, at: str) -> bool:
    """The news of a follower, who is known by the token: ``of``."""
    followers.stop(
        store,
        number,
        one.of,
        lambda transaction, _follower: consent.take_back(
            transaction, number, one.purpose, at, "command", one.of
        ),
    )
    return not consent.may(store, number, one.purpose, one.of)


def _agreed(store: EntityStore, who: str, number: str) -> list[dict[str, Any]]:
    """As a person reads it: without what tells records apart."""
    left_out = ("of", "who")
    return [
        {name: value for name, value in asdict(one).items() if name not in left_out}
        for one in consents(store, who, number)
    ]


def _copy(runs: Retention, number: str) -> tuple[dict[str, Any], list[tuple[str, Path]]]:
    request = runs.desk.request(number)
    kept, matter = private.read(runs.store, number), personal.matter_of(runs.store, number)
    documents = documents_of(runs.store, number)
    facts: dict[str, Any] = {"number": number, "contact": kept.contact, "person": dict(kept.person)}
    if request is not None:
        facts |= _facts(request)
    if matter is not None:
        facts["private"] = asdict(matter)
    facts["documents"] = [asdict(one) for one in documents.values()]
    files = [
        (f"{one.code}.{one.kind}", path) for one in documents.values() if (path := file_of(runs.data, one))
    ]
    photos = matter.photos if matter is not None else request.photos if request is not None else ()
    files += [(path.name, path) for name in photos if (path := photo_file(runs.data, name))]
    return facts, files


def _facts(request: Request) -> dict[str, Any]:
    steps = [{"at": step.at, "state": step.state, "text": step.text} for step in request.steps]
    return {
        "service": request.service,
        "place": request.place,
        "requested": request.requested,
        "words": request.description,
        "address": request.address,
        "answers": dict(request.answers),
        "course": steps,
    }
