"""Small server-drawn maps: GeoJSON geometry to SVG paths, simplified, with the right aspect at its
latitude."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

Position = Sequence[float]


@dataclass(frozen=True, slots=True)
class Frame:
    """An area of the earth (degrees) shown in ``width`` × ``height`` pixels; equal scale in both
    directions."""

    west: float
    south: float
    scale: float
    shrink: float
    width: float
    height: float

    def xy(self, position: Position) -> tuple[float, float]:
        x = (position[0] - self.west) * self.shrink * self.scale
        return round(x, 1), round(self.height - (position[1] - self.south) * self.scale, 1)


def positions(geometry: Mapping[str, Any] | None) -> Iterator[Position]:
    """Every position of a geometry."""
    for line in lines(geometry):
        yield from line


def lines(geometry: Mapping[str, Any] | None) -> Iterator[Sequence[Position]]:
    """The rings and lines of a geometry; a point is a line of one position."""
    if not geometry:
        return
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    match kind:
        case "GeometryCollection":
            for part in geometry.get("geometries", ()):
                yield from lines(part)
        case "Point":
            yield [coordinates]  # type: ignore[list-item]
        case "LineString" | "MultiPoint":
            yield coordinates or []
        case "MultiLineString" | "Polygon":
            yield from coordinates or ()
        case "MultiPolygon":
            for polygon in coordinates or ():
                yield from polygon


def bounds(geometries: Iterable[Mapping[str, Any] | None]) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees; None without any position."""
    west, south, east, north = math.inf, math.inf, -math.inf, -math.inf
    for geometry in geometries:
        for position in positions(geometry):
            west, east = min(west, position[0]), max(east, position[0])
            south, north = min(south, position[1]), max(north, position[1])
    return (west, south, east, north) if west <= east else None


def frame(box: tuple[float, float, float, float], width: float, height: float, margin: float = 6) -> Frame:
    """The frame that shows the box as large as fits, centred, with a margin in pixels."""
    west, south, east, north = box
    shrink = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * shrink, 1e-6), max(north - south, 1e-6)
    scale = min((width - 2 * margin) / wide, (height - 2 * margin) / high)
    left = (width - wide * scale) / 2 / scale / shrink
    below = (height - high * scale) / 2 / scale
    return Frame(west - left, south - below, scale, shrink, width, height)


def path(geometry: Mapping[str, Any] | None, to: Frame, tolerance: float = 0.6) -> str:
    """The SVG path data of a geometry; points that move the line by less than ``tolerance`` pixels are
    left out."""
    closed = bool(geometry) and str(geometry and geometry.get("type")).endswith("Polygon")
    parts = []
    for line in lines(geometry):
        drawn = simplify([to.xy(position) for position in line], tolerance)
        if len(drawn) < 2:
            continue
        parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in drawn) + ("Z" if closed else ""))
    return "".join(parts)


def simplify(points: list[tuple[float, float]], tolerance: float) -> list[tuple[float, float]]:
    """Douglas and Peucker's line simplification, without recursion."""
    if len(points) < 3:
        return points
    keep = [False] * len(points)
    keep[0] = keep[-1] = True
    spans = [(0, len(points) - 1)]
    limit = tolerance * tolerance
    while spans:
        first, last = spans.pop()
        far, at = 0.0, 0
        (ax, ay), (bx, by) = points[first], points[last]
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        for i in range(first + 1, last):
            px, py = points[i][0] - ax, points[i][1] - ay
            if length:
                t = max(0.0, min(1.0, (px * dx + py * dy) / length))
                px, py = px - t * dx, py - t * dy
            distance = px * px + py * py
            if distance > far:
                far, at = distance, i
        if far > limit:
            keep[at] = True
            spans += [(first, at), (at, last)]
    return [point for point, kept in zip(points, keep, strict=True) if kept]


@dataclass(slots=True)
class Drawing:
    """An SVG map in the making. ``label`` is its text alternative."""

    label: str
    frame: Frame
    parts: list[str] = field(default_factory=list)

    def draw(
        self,
        geometry: Mapping[str, Any] | None,
        style: str,
        title: str = "",
        href: str = "",
        tolerance: float = 0.6,
    ) -> None:
        """Add areas or lines with the class ``style``; ``title`` shows when pointed at."""
        data = path(geometry, self.frame, tolerance)
        if not data:
            return
        inner = f"<title>{escape(title)}</title>" if title else ""
        shape = f'<path class="{escape(style)}" d="{data}">{inner}</path>'
        self.parts.append(f'<a href="{escape(href)}">{shape}</a>' if href else shape)

    def dot(self, position: Position, style: str, radius: float = 4, title: str = "", href: str = "") -> None:
        x, y = self.frame.xy(position)
        inner = f"<title>{escape(title)}</title>" if title else ""
        shape = f'<circle class="{escape(style)}" cx="{x:g}" cy="{y:g}" r="{radius:g}">{inner}</circle>'
        if href:
            name = f' aria-label="{escape(title)}"' if title else ""
            shape = f'<a href="{escape(href)}"{name}>{shape}</a>'
        self.parts.append(shape)

    def numbered(self, position: Position, number: int) -> None:
        """A stop of a way: a disc with its number."""
        x, y = self.frame.xy(position)
        self.parts.append(
            f'<g class="stop"><circle cx="{x:g}" cy="{y:g}" r="10"/>'
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle">{number}</text></g>'
        )

    def svg(self, style: str = "map") -> Markup:
        links = any("<a " in part for part in self.parts)
        role = "group" if links else "img"
        return Markup(  # noqa: S704 - every text in it is escaped
            f'<svg class="{style}" viewBox="0 0 {self.frame.width:g} {self.frame.height:g}" role="{role}" '
            f'aria-label="{escape(self.label)}">{"".join(self.parts)}</svg>'
        )
