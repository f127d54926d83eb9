"""A score as a small picture for other sites: words, figure and date in SVG, which says the same without colour."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

HEIGHT = 22
_LABEL = "#17323b"
_GOOD, _FAIR, _POOR, _NONE = "#0b6650", "#7a4b00", "#9c2216", "#4a575b"
"""Under white letters: a contrast of at least 6.9 to 1 (WCAG 2.2, 1.4.3 asks for 4.5)."""
_WIDE, _NARROW = frozenset("mwMWQO%@—"), frozenset("iljtf.,:;'|!() I1")


@dataclass(frozen=True, slots=True)
class Badge:
    """``label``: whose score it is; ``value``: the figure; ``when``: the date that it stands for, "" for none."""

    label: str
    value: str
    when: str
    share: float | None

    @property
    def words(self) -> str:
        """All of it in one sentence, for who does not see the picture."""
        return ", ".join(part for part in (f"{self.label}: {self.value}", self.when) if part)

    @property
    def colour(self) -> str:
        """The ground of the figure."""
        if self.share is None:
            return _NONE
        return _GOOD if self.share >= 0.9 else _FAIR if self.share >= 0.7 else _POOR

    def svg(self) -> str:
        """The picture. It needs no style sheet and no script, so that any site may show it."""
        value = f"{self.value} · {self.when}" if self.when else self.value
        left, right = _width(self.label), _width(value)
        whole = left + right
        name, label, shown = quoteattr(self.words), escape(self.label), escape(value)
        title = escape(self.words)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{HEIGHT}" '
            f'viewBox="0 0 {whole} {HEIGHT}" role="img" aria-label={name}><title>{title}</title>'
            f'<rect width="{whole}" height="{HEIGHT}" rx="4" fill="{_LABEL}"/>'
            f'<path d="M{left} 0h{right - 4}a4 4 0 0 1 4 4v{HEIGHT - 8}a4 4 0 0 1-4 4h-{right - 4}z" '
            f'fill="{self.colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" '
            'text-anchor="middle">'
            f'<text x="{left / 2:g}" y="15" textLength="{left - 16}">{label}</text>'
            f'<text x="{left + right / 2:g}" y="15" textLength="{right - 16}" font-weight="bold">{shown}</text>'
            "</g></svg>"
        )


def _width(text: str) -> int:
    """Room for a text of 11 pixels, with 8 on each side; the picture then fits the text to it."""
    return 16 + round(sum(10 if c in _WIDE else 4.4 if c in _NARROW else 7.2 for c in text))
