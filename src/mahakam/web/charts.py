"""Small server-made charts: SVG in per cent of its width, so that it fits any screen and its words stay
readable."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Bar:
    """One period. ``value`` None: not enough data. ``muted``: counted in another way than the latest.
    ``low`` and ``high``: this is a projection, with the interval between them.

    ``tick`` is the word under the bar, "" for none; ``title`` shows when pointed at; ``href`` opens it.
    """

    title: str
    value: float | None
    tick: str = ""
    muted: bool = False
    latest: bool = False
    broken: bool = False
    href: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A level across the chart: a target."""

    value: float
    label: str


def bars(
    data: Sequence[Bar],
    label: str,
    height: int = 96,
    axis: bool = False,
    level: Line | None = None,
    steps: Sequence[str] = (),
) -> Markup:
    """A bar chart with the text alternative ``label``; with ``axis`` there are grid lines with numbers.

    ``steps`` are the words of the grid lines: the caller's format of the steps that :func:`scale` gives.
    """
    if not data:
        return Markup("")
    low, high, levels = scale(
        [one for bar in data for one in (bar.value, bar.low, bar.high) if one is not None],
        level.value if level else None,
    )
    top, bottom = 10.0, height - 20.0
    unit = (bottom - top) / (high - low)
    parts: list[str] = []
    zero = bottom - (0 - low) * unit

    def y(value: float) -> float:
        return round(bottom - (value - low) * unit, 1)

    if axis:
        for step, word in zip(levels, steps, strict=False):
            parts.append(
                f'<line class="grid-line" x1="0" x2="100%" y1="{y(step)}" y2="{y(step)}"/>'
                + (f'<text class="tick" x="0" y="{y(step) - 4}">{escape(word)}</text>' if step else "")
            )
    slot = 100 / len(data)
    width = min(slot * (0.76 if len(data) <= 14 else 0.7), 14.0)
    for index, bar in enumerate(data):
        x = index * slot + (slot - width) / 2
        parts.append(_bar(bar, x, width, slot * index, slot, y, zero, top, bottom))
        if bar.tick:
            anchor = _anchor(index, len(data))
            at = {"start": index * slot, "end": (index + 1) * slot}.get(anchor, index * slot + slot / 2)
            parts.append(
                f'<text class="tick" x="{at:.2f}%" y="{height - 4}" text-anchor="{anchor}">'
                f"{escape(bar.tick)}</text>"
            )
    parts.append(f'<line class="base" x1="0" x2="100%" y1="{zero:.1f}" y2="{zero:.1f}"/>')
    if level:
        at = y(level.value)
        parts.append(
            f'<line class="target" x1="0" x2="100%" y1="{at}" y2="{at}"/>'
            f'<text class="target-word" x="100%" y="{max(at - 5, 10)}" text-anchor="end">'
            f"{escape(level.label)}</text>"
        )
    inner = "".join(parts)
    role = "group" if any(bar.href for bar in data) else "img"
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="chart{" tall" if axis else ""}" width="100%" height="{height}" role="{role}" '
        f'aria-label="{escape(label)}">{inner}</svg>'
    )


def _bar(
    bar: Bar,
    x: float,
    width: float,
    slot_x: float,
    slot: float,
    y: Callable[[float], float],
    zero: float,
    top: float,
    bottom: float,
) -> str:
    name = f"<title>{escape(bar.title)}</title>"
    shape = ""
    if bar.broken:
        shape += f'<line class="break" x1="{slot_x:.2f}%" x2="{slot_x:.2f}%" y1="{top}" y2="{bottom}"/>'
    if bar.value is None:
        where = f'x="{x:.2f}%" width="{width:.2f}%" y="{zero - 5:.1f}" height="5" rx="1.5"'
        return f'{shape}<rect class="gap" {where}>{name}</rect>'
    style = "bar-mark" + (" muted" if bar.muted else "") + (" latest" if bar.latest else "")
    style += " projected" if bar.high is not None else ""
    at = y(bar.value)
    high, tall = min(at, zero), max(abs(zero - at), 1.5)
    round_off = 3 if slot > 8 else 1.5
    shape += (
        f'<rect class="{style}" x="{x:.2f}%" width="{width:.2f}%" y="{high:.1f}" height="{tall:.1f}" '
        f'rx="{round_off}">{name}</rect>'
    )
    if bar.low is not None and bar.high is not None:
        middle = f'x1="{x + width / 2:.2f}%" x2="{x + width / 2:.2f}%"'
        shape += f'<line class="interval" {middle} y1="{y(bar.high)}" y2="{y(bar.low)}"/>'
    if bar.href:
        hit = f'<rect class="hit" x="{slot_x:.2f}%" width="{slot:.2f}%" y="{top}" height="{bottom - top}"/>'
        shape = (
            f'<a href="{escape(bar.href)}" tabindex="-1" aria-label="{escape(bar.title)}">{hit}{shape}</a>'
        )
    return shape


def _anchor(index: int, count: int) -> str:
    """Words at the edges of a dense chart stay inside it."""
    if count > 10 and index / count < 0.04:
        return "start"
    return "end" if count > 10 and index / count > 0.93 else "middle"


def scale(values: Sequence[float], level: float | None = None) -> tuple[float, float, list[float]]:
    """(lowest, highest, steps) of an axis that holds every value, the level and zero, with round steps."""
    every = [*values, 0.0, *([level] if level is not None else [])]
    low, high = min(every), max(every)
    if high - low < 1e-300:  # nothing, or too little to divide by
        return 0.0, 1.0, [0.0, 1.0]
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first * step, last * step, [n * step for n in range(first, last + 1)]


def ticks(labels: Sequence[str], most: int) -> list[str]:
    """Which of the periods' labels (2025, 2025-11) get a word under the chart, so that at most ``most``
    do."""
    if len(labels) <= most:
        return [label if len(label) == 4 else label[2:] for label in labels]
    years = [label[:4] for label in labels]
    starts = [i for i, year in enumerate(years) if i == 0 or years[i - 1] != year]
    if len(starts) > 1 and starts[1] - starts[0] < 4 and len(labels[0]) > 4:
        starts = starts[1:]
    stride = math.ceil(len(starts) / most)
    kept = set(starts[::stride])
    return [years[i] if i in kept else "" for i in range(len(labels))]
