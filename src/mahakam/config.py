"""Settings of a node, and the folders that configure its places (cities, provinces, the network)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml

PlaceKind = Literal["city", "province", "network"]
Text = Mapping[str, str]
"""Words in several languages: ISO 639-1 code → text, e.g. ``{"en": "Rain", "id": "Hujan"}``."""

LANGUAGES = ("id", "en")
_KINDS: tuple[PlaceKind, ...] = ("city", "province", "network")


class ConfigError(Exception):
    """A configuration file that cannot be used: says which file, where in it, and what would be right."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node is started with. Each field has an environment variable ``MAHAKAM_<FIELD>``.

    ``data``: folder of the store, photos and archived files. ``config``: folders searched for places, and files of
    single places (``load_places``).
    ``store``: URL of the store, default the SQLite file in ``data``; ``replica``: of a PostgreSQL server that
    follows it and answers queries. ``open``: no sign-in, loopback only.
    ``history``: which tenants keep temporal evolutions, and how long (``broker.history.Keeping``).
    ``origins``: web applications elsewhere that may use the API from a browser (``api.cross_origin``).
    ``url``: the address by which people reach the node; ``smtp`` and ``mail_from``: mail server and sender
    (``services.outbox``), "" for a node that sends no mail. ``openlineage`` and ``openlineage_key``: where events of
    each run go (``feeds.openlineage.sending``), and the bearer token there; "" for nowhere. ``audit``: on, off, or ""
    for on wherever people are told apart, i.e. not with ``open``. ``log`` and ``log_level``: how the log is written
    (``operations.log``). ``traces``, ``traces_key`` and ``traces_share``: where traces go, the bearer token there, and
    how many are kept (``tracing``); "" for nowhere. ``second_step``: roles, with commas between, whose
    accounts sign in with a code besides the password (``access.second_step``). ``signin_secret``: what this
    node shows the provider that ``signin.yaml`` names (``access.provider``). ``proxies``: whose word on who asks is
    taken (``proxies``). ``fewest``: the smallest count of persons that public pages show (``services.suppression``).
    ``audit_keep``: for how long the audit trail is kept (ISO 8601 duration), "" for as long as the store.
    ``deliver``: on or off, whether a process that serves delivers its part of the notifications, on PostgreSQL
    (``delivering``). ``hosts``: to which alone the node connects, "" for every
    public one (``addresses``). ``nats``: the NATS server from which a hub takes what its nodes publish
    (``nodes.receiving``), "" for none.
    """

    data: Path
    config: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    store: str = field(default="", repr=False)
    open: bool = False
    demo: bool = False
    private_addresses: bool = False
    replica: str = field(default="", repr=False)
    history: str = "on"
    url: str = ""
    origins: str = ""
    smtp: str = field(default="", repr=False)
    mail_from: str = ""
    openlineage: str = field(default="", repr=False)
    openlineage_key: str = field(default="", repr=False)
    audit: str = ""
    log: str = "text"
    log_level: str = "warning"
    second_step: str = ""
    traces: str = ""
    traces_key: str = field(default="", repr=False)
    traces_share: str = "1"
    signin_secret: str = field(default="", repr=False)
    proxies: str = "127.0.0.1,::1"
    fewest: str = "5"
    audit_keep: str = ""
    deliver: str = "on"
    nats: str = field(default="", repr=False)
    hosts: str = ""

    @property
    def audited(self) -> bool:
        """Whether what is written and read goes into the audit trail. Raises ConfigError for another word."""
        if self.audit not in ("", "on", "off"):
            raise ConfigError(Path("MAHAKAM_AUDIT"), f"on or off, not {self.audit!r}")
        return self.audit == "on" or (not self.audit and not self.open)

    @property
    def delivers(self) -> bool:
        """Whether this process delivers notifications where others may. Raises ConfigError for another word."""
        if self.deliver not in ("on", "off"):
            raise ConfigError(Path("MAHAKAM_DELIVER"), f"on or off, not {self.deliver!r}")
        return self.deliver == "on"

    @property
    def fewest_shown(self) -> int:
        """The smallest count of persons that is shown in public. Raises ConfigError for what is none."""
        text = self.fewest
        if not (text.isascii() and text.isdecimal() and len(text) < 5 and int(text) >= 1):
            raise ConfigError(
                Path("MAHAKAM_FEWEST"), f"a whole number from 1 (nothing is hidden), not {text!r}"
            )
        return int(text)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The configuration's folders: where it names the file of one place, the folder of that file."""
        return tuple(path.parent if path.is_file() else path for path in self.config)

    @property
    def base(self) -> str:
        """The address of the node's pages as people reach them, without a slash at its end."""
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    def environment(self) -> dict[str, str]:
        """The settings as environment variables, the way they reach the server's worker processes."""
        return {
            "MAHAKAM_DATA": str(self.data),
            "MAHAKAM_CONFIG": os.pathsep.join(map(str, self.config)),
            "MAHAKAM_HOST": self.host,
            "MAHAKAM_PORT": str(self.port),
            "MAHAKAM_WORKERS": str(self.workers),
            "MAHAKAM_STORE": self.store,
            "MAHAKAM_REPLICA": self.replica,
            "MAHAKAM_OPEN": "1" if self.open else "",
            "MAHAKAM_DEMO": "1" if self.demo else "",
            "MAHAKAM_PRIVATE_ADDRESSES": "1" if self.private_addresses else "",
            "MAHAKAM_HISTORY": self.history,
            "MAHAKAM_URL": self.url,
            "MAHAKAM_ORIGINS": self.origins,
            "MAHAKAM_SMTP": self.smtp,
            "MAHAKAM_MAIL_FROM": self.mail_from,
            "MAHAKAM_OPENLINEAGE": self.openlineage,
            "MAHAKAM_OPENLINEAGE_KEY": self.openlineage_key,
            "MAHAKAM_AUDIT": self.audit,
            "MAHAKAM_LOG": self.log,
            "MAHAKAM_LOG_LEVEL": self.log_level,
            "MAHAKAM_SECOND_STEP": self.second_step,
            "MAHAKAM_TRACES": self.traces,
            "MAHAKAM_TRACES_KEY": self.traces_key,
            "MAHAKAM_TRACES_SHARE": self.traces_share,
            "MAHAKAM_SIGNIN_SECRET": self.signin_secret,
            "MAHAKAM_PROXIES": self.proxies,
            "MAHAKAM_FEWEST": self.fewest,
            "MAHAKAM_AUDIT_KEEP": self.audit_keep,
            "MAHAKAM_DELIVER": self.deliver,
            "MAHAKAM_NATS": self.nats,
            "MAHAKAM_HOSTS": self.hosts,
        }

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings that :meth:`environment` wrote (missing ones take their defaults). Raises ConfigError."""
        return cls(
            data=Path(environ.get("MAHAKAM_DATA") or "mahakam-data"),
            config=tuple(Path(p) for p in environ.get("MAHAKAM_CONFIG", "").split(os.pathsep) if p),
            host=environ.get("MAHAKAM_HOST") or "127.0.0.1",
            port=_whole(environ, "MAHAKAM_PORT", 8000),
            workers=_whole(environ, "MAHAKAM_WORKERS", 1),
            store=environ.get("MAHAKAM_STORE", ""),
            replica=environ.get("MAHAKAM_REPLICA", ""),
            open=bool(environ.get("MAHAKAM_OPEN")),
            demo=bool(environ.get("MAHAKAM_DEMO")),
            private_addresses=bool(environ.get("MAHAKAM_PRIVATE_ADDRESSES")),
            history=environ.get("MAHAKAM_HISTORY") or "on",
            url=environ.get("MAHAKAM_URL", ""),
            origins=environ.get("MAHAKAM_ORIGINS", ""),
            smtp=environ.get("MAHAKAM_SMTP", ""),
            mail_from=environ.get("MAHAKAM_MAIL_FROM", ""),
            openlineage=environ.get("MAHAKAM_OPENLINEAGE", ""),
            openlineage_key=environ.get("MAHAKAM_OPENLINEAGE_KEY", ""),
            audit=environ.get("MAHAKAM_AUDIT", ""),
            log=environ.get("MAHAKAM_LOG") or "text",
            log_level=environ.get("MAHAKAM_LOG_LEVEL") or "warning",
            second_step=environ.get("MAHAKAM_SECOND_STEP", ""),
            traces=environ.get("MAHAKAM_TRACES", ""),
            traces_key=environ.get("MAHAKAM_TRACES_KEY", ""),
            traces_share=environ.get("MAHAKAM_TRACES_SHARE") or "1",
            signin_secret=environ.get("MAHAKAM_SIGNIN_SECRET", ""),
            proxies=environ.get("MAHAKAM_PROXIES", "127.0.0.1,::1"),
            fewest=environ.get("MAHAKAM_FEWEST") or "5",
            audit_keep=environ.get("MAHAKAM_AUDIT_KEEP", ""),
            deliver=environ.get("MAHAKAM_DELIVER") or "on",
            nats=environ.get("MAHAKAM_NATS", ""),
            hosts=environ.get("MAHAKAM_HOSTS", ""),
        )


@dataclass(frozen=True)
class Place:
    """A city, a province or the network: a folder with ``city.yaml`` (``province.yaml``, ``network.yaml``).

    ``id`` is the folder's name; ``parent`` the id of the place above; ``facts`` the whole YAML mapping.
    Its rooms are folders beside that file: ``contracts/``, ``feeds/``, ``services/``, ``indicators/``, ``data/``.
    """

    id: str
    kind: PlaceKind
    folder: Path
    facts: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> Text:
        return as_text(self.facts["name"])

    @cached_property
    def parent(self) -> str | None:
        value = self.facts.get("parent")
        return str(value) if value else None

    @property
    def timezone(self) -> str:
        return str(self.facts.get("timezone", "UTC"))

    @cached_property
    def boundary_file(self) -> Path | None:
        """GeoJSON whose features, together, are the place's area."""
        value = self.facts.get("boundary")
        return self.folder / str(value) if value else None

    def files(self, room: str) -> dict[str, Path]:
        """The YAML files of one room, by name without ending: ``files("feeds")["air-quality"]``."""
        return {path.stem: path for path in sorted((self.folder / room).glob("*.yaml"))}

    def inside(self, name: str) -> Path:
        """A file of this place's folder.

        Raises ConfigError for a name that leads out of the folder.
        """
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ConfigError(self.folder, f"{name!r} leads out of the folder; name a file inside it")
        return path


