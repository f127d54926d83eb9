"""The release calendar as iCalendar (RFC 5545): one day for each release, which a calendar replaces when it moves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from mahakam.feeds.year.calendar import Due

_EVERY = dt.timedelta(days=1)
"""How often a calendar that subscribes should look again (RFC 7986, 5.7)."""


def calendar_file(
    dues: Sequence[Due], name: str, language: str, title: Callable[[Due], str], page: Callable[[Due], str]
) -> bytes:
    """``title``: what a release is called; ``page``: its address. Days are the place's own, without a time."""
    from icalendar import Calendar, Event

    made = Calendar()
    made.add("prodid", "-//Mahakam//Release calendar//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("name", name)
    made.add("x-wr-calname", name)
    made.add("refresh-interval", _EVERY, parameters={"VALUE": "DURATION"})
    for due in dues:
        event = Event()
        event.add("uid", f"{due.item.place}.{due.item.key}.{due.period}@mahakam")
        event.add("dtstamp", dt.datetime.fromisoformat(due.item.events[-1].at))
        event.add("sequence", due.item.revision)
        event.add("dtstart", due.due)
        event.add("dtend", due.due + dt.timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        event.add("summary", title(due), parameters={"LANGUAGE": language})
        event.add("description", due.item.plan.producer)
        event.add("url", page(due))
        if due.item.plan.priority:
            event.add("categories", [due.item.plan.priority])
        made.add_component(event)
    content: bytes = made.to_ical()
    return content
