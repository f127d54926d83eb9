"""The provider that a node trusts, as ``signin.yaml`` in a configuration folder says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mahakam.access.accounts import AccountError, checked_agencies
from mahakam.access.policy import EVERYWHERE, PEOPLE
from mahakam.config import ConfigError, Place, Text, as_text, read_yaml

FILE = "signin.yaml"
LOCAL = ("127.0.0.1", "localhost", "::1")
_MEMBERS = ("issuer", "client", "name", "scopes", "account", "link", "private", "second_step", "roles")
_LINE = ("when", "role", "places", "agencies")


@dataclass(frozen=True, slots=True)
class Line:
    """Whoever has these claims (name → one of these values) has these roles in these places, at these agencies."""

    when: Mapping[str, frozenset[str]]
    roles: tuple[str, ...]
    places: tuple[str, ...]
    agencies: tuple[str, ...] = ()

    def holds(self, claims: Mapping[str, Any]) -> bool:
        return all(not values.isdisjoint(_said(claims.get(name))) for name, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Provider:
    """``account``: the claim that names the account. ``link``: an account whose name is the verified e-mail address
    is theirs. ``private``: it may be at a private network address. ``second_step``: claims (``amr``, ``acr``) that
    stand for a second step.
    """

    issuer: str
    client: str
    name: Text
    lines: tuple[Line, ...]
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    account: str = "preferred_username"
    link: bool = False
    private: bool = False
    second_step: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def line_of(self, claims: Mapping[str, Any]) -> Line | None:
        """The first line that holds: lines are never added up, so that nobody has more than one line says."""
        return next((line for line in self.lines if line.holds(claims)), None)

    def has_second_step(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider says that more than a password was asked for, in a way that the file trusts."""
        return any(
            not values.isdisjoint(_said(claims.get(name))) for name, values in self.second_step.items()
        )


def read_provider(folders: Iterable[Path], places: Mapping[str, Place], secret: str = "") -> Provider | None:
    """The provider of the one ``signin.yaml`` in these folders; None if there is none.

    ``secret``: what the client shows (``MAHAKAM_SIGNIN_SECRET``). Raises ConfigError.
    """
    found = [folder / FILE for folder in folders if (folder / FILE).is_file()]
    if not found:
        return None
    path = found[0]
    if len(found) > 1:
        raise ConfigError(found[1], f"a node has one provider, and there is {path} already")
    said = read_yaml(path)
    unknown = said.keys() - {*_MEMBERS}
    if unknown:
        raise ConfigError(path, f"{min(map(str, unknown))} is unknown; there are {', '.join(_MEMBERS)}")
    name = as_text(said.get("name") or urlsplit(_issuer(path, said)).hostname)
    return Provider(
        issuer=_issuer(path, said),
        client=_text(path, said, "client", None),
        name=name,
        lines=_lines(path, said.get("roles"), places),
        secret=secret,
        scopes=_scopes(path, said),
        account=_text(path, said, "account", "preferred_username"),
        link=_link(path, said),
        private=said.get("private") is True,
        second_step=_second_step(path, said.get("second_step") or {}),
    )


def address_problem(url: object) -> str:
    """Why an address of a provider cannot be used; "" if it can: https, or http on this machine."""
    if not isinstance(url, str):
        return "an https:// address was expected"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return f"{url[:200]!r} is no URL"
    if not parts.hostname or parts.username or parts.fragment:
        return f"{url[:200]!r} is no https:// address"
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        return f"{url[:200]!r} is not encrypted; an https:// address was expected"
    return ""


def _issuer(path: Path, said: Mapping[str, Any]) -> str:
    problem = address_problem(said.get("issuer"))
    if problem:
        raise ConfigError(path, f"issuer: {problem}")
    return str(said["issuer"])


def _text(path: Path, said: Mapping[str, Any], name: str, default: str | None) -> str:
    value = said.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(path, f"{name}: a text was expected")
    return value.strip()


