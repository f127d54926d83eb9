"""Reads pages as a browser would: links, tables, elements that a content security policy forbids."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """``links``: every href and src; ``versions``: those that lead to a page in another language;
    ``inline``: style attributes, style and script elements with content, handlers;
    ``tables``: rows of cell texts by table; ``language``, ``headings``, ``landmarks``, ``ids``, ``text``.
    without a label.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.headings: list[tuple[str, str]] = []
        self.landmarks: list[str] = []
        self.ids: list[str] = []
        self.language = ""
        self.text = ""
        self.versions: list[str] = []
        self._stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self._stack.append(tag)
        for name in ("href", "src", "action"):
            if found.get(name):
                self.links.append(found[name])
        self.inline += [f"{tag} {name}" for name in found if name == "style" or name.startswith("on")]
        if "hreflang" in found:
            self.versions.append(found["href"])
        if "id" in found:
            self.ids.append(found["id"])
        match tag:
            case "html":
                self.language = found.get("lang", "")
            case "table":
                self.tables.append([])
            case "tr" if self.tables:
                self.tables[-1].append([])
            case "td" | "th" if self.tables and self.tables[-1]:
                self.tables[-1][-1].append("")
            case "h1" | "h2" | "h3":
                self.headings.append((tag, ""))
            case "main" | "nav" | "header" | "footer":
                self.landmarks.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._stack:
            while self._stack.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" in self._stack or ("script" in self._stack and data.strip()):
            self.inline.append(data.strip()[:80])
            return
        self.text += data
        if self.tables and self.tables[-1] and self.tables[-1][-1] and {"td", "th"} & set(self._stack):
            self.tables[-1][-1][-1] += data.strip() and data
        if self.headings and self._stack and {"h1", "h2", "h3"} & set(self._stack):
            tag, words = self.headings[-1]
            self.headings[-1] = (tag, words + data)
