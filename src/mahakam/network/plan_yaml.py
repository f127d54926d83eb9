"""The YAML file of an action plan, to the rows of :mod:`plan_rows` and back: milestones stand under their project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahakam.faults import Fault, Refused, refuse
from mahakam.network.plan_rows import COLUMNS, Row, misspelt

_LISTS = ("focus_areas", "targets", "projects", "outcomes", "progress")


def rows_of(content: bytes) -> dict[str, list[Row]]:
    """Sheet → rows. Raises Refused for what is no YAML, or has keys that there are not."""
    import yaml

    try:
        aliases = [one for one in yaml.parse(content, yaml.CSafeLoader) if isinstance(one, yaml.AliasEvent)]
        # A few lines of aliases of aliases are gigabytes once they are written out.
        if aliases:
            mark: Any = aliases[0].start_mark
            raise yaml.MarkedYAMLError(
                problem=f"a reference (*{aliases[0].anchor}) is not taken", problem_mark=mark
            )
        found = yaml.load(content, yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise refuse("file", "yaml", line=line, what=str(getattr(error, "problem", error))) from None
    if not isinstance(found, Mapping):
        raise refuse("file", "no_plan")
    faults: list[Fault] = []
    known = [*COLUMNS["plan"], *_LISTS]
    faults += [misspelt("file", str(key), known) for key in found if key not in known]
    sheets: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    sheets["plan"].append(Row("plan", {key: found[key] for key in COLUMNS["plan"] if key in found}))
    for sheet in _LISTS:
        entries = found.get(sheet) or []
        if not isinstance(entries, list):
            faults.append(Fault(sheet, "list", {}))
            continue
        for number, entry in enumerate(entries, 1):
            faults += _entry(sheet, f"{sheet}, entry {number}", entry, sheets)
    if faults:
        raise Refused(faults)
    return sheets


def _entry(sheet: str, where: str, entry: Any, sheets: dict[str, list[Row]]) -> list[Fault]:
    if not isinstance(entry, Mapping):
        return [Fault(where, "list", {})]
    cells = {str(key): value for key, value in entry.items()}
    faults = []
    if sheet == "projects":
        inner = cells.pop("milestones", None) or []
        if not isinstance(inner, list):
            return [Fault(f"{where}, milestones", "list", {})]
        for number, one in enumerate(inner, 1):
            there = f"{where}, milestone {number}"
            if not isinstance(one, Mapping):
                return [Fault(there, "list", {})]
            known = [key for key in COLUMNS["milestones"] if key != "project"]
            faults += [misspelt(there, str(key), known) for key in one if key not in known]
            sheets["milestones"].append(Row(there, {**one, "project": cells.get("key")}))
    faults += [misspelt(where, key, list(COLUMNS[sheet])) for key in cells if key not in COLUMNS[sheet]]
    sheets[sheet].append(Row(where, cells))
    return faults


def file_of(sheets: Mapping[str, list[dict[str, Any]]]) -> bytes:
    """Rows as the file; what is empty is left out."""
    import yaml

    document: dict[str, Any] = {key: value for key, value in sheets["plan"][0].items() if not _empty(value)}
    for sheet in _LISTS:
        entries = []
        for row in sheets[sheet]:
            entry = {key: _plain(value) for key, value in row.items()}
            entry = {key: value for key, value in entry.items() if not _empty(value)}
            if sheet == "projects":
                entry["milestones"] = [
                    {key: value for key, value in one.items() if key != "project" and not _empty(value)}
                    for one in sheets["milestones"]
                    if one["project"] == row["key"]
                ]
            entries.append(entry)
        if entries:
            document[sheet] = entries
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110).encode()


def _empty(value: Any) -> bool:
    return (
        value is None
        or value is False
        or value == ""
        or (isinstance(value, tuple | list | dict) and not value)
    )


def _plain(value: Any) -> Any:
    """As YAML writes it: a list, and a whole number without a mark."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