def _scopes(path: Path, said: Mapping[str, Any]) -> tuple[str, ...]:
    scopes = said.get("scopes", ["openid", "profile", "email"])
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ConfigError(path, "scopes: a list was expected, e.g. [openid, profile, email]")
    return tuple(dict.fromkeys(("openid", *scopes)))


def _link(path: Path, said: Mapping[str, Any]) -> bool:
    if said.get("link") not in (None, "email"):
        raise ConfigError(path, "link: email, or nothing, was expected")
    return said.get("link") == "email"


def _second_step(path: Path, said: Any) -> dict[str, frozenset[str]]:
    if not isinstance(said, dict) or said.keys() - {"amr", "acr"}:
        raise ConfigError(path, "second_step: amr or acr with values was expected, e.g. {amr: [mfa, otp]}")
    return {str(name): _values(path, f"second_step.{name}", value) for name, value in said.items()}


def _lines(path: Path, said: Any, places: Mapping[str, Place]) -> tuple[Line, ...]:
    if not isinstance(said, list) or not said:
        raise ConfigError(
            path,
            "roles: a list was expected: who gets which role where, e.g."
            " - {when: {groups: dishub}, role: officer, places: [samarinda]}",
        )
    return tuple(_line(path, f"roles[{number}]", one, places) for number, one in enumerate(said, 1))


def _line(path: Path, at: str, said: Any, places: Mapping[str, Place]) -> Line:
    if not isinstance(said, dict) or said.keys() - {*_LINE}:
        raise ConfigError(path, f"{at}: when, role, places and agencies were expected, nothing else")
    when = said.get("when") or {}
    if not isinstance(when, dict):
        raise ConfigError(path, f"{at}.when: claims with their values were expected, e.g. {{groups: dishub}}")
    roles = said.get("role")
    roles = tuple(roles) if isinstance(roles, list) else (roles,)
    for role in roles:
        if role not in PEOPLE:
            raise ConfigError(path, f"{at}.role: {role!r} is no role; there are {', '.join(PEOPLE)}")
    if not when and roles != ("resident",):
        raise ConfigError(
            path, f"{at}: without when, everybody at the provider has it: that may be resident only"
        )
    where = said.get("places")
    if not isinstance(where, list) or not where:
        raise ConfigError(
            path, f"{at}.places: a list was expected, e.g. [samarinda], or ['*'] for everywhere"
        )
    for place in where:
        if place != EVERYWHERE and place not in places:
            raise ConfigError(
                path, f"{at}.places: there is no place {place!r}; there are {', '.join(sorted(places))}"
            )
    wanted = {str(name): _values(path, f"{at}.when.{name}", value) for name, value in when.items()}
    return Line(
        wanted, roles, tuple(where), _agencies(path, f"{at}.agencies", said.get("agencies") or [], places)
    )


def _agencies(path: Path, at: str, said: Any, places: Mapping[str, Place]) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise ConfigError(path, f"{at}: a list was expected, e.g. [samarinda/public-works]")
    try:
        found = checked_agencies(said)
    except AccountError as error:
        raise ConfigError(path, f"{at}: {error}") from None
    for one in found:
        if one.partition("/")[0] not in places:
            raise ConfigError(path, f"{at}: there is no place {one.partition('/')[0]!r}")
    return found


def _values(path: Path, at: str, value: Any) -> frozenset[str]:
    found = _said(value)
    if not found:
        raise ConfigError(path, f"{at}: a value, or a list of them, was expected")
    return found


def _said(value: Any) -> frozenset[str]:
    """The values of a claim as texts: of a text, a number, true or false, or a list of them; of anything else none."""
    values = value if isinstance(value, list) else [value]
    return frozenset(
        str(one).lower() if isinstance(one, bool) else str(one)
        for one in values
        if isinstance(one, str | int) and one != ""
    )
