"""The report of a check as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mahakam.quality import note_words, wording
from mahakam.quality.repair import words
from mahakam.quality.report import Group, Report

_WORDS: dict[str, dict[str, str]] = {
    "rows": {"en": "rows", "id": "baris"},
    "clean": {"en": "clean", "id": "bersih"},
    "held": {"en": "with errors", "id": "dengan kesalahan"},
    "warned": {"en": "with warnings only", "id": "dengan peringatan saja"},
    "error": {"en": "ERROR", "id": "KESALAHAN"},
    "warning": {"en": "WARNING", "id": "PERINGATAN"},
    "file": {"en": "the whole file", "id": "seluruh berkas"},
    "expected": {"en": "expected", "id": "seharusnya"},
    "row": {"en": "row", "id": "baris"},
    "line": {"en": "line", "id": "baris berkas"},
    "empty": {"en": "empty", "id": "kosong"},
    "often": {"en": "most often", "id": "paling sering"},
    "repair": {"en": "repair", "id": "perbaikan"},
    "unsure": {"en": "to be looked at", "id": "perlu diperiksa"},
    "found": {"en": "found", "id": "ditemukan"},
    "contract": {"en": "contract", "id": "kontrak"},
    "inferred": {
        "en": "no contract given: one was inferred",
        "id": "kontrak tidak diberikan: disimpulkan dari berkas",
    },
    "score": {"en": "quality", "id": "mutu"},
    "nothing": {"en": "Nothing is wrong.", "id": "Tidak ada yang salah."},
    "read": {"en": "read as", "id": "dibaca sebagai"},
    "note": {"en": "note", "id": "catatan"},
    "norows": {"en": "The file has no data rows.", "id": "Berkas tidak memiliki baris data."},
}


def word(key: str, lang: str) -> str:
    """A word of the report."""
    return _WORDS[key].get(lang, _WORDS[key]["en"])


def number(value: int, lang: str) -> str:
    """A count with the reader's thousands mark."""
    return f"{value:,}".replace(",", ".") if lang == "id" else f"{value:,}"


def percent(share: float, lang: str) -> str:
    """A share with two significant digits; never 0 % of something, never 100 % of not all."""
    value = 100 * share
    text = f"{value:.2g}" if value < 1 else f"{min(value, 99.9):.1f}" if share < 1 else "100"
    return (text.replace(".", ",") if lang == "id" else text) + " %"


def text_report(report: Report, lang: str = "en") -> Iterator[str]:
    """The report's lines."""
    contract, check = report.contract, report.check
    about = (
        word("inferred", lang)
        if report.inferred
        else f"{word('contract', lang)} {contract.id} {contract.version}"
    )
    yield f"{report.file} · {about} ({contract.entity})"
    if how := source_line(report, lang):
        yield how
    counts = [
        f"{number(report.rows, lang)} {word('rows', lang)}",
        f"{number(report.clean_rows, lang)} {word('clean', lang)}",
    ]
    if check.failed_rows:
        counts.append(f"{number(check.failed_rows, lang)} {word('held', lang)}")
    if check.warned_rows:
        counts.append(f"{number(check.warned_rows, lang)} {word('warned', lang)}")
    if report.score.overall is not None:
        counts.append(f"{word('score', lang)} {percent(report.score.overall, lang)}")
    yield " · ".join(counts)
    for note in report.notes:
        yield f"{word('note', lang)}: {note_words.said(note, lang)}"
    if not report.rows:
        yield word("norows", lang)
    elif not report.groups:
        yield word("nothing", lang)
    for group in report.groups:
        yield ""
        yield from _group_lines(group, lang)


def source_line(report: Report, lang: str) -> str:
    """How the file was read, in one line."""
    parts = [
        str(report.source[key]) for key in ("format", "encoding", "sheet", "entry") if report.source.get(key)
    ]
    if delimiter := report.source.get("delimiter"):
        parts.append({"\t": "tab"}.get(delimiter, f"delimiter {delimiter}"))
    return f"{word('read', lang)} {', '.join(parts)}" if parts else ""


def headline(group: Group, lang: str) -> str:
    """What is wrong, of which field: the author's own words where there are any."""
    said = group.message.rstrip(".") or wording.title(group.rule, lang)
    return f"{group.field}: {said}" if group.field else said


def shown(value: Any, lang: str) -> str:
    """A raw value, or the word for none."""
    return word("empty", lang) if value is None or value == "" else wording.quoted(value)


def cut(text: str, most: int = 160) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _group_lines(group: Group, lang: str) -> Iterator[str]:
    size = f"{number(group.count, lang)} {word('rows', lang)} ({percent(group.share, lang)})"
    where = size if group.examples else word("file", lang)
    yield f"{word(group.severity, lang):<8} {headline(group, lang)}  [{group.rule}]  {where}"
    yield f"         {word('expected', lang)}: {cut(wording.expected(group.expected, lang))}"
    if not group.examples and group.common:
        yield f"         {word('found', lang)}: {group.common[0][0]}"
    for row, line, value in group.examples:
        at = f"{word('row', lang)} {number(row, lang)}" + (
            f" ({word('line', lang)} {number(line, lang)})" if line != row else ""
        )
        yield f"         {at}: {shown(value, lang)}"
    if group.examples and len(group.common) > 1:
        often = ", ".join(f"{shown(value, lang)} {number(count, lang)}×" for value, count in group.common)
        yield f"         {word('often', lang)}: {often}"
    for said in repair_lines(group, lang):
        yield f"         {word('repair', lang)}: {said}"
    yield f"         → {wording.advice(group.rule, lang)} {why(group, lang)}".rstrip()


def why(group: Group, lang: str) -> str:
    """Why it matters: the author's own words, else those for the dimension."""
    return group.impact or wording.why(group.dimension, lang)


def repair_lines(group: Group, lang: str) -> Iterator[str]:
    """The repairs of a group by their kind: how many rows, and the first of them."""
    kinds = dict.fromkeys((proposal.kind, proposal.sure) for proposal in group.repairs)
    for kind, sure in kinds:
        some = [p for p in group.repairs if (p.kind, p.sure) == (kind, sure)]
        rows = sum(proposal.rows for proposal in some)
        doubt = "" if sure else f", {word('unsure', lang)}"
        changes = ", ".join(
            f"{shown(p.old, lang)} → {shown(p.new, lang)}" for p in some[:3] if (p.old, p.new) != ("", "")
        )
        more = ", …" if len(some) > 3 else ""
        size = f"{number(rows, lang)} {word('rows', lang)}{doubt}"
        yield f"{words.name(kind, lang)} ({size})" + (f": {changes}{more}" if changes else "")
