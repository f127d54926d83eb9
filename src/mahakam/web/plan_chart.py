"""The small picture of an outcome: the path from baseline to target, and what was measured on the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from markupsafe import Markup, escape

from mahakam.network.measured import Measured
from mahakam.network.plan_status import OutcomeStanding
from mahakam.web.charts import scale
from mahakam.web.language import _
from mahakam.web.plan_words import figure, outcome_name, outcome_sentence

HEIGHT = 96


def path_chart(one: OutcomeStanding, values: Sequence[Measured], day: dt.date) -> Markup:
    """Years along, values up. The words beside it say the same; the path is dashed, what was measured are dots."""
    outcome = one.outcome
    points = [(value.position(day), value) for value in values]
    first, last = float(outcome.baseline_year), float(outcome.target_year)
    shown = [(at, value) for at, value in points if first - 3 <= at <= last]
    first = min([first, *(at for at, _value in shown)])
    low, high, _steps = scale([outcome.baseline, outcome.target, *(value.value for _at, value in shown)])

    def x(at: float) -> str:
        return f"{4 + 92 * (at - first) / (last - first):.2f}%"

    def y(value: float) -> float:
        return round(HEIGHT - 22 - (HEIGHT - 32) * (value - low) / (high - low), 1)

    parts = [
        f'<line class="base" x1="0" x2="100%" y1="{y(low)}" y2="{y(low)}"/>',
        f'<line class="plan-path" x1="{x(outcome.baseline_year)}" y1="{y(outcome.baseline)}" '
        f'x2="{x(outcome.target_year)}" y2="{y(outcome.target)}"/>',
        f'<circle class="plan-end" cx="{x(outcome.baseline_year)}" cy="{y(outcome.baseline)}" r="4"/>',
        f'<circle class="plan-end" cx="{x(outcome.target_year)}" cy="{y(outcome.target)}" r="4"/>',
    ]
    parts += [
        f'<circle class="plan-dot{" latest" if one.latest is not None and value.id == one.latest.id else ""}" '
        f'cx="{x(at)}" cy="{y(value.value)}" r="4.5"><title>{escape(value.label)}: '
        f"{escape(figure(value.value))}</title></circle>"
        for at, value in shown
    ]
    parts += [
        f'<text class="tick" x="{x(outcome.baseline_year)}" y="{HEIGHT - 4}" text-anchor="start">'
        f"{outcome.baseline_year}</text>",
        f'<text class="tick" x="{x(outcome.target_year)}" y="{HEIGHT - 4}" text-anchor="end">'
        f"{outcome.target_year}</text>",
    ]
    label = _("%(name)s: %(said)s", name=outcome_name(one), said=outcome_sentence(one))
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="chart" width="100%" height="{HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
