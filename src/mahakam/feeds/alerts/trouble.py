"""What is wrong with a feed as a whole, now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from mahakam.feeds.alerts.wanted import Wanted
from mahakam.feeds.definition import Feed
from mahakam.feeds.known import public, score
from mahakam.feeds.schedule import following
from mahakam.store.model import Run

Kind = Literal["failed", "late", "quality"]
KINDS: tuple[Kind, ...] = ("failed", "late", "quality")


@dataclass(frozen=True, slots=True)
class Trouble:
    """``since``: ISO 8601 UTC. ``facts``: ``message`` (failed), ``due`` (late), ``score`` and ``before`` (quality)."""

    kind: Kind
    since: str
    facts: dict[str, Any] = field(default_factory=dict)


def troubles(
    feed: Feed,
    runs: Sequence[Run],
    held: int,
    wanted: Wanted,
    now: datetime,
    before: float | None = None,
    began: datetime | None = None,
) -> list[Trouble]:
    """The troubles of a feed. ``runs``: the newest first; ``held``: its rows that wait in quarantine now.

    ``before``: the score from which it dropped, if that has been told of already; it is well again once it
    is back there. ``began``: the feed's last turn, also one in which there was nothing new and no run was kept.
    """
    found: list[Trouble] = []
    ended = [run for run in runs if run.state != "running"]
    if ended and ended[0].state == "failed":
        found.append(Trouble("failed", ended[0].started, {"message": public(feed.place, ended[0].message)}))
    if runs and (late := _late(feed, runs[0], wanted, now, began)):
        found.append(late)
    if quality := _quality(
        [run for run in ended if run.state in ("clean", "held") and run.read], held, wanted, before
    ):
        found.append(quality)
    return found


def _late(feed: Feed, last: Run, wanted: Wanted, now: datetime, began: datetime | None) -> Trouble | None:
    started = datetime.fromisoformat(last.started)
    due = following(feed, max(started, began) if began else started)
    if due is None or now < due + timedelta(seconds=wanted.late):
        return None
    moment = due.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Trouble("late", moment, {"due": moment})


def _quality(reading: Sequence[Run], held: int, wanted: Wanted, before: float | None) -> Trouble | None:
    if not reading:
        return None
    now = score(reading[0], held)
    if before is None and len(reading) > 1:
        before = score(reading[1])
    if now is None:
        return None
    low = wanted.below is not None and now < wanted.below
    dropped = wanted.drop is not None and before is not None and before - now > wanted.drop
    if not (low or dropped):
        return None
    return Trouble("quality", reading[0].started, {"score": now, "before": before})
