"""The picture of a solution's evidence: the indicator over time, the time before it began in a paler colour."""

from __future__ import annotations

from markupsafe import Markup

from mahakam.solutions.evidence import Evidence
from mahakam.web import charts
from mahakam.web import solution_words as say
from mahakam.web.indicator_views import trace_address
from mahakam.web.language import _, number, period, words

_MOST = 72


def chart(found: Evidence) -> Markup:
    """A bar a period, each leading to its trace; nothing for fewer than two. The table beside it says the same."""
    rows = [row for row in found.rows if row.label != "all"][-_MOST:]
    if len(rows) < 2 or found.definition is None:
        return Markup("")
    ticks = charts.ticks([row.label for row in rows], 10)
    first = next((row.label for row in rows if row.side in ("during", "after")), "")
    bars = [
        charts.Bar(
            title=f"{period(row.label)}, {_(say.SIDES[row.side])}: {say.figure(found, row.value.value or 0.0)}",
            value=row.value.value,
            tick=tick,
            muted=row.side != "after",
            broken=row.label == first,
            href=trace_address(row.value),
        )
        for row, tick in zip(rows, ticks, strict=True)
    ]
    steps = [number(step) for step in charts.scale([bar.value for bar in bars if bar.value is not None])[2]]
    label = _(
        "%(name)s before and after it began. The numbers are in the table.", name=words(found.definition.name)
    )
    return charts.bars(bars, label, height=220, axis=True, steps=steps)
