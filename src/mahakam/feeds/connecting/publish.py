"""A draft tried on its file, and published: contract, feed and file into the place's folder, then the first run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mahakam.config import ConfigError, Place
from mahakam.feeds import definition
from mahakam.feeds.connecting.documents import contract_document, feed_document
from mahakam.feeds.connecting.draft import Draft
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.quality.load import parse_document

if TYPE_CHECKING:
    from mahakam.feeds.definition import Feed
    from mahakam.quality.contract import Contract
    from mahakam.store.model import Run


def built(draft: Draft, place: Place) -> tuple[Feed, Contract]:
    """The feed and the contract as they would be. Raises ConfigError, ContractError."""
    path = place.folder / "feeds" / f"{draft.slug}.yaml"
    (contract,) = parse_document(contract_document(draft), place.folder / "contracts" / path.name)
    return definition.from_mapping(place, draft.slug, path, feed_document(draft)), contract


def taken(place: Place, draft: Draft | None = None) -> frozenset[str]:
    """Names that a new feed of the place cannot have. The contract of this draft, left by a publishing that was cut off
    before its feed was there, takes none."""
    feeds, contracts = place.files("feeds"), dict(place.files("contracts"))
    left = contracts.get(draft.slug) if draft is not None and draft.slug not in feeds else None
    if draft is not None and left is not None and _holds(left, as_yaml(contract_document(draft)).encode()):
        del contracts[draft.slug]
    return frozenset((*feeds, *contracts))


def publish(parts: Parts, place: Place, draft: Draft, file: Path, author: str) -> Run:
    """Write the YAML of a draft and its file into the place's folder, then run the feed.

    Whoever writes a feed's name first has it: nothing that exists is overwritten. Raises ConfigError if the name is
    taken or the folder cannot be written to; then nothing new is left behind.
    """
    built(draft, place)
    documents = {"contracts": contract_document(draft), "feeds": feed_document(draft)}
    written: list[Path] = []
    try:
        kept = place.folder / "data" / draft.file
        content = file.read_bytes()
        if not (_holds(kept, content) and _is_nobodys(place, kept.name)):
            kept = create_file(kept, content, written, others=True)
        documents["feeds"]["source"]["file"] = f"data/{kept.name}"
        for room, document in documents.items():
            if draft.slug in place.files(room) and draft.slug not in taken(place, draft):
                continue  # the contract, left by a publishing that was cut off
            create_file(place.folder / room / f"{draft.slug}.yaml", as_yaml(document).encode(), written)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise ConfigError(place.folder / "feeds", f"there is a feed {draft.slug!r} by now") from error
        raise ConfigError(place.folder, f"cannot be written to: {error.strerror}") from error
    return run_feed(parts, place.id, draft.slug, author=author)


def create_file(path: Path, content: bytes, written: list[Path], *, others: bool = False) -> Path:
    """Create a file, whole or not at all, and put it on the list; with ``others`` under a free name if another file has
    this one.

    Raises OSError (FileExistsError if the name is taken).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    wanted, again = path, 1
    try:
        while True:
            try:
                os.link(part, path)
                break
            except FileExistsError:
                if not others:
                    raise
                again += 1
                stem, dot, ending = wanted.name.partition(".")
                path = wanted.with_name(f"{stem}-{again}{dot}{ending}")
    finally:
        part.unlink(missing_ok=True)
    written.append(path)
    return path


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _is_nobodys(place: Place, name: str) -> bool:
    """Does no feed read this file of the place?"""
    return not any(
        f"data/{name}" in feed.read_text("utf-8", "replace") for feed in place.files("feeds").values()
    )


def as_yaml(document: dict[str, Any]) -> str:
    """As it would be written."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text
