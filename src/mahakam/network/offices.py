"""Offices of the network and their terms: who holds which seat from when to when, and what that allows."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Literal

import msgspec

from mahakam.access.policy import EVERYWHERE, OFFICES, Principal, allow
from mahakam.faults import Changed, refuse
from mahakam.store.protocol import EntityStore, Transaction

KIND = "network-office"
INVITED_DAYS = 30
LONGEST_NAME = 120
_ADDRESS = re.compile(r"[^@\s<>,;:\"]{1,64}@[^@\s<>,;:\"]{1,180}\.[a-zA-Z0-9-]{2,60}")
OfficeRole = Literal["representative", "city_officer", "secretariat", "partner"]


class Invitation(msgspec.Struct, frozen=True):
    """``digest`` is the SHA-256 of the link's secret, which is kept nowhere; ``expires`` is an ISO date."""

    digest: str
    expires: str
    by: str


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """One term of one person. ``seat``: a country's code (representative), a city's (city_officer), the
    organisation's name (partner), "" (secretariat).

    ``since`` and ``until`` are ISO dates; on ``until`` the term is over; "" is open. ``account`` is "" until the
    invitation is taken up. ``replaces`` is the term that ends when this one is taken up. ``mail`` is where its holder
    wants letters, in ``language``; "" for none, unless the account's name is an address.
    """

    key: str
    role: OfficeRole
    seat: str
    name: str
    since: str
    until: str = ""
    account: str = ""
    title: str = ""
    replaces: str = ""
    invitation: Invitation | None = None
    appointed_by: str = ""
    appointed_at: str = ""
    mail: str = ""
    language: str = "en"

    def held(self, day: dt.date) -> bool:
        """Whether it gives its holder rights on a day."""
        return bool(self.account) and self.term(day)

    def term(self, day: dt.date) -> bool:
        """Whether the day is in the term, taken up or not."""
        return self.since <= day.isoformat() and (not self.until or day.isoformat() < self.until)

    @property
    def address(self) -> str:
        """Where letters to the holder go, "" for nowhere."""
        return self.mail or (self.account if _ADDRESS.fullmatch(self.account) else "")

    @property
    def principal(self) -> Principal:
        place = EVERYWHERE if self.role == "secretariat" else self.seat
        return Principal(self.account, (self.role,), (place,))


class Standing(msgspec.Struct, frozen=True):
    """Somebody as the network sees them: the account's own rights, and the offices held today."""

    principal: Principal | None
    offices: tuple[Office, ...]

    def may(self, action: str, seat: str = "") -> bool:
        """Whether the person may do the action for a seat ("": for any that they hold)."""
        own = self.principal is not None and allow(self.principal, action)
        return own or any(allow(one.principal, action, seat or one.seat) for one in self.offices)

    def acting(self, action: str, seat: str = "") -> Office | None:
        """The office in which the person does the action for a seat ("": for its own); None for somebody who may
        without one."""
        return next((one for one in self.offices if allow(one.principal, action, seat or one.seat)), None)

    @property
    def countries(self) -> tuple[str, ...]:
        """Codes of the countries that the person speaks for."""
        return tuple(one.seat for one in self.offices if one.role == "representative")


def standing(store: EntityStore, principal: Principal | None, day: dt.date) -> Standing:
    """What a visitor may do today. API keys and strangers hold no office."""
    if principal is None or principal.kind != "person":
        return Standing(principal, ())
    held = (one for one in offices(store) if one.account == principal.name and one.held(day))
    return Standing(principal, tuple(held))


def offices(store: EntityStore | Transaction) -> list[Office]:
    """Every term there was and is, by role, seat and beginning."""
    found = [msgspec.convert(kept, Office) for kept in store.records(KIND).values()]
    return sorted(found, key=lambda one: (OFFICES.index(one.role), one.seat, one.since, one.key))


def represented(offices: Iterable[Office], day: dt.date) -> frozenset[str]:
    """Codes of the countries with a National Representative in office."""
    return frozenset(one.seat for one in offices if one.role == "representative" and one.held(day))


