"""The report of a check as one standalone HTML page: no script, no request to anywhere, readable by a screen
reader."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mahakam.quality import note_words, wording
from mahakam.quality.finding import Finding
from mahakam.quality.report import Group, Report
from mahakam.quality.report_text import (
    headline,
    number,
    percent,
    repair_lines,
    shown,
    source_line,
    why,
    word,
)

_STYLE = """
:root{--ink:#13262b;--ink-2:#4a5f64;--line:#dbe2e0;--paper:#fbfaf6;--card:#fff;--wash:#eef3f1;--river:#0a565c;
--sun:#c8751a;--font:"Plus Jakarta Sans","Noto Sans",system-ui,sans-serif}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:400 16px/1.5 var(--font)}
main{max-width:1000px;margin:auto;padding:1.5rem 1rem
3rem}h1{font-size:clamp(1.4rem,4vw,2rem);line-height:1.15;margin:0;
overflow-wrap:anywhere}h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}p{margin:.4rem
0}.mute{color:var(--ink-2)} .figures{display:flex;flex-wrap:wrap;gap:1rem 2rem;margin:1.2rem
0;padding:0;list-style:none} .figures
b{display:block;font-size:1.7rem;line-height:1.1;font-variant-numeric:tabular-nums}
article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem;margin:1rem 0}
.chip{display:inline-block;border-radius:99px;padding:.05rem .6rem;font-size:.78rem;font-weight:600}
.error{background:#fae3e0;color:#87251f}.warning{background:#fbf0d6;color:#6f4a00}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.4rem
0}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem; border-bottom:1px solid
var(--line);overflow-wrap:anywhere}th{background:var(--wash);font-size:.85rem}
td.n{white-space:nowrap}code{overflow-wrap:anywhere}:focus-visible{outline:3px solid
var(--sun);outline-offset:2px} @media print{article{break-inside:avoid}}
"""
_WORDS = {
    "title": {"en": "Check of {file}", "id": "Pemeriksaan {file}"},
    "row": {"en": "Row", "id": "Baris"},
    "line": {"en": "Line in the file", "id": "Baris dalam berkas"},
    "field": {"en": "Field", "id": "Isian"},
    "value": {"en": "Value", "id": "Nilai"},
    "expected": {"en": "Expected", "id": "Seharusnya"},
    "rule": {"en": "Rule", "id": "Aturan"},
    "examples": {"en": "Examples", "id": "Contoh"},
    "next": {"en": "What to do", "id": "Yang perlu dilakukan"},
    "listed": {
        "en": "Findings by row: the first {n} of {all}",
        "id": "Temuan per baris: {n} pertama dari {all}",
    },
    "all": {"en": "All {all} findings by row", "id": "Semua {all} temuan per baris"},
}


def html_report(report: Report, lang: str = "en", limit: int | None = 1000) -> Iterator[str]:
    """The page in pieces; at most ``limit`` findings are listed (None: all)."""
    title = _word("title", lang).format(file=report.file)
    yield (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
    )
    contract = report.contract
    about = (
        word("inferred", lang)
        if report.inferred
        else f"{word('contract', lang)} {contract.id} {contract.version}"
    )
    yield f"<h1>{escape(title)}</h1><p class=mute>{escape(about)} ({escape(contract.entity)})</p>\n"
    if how := source_line(report, lang):
        yield f"<p class=mute>{escape(how)}</p>\n"
    yield _figures(report, lang)
    for note in report.notes:
        yield f"<p class=mute>{escape(note_words.said(note, lang))}</p>\n"
    if not report.groups:
        yield f"<p><strong>{word('nothing' if report.rows else 'norows', lang)}</strong></p>\n"
    for group in report.groups:
        yield _article(group, lang)
    if report.groups:
        yield from _table(report, lang, limit)
    yield "</main></body></html>\n"


def _figures(report: Report, lang: str) -> str:
    figures = [(report.rows, "rows"), (report.clean_rows, "clean")]
    figures += [(report.check.failed_rows, "held"), (report.check.warned_rows, "warned")]
    items = "".join(f"<li><b>{number(value, lang)}</b>{word(key, lang)}</li>" for value, key in figures)
    if report.score.overall is not None:
        items += f"<li><b>{percent(report.score.overall, lang)}</b>{word('score', lang)}</li>"
    return f"<ul class=figures>{items}</ul>\n"


def _article(group: Group, lang: str) -> str:
    size = f"{number(group.count, lang)} {word('rows', lang)} ({percent(group.share, lang)})"
    size = size if group.examples else word("file", lang)
    rows = "".join(
        f"<tr><td class=n>{number(row, lang)}</td><td class=n>{number(line, lang)}</td>"
        f"<td>{escape(shown(value, lang))}</td></tr>"
        for row, line, value in group.examples
    )
    table = (
        f"<div class=scroll><table><caption>{_word('examples', lang)}</caption><thead><tr>"
        + "".join(f"<th scope=col>{_word(key, lang)}</th>" for key in ("row", "line", "value"))
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    often = ", ".join(f"{escape(shown(value, lang))} {number(count, lang)}×" for value, count in group.common)
    parts = [
        f'<article><p><span class="chip {group.severity}">{word(group.severity, lang)}</span> {size}</p>',
        f"<h2>{escape(headline(group, lang))}</h2>",
        f"<p>{_word('expected', lang)}: <code>{escape(wording.expected(group.expected, lang))}</code> "
        f"<span class=mute>({escape(group.rule)})</span></p>",
        table if group.examples else "",
        f"<p>{word('often' if group.examples else 'found', lang)}: {often}</p>" if often else "",
        *(f"<p>{word('repair', lang)}: {escape(line)}</p>" for line in repair_lines(group, lang)),
        f"<p><strong>{_word('next', lang)}:</strong> {escape(wording.advice(group.rule, lang))} "
        f"{escape(why(group, lang))}</p>",
    ]
    return "".join(parts) + "</article>\n"


def _table(report: Report, lang: str, limit: int | None) -> Iterator[str]:
    cut = limit is not None and report.total > limit
    words = _word("listed" if cut else "all", lang)
    caption = words.format(n=number(limit or 0, lang), all=number(report.total, lang))
    heads = "".join(
        f"<th scope=col>{_word(key, lang)}</th>" for key in ("row", "field", "value", "expected", "rule")
    )
    yield f"<div class=scroll><table><caption>{escape(caption)}</caption>"
    yield f"<thead><tr>{heads}</tr></thead><tbody>\n"
    for finding in report.check.findings(limit):
        yield _row(finding, lang)
    yield "</tbody></table></div>\n"


def _row(finding: Finding, lang: str) -> str:
    cells = [
        number(finding.row, lang) if finding.row else word("file", lang),
        finding.field,
        shown(finding.value, lang),
        wording.expected(finding.expected, lang),
        f"{finding.rule} ({word(finding.severity, lang).lower()})",
    ]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>\n"


def _word(key: str, lang: str) -> str:
    return _WORDS[key].get(lang, _WORDS[key]["en"])
