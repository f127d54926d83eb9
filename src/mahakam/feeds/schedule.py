"""When a feed is due: its cron expression, in the time of its place."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from mahakam.feeds.definition import Feed


def problem(expression: str) -> str:
    """What is wrong with a cron expression; "" for nothing."""
    try:
        next(CronSim(expression, datetime(2024, 1, 1)))
    except StopIteration:
        return f"{expression!r} names no day that ever comes"
    except CronSimError as error:
        return f'{expression!r} is no cron expression, as "0 6 * * *" ({error})'
    return ""


def following(feed: Feed, after: datetime) -> datetime | None:
    """The next moment that the feed is due after another; None without a schedule."""
    if not feed.schedule:
        return None
    return next(CronSim(feed.schedule, after.astimezone(ZoneInfo(feed.place.timezone))))


def is_due(feed: Feed, last: datetime | None, now: datetime) -> bool:
    """Whether the feed was due since its last run, once or often (a machine that was off): one run makes up for all."""
    if not feed.schedule:
        return False
    if last is None:
        return True
    moment = following(feed, last)
    return moment is not None and moment <= now


_PERIODS = (
    (1.5, "HOURLY"), (36, "DAILY"), (24 * 10, "WEEKLY"), (24 * 45, "MONTHLY"), (24 * 130, "QUARTERLY"),
    (24 * 400, "ANNUAL"),
)  # fmt: skip


def period_of(feed: Feed) -> str:
    """How often the feed is due, in the EU's vocabulary of frequencies; "" without a schedule or a word for it."""
    if not feed.schedule:
        return ""
    coming = CronSim(feed.schedule, datetime(2024, 1, 1))
    first, second = next(coming), next(coming)
    gap = (second - first).total_seconds() / 3600
    return next((word for hours, word in _PERIODS if gap <= hours), "")