def appoint(
    store: EntityStore,
    *,
    role: str,
    seat: str,
    name: str,
    since: str,
    until: str = "",
    title: str = "",
    replaces: str = "",
    by: str,
    seats: Iterable[str],
    day: dt.date,
) -> tuple[Office, str]:
    """Make a term and its invitation; returns the office and the secret of the link, to be shown this once.

    ``seats`` are those there are for the role (empty: any words, for a partner). Raises Refused.
    """
    if role not in OFFICES:
        raise refuse("role", "choose")
    seats = set(seats)
    seat = seat.strip()
    if role == "secretariat":
        seat = ""
    elif not seat or (seats and seat not in seats):
        raise refuse("seat", "choose")
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise refuse("name", "words", most=LONGEST_NAME)
    if len(seat) > LONGEST_NAME or len(title) > LONGEST_NAME:
        raise refuse("title", "words", most=LONGEST_NAME)
    begin = _day(since, "since")
    if until and _day(until, "until") <= begin:
        raise refuse("until", "order")
    secret = secrets.token_urlsafe(24)
    made = Office(
        key=secrets.token_hex(6),
        role=role,  # type: ignore[arg-type]
        seat=seat,
        name=name.strip(),
        title=title.strip(),
        since=begin.isoformat(),
        until=until,
        replaces=replaces,
        invitation=Invitation(_digest(secret), (day + dt.timedelta(days=INVITED_DAYS)).isoformat(), by),
        appointed_by=by,
        appointed_at=day.isoformat(),
    )

    def work(transaction: Transaction) -> None:
        if replaces:
            before = _office(transaction, replaces)
            if before is None or (before.role, before.seat) != (made.role, made.seat):
                raise refuse("replaces", "choose")
        _save(transaction, made)

    store.write(work)
    return made, secret


def invited(store: EntityStore, secret: str, day: dt.date) -> Office | None:
    """The office that a link invites to; None for one that is used up, over or wrong."""
    digest = _digest(secret)
    return next(
        (
            one
            for one in offices(store)
            if one.invitation
            and one.invitation.digest == digest
            and one.invitation.expires >= day.isoformat()
        ),
        None,
    )


def accept(store: EntityStore, secret: str, account: str, day: dt.date) -> Office:
    """Take an office up; the term that it replaces ends that day, or when the new one begins. Raises Refused."""

    def work(transaction: Transaction) -> Office:
        digest = _digest(secret)
        found = next(
            (one for one in offices(transaction) if one.invitation and one.invitation.digest == digest), None
        )
        if found is None or found.invitation is None or found.invitation.expires < day.isoformat():
            raise refuse("form", "invitation")
        taken = msgspec.structs.replace(found, account=account, invitation=None)
        _save(transaction, taken)
        before = _office(transaction, found.replaces) if found.replaces else None
        if before is not None:
            last = max(day.isoformat(), found.since)
            if not before.until or before.until > last:
                _save(transaction, msgspec.structs.replace(before, until=last))
        return taken

    return store.write(work)


def end(store: EntityStore, key: str, day: dt.date) -> Office:
    """End a term today, and its invitation. Raises Changed if there is none, or it was over."""

    def work(transaction: Transaction) -> Office:
        found = _office(transaction, key)
        if found is None or (found.until and found.until <= day.isoformat()):
            raise Changed
        ended = msgspec.structs.replace(found, until=max(day.isoformat(), found.since), invitation=None)
        _save(transaction, ended)
        return ended

    return store.write(work)


def write_to(store: EntityStore, key: str, mail: str, language: str, languages: Iterable[str]) -> Office:
    """Where the holder of an office wants letters; "" for nowhere. Raises Refused, and Changed if there is no such
    office."""
    mail = mail.strip()
    if mail and not _ADDRESS.fullmatch(mail):
        raise refuse("mail", "mail")
    if language not in languages:
        raise refuse("language", "choose")

    def work(transaction: Transaction) -> Office:
        found = _office(transaction, key)
        if found is None:
            raise Changed
        changed = msgspec.structs.replace(found, mail=mail, language=language)
        _save(transaction, changed)
        return changed

    return store.write(work)


def _day(text: str, field: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise refuse(field, "date") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _office(transaction: Transaction, key: str) -> Office | None:
    kept = transaction.record(KIND, key)
    return msgspec.convert(kept, Office) if kept else None


def _save(transaction: Transaction, office: Office) -> None:
    transaction.save_record(KIND, office.key, msgspec.to_builtins(office))