def _whole(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name) or str(usual)
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise ConfigError(Path(name), f"a whole number as {usual} was expected, not {text[:40]!r}")
    return int(text)


def as_text(value: object) -> Text:
    """One string stands for itself in every language."""
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items()}
    return dict.fromkeys(LANGUAGES, str(value))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises ConfigError with file, line and reason if it cannot be read or holds something else.
    """
    try:
        value = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, C or Python
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"is not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(path, "must hold a mapping (key: value), not " + type(value).__name__)
    return value


def checked_keys(path: Path, where: str, given: Mapping[Any, Any], known: Sequence[str]) -> None:
    """Raises ConfigError for a key that is not known, with the one that may be meant; ``where`` "": the whole file."""
    for key in given:
        if key not in known:
            from difflib import get_close_matches

            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "known keys: " + ", ".join(known)
            raise ConfigError(path, f"{_at(where)}unknown key {key!r}; {hint}")


def checked_mapping(
    path: Path, where: str, raw: object, known: Sequence[str], needed: Sequence[str]
) -> Mapping[str, Any]:
    """A mapping of known keys in which nothing of what is ``needed`` is missing or empty. Raises ConfigError."""
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"{_at(where)}must be a mapping with {', '.join(needed)}")
    checked_keys(path, where, raw, known)
    for key in needed:
        if raw.get(key) in (None, ""):
            raise ConfigError(path, f"{_at(where)}needs {key!r}")
    return raw


def checked_text(path: Path, where: str, value: object) -> Text:
    """Text, or text by language. Raises ConfigError."""
    by_language = isinstance(value, Mapping) and value and all(isinstance(v, str) for v in value.values())
    if not by_language and not isinstance(value, str):
        raise ConfigError(path, f"{where}: must be text, or text by language: {{en: Rain, id: Hujan}}")
    return as_text(value)


def _at(where: str) -> str:
    return f"{where}: " if where else ""


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_places(roots: Iterable[Path]) -> dict[str, Place]:
    """Every place found in the folders (three levels deep), by id; parents before children. A root that is itself a
    ``city.yaml``, ``province.yaml`` or ``network.yaml`` is that one place, without those in folders below it.

    Raises ConfigError for two places of one name or a file without a name.
    """
    places: dict[str, Place] = {}
    for root in roots:
        for kind, path in _place_files(root):
            place = Place(path.parent.name, kind, path.parent, read_yaml(path))
            if "name" not in place.facts:
                raise ConfigError(path, "needs a name, e.g. name: Samarinda")
            if place.id in places and places[place.id].folder != place.folder:
                raise ConfigError(path, f"the place {place.id!r} is also in {places[place.id].folder}")
            places[place.id] = place
    return places


def _place_files(root: Path) -> Iterator[tuple[PlaceKind, Path]]:
    """The files of places that a root of the configuration leads to, those of kinds above first."""
    if root.is_file():
        kind = next((one for one in _KINDS if root.name == f"{one}.yaml"), None)
        if kind is None:
            names = ", ".join(f"{one}.yaml" for one in _KINDS)
            raise ConfigError(root, f"is not the file of a place; those are named {names}")
        yield kind, root
        return
    if not root.is_dir():
        raise ConfigError(root, "is not a folder; --config names a folder with city.yaml files in it")
    for kind in reversed(_KINDS):
        for depth in ("", "*/", "*/*/", "*/*/*/"):
            for path in sorted(root.glob(f"{depth}{kind}.yaml")):
                yield kind, path


def examples_folder() -> Path:
    """The demo's configuration: inside the installed package, or beside ``src`` in a checkout."""
    installed = Path(__file__).parent / "examples"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "examples"


def chain(places: Mapping[str, Place], place: Place) -> list[Place]:
    """A place and the places above it, itself first."""
    out = [place]
    above = place.parent
    while above is not None and above in places and places[above] not in out:
        out.append(places[above])
        above = places[above].parent
    return out


def scope_of(place: Place, places: Mapping[str, Place]) -> str:
    """The NGSI-LD scope of everything that belongs to a place: the path of its parents, ``/kaltim/samarinda``."""
    path = [place.id]
    above = place.parent
    while above in places and above not in path:
        path.insert(0, str(above))
        above = places[str(above)].parent
    return "/" + "/".join(path)


def place_of(scopes: Iterable[str], places: Mapping[str, Place]) -> Place | None:
    """The place that the scopes of an entity name, the innermost first; None if they name none."""
    for scope in scopes:
        for part in reversed(scope.strip("/").split("/")):
            if part in places:
                return places[part]
    return None
