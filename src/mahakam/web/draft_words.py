"""The words of a draft: types, rules, suspected personal data and what is wrong, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.feeds.connecting.draft import Column, Draft, Wrong, asked_across, rule_renamed, rules
from mahakam.web.entities import spoken
from mahakam.web.language import N_, _

TYPES: Mapping[str, str] = {
    "string": N_("text"),
    "integer": N_("whole number"),
    "number": N_("number"),
    "boolean": N_("yes or no"),
    "date": N_("date"),
    "timestamp": N_("date and time"),
    "time": N_("time of day"),
    "object": N_("shape on the map or structure"),
    "array": N_("list"),
}
PERSONAL: Mapping[str, str] = {
    "nik": N_("number of a person's identity card"),
    "phone": N_("telephone number"),
    "email": N_("e-mail address"),
    "person": N_("name of a person"),
    "birth": N_("birth of a person"),
    "home": N_("where a person lives"),
    "account": N_("account or number plate of a person"),
}
_NAMED: Mapping[str, str] = {
    "spelling": N_("No rare spelling of a frequent value"),
    "marker": N_("No mark such as “-” in place of a value"),
    "mojibake": N_("No letters broken by a wrong encoding"),
    "blanks": N_("No blanks before or after"),
    "totalRow": N_("No row that adds up others"),
}


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """A rule that can be switched off; ``holds``: a row that breaks it is held, else flagged."""

    key: str
    text: str
    on: bool
    holds: bool


def type_choices(column: Column) -> list[tuple[str, str]]:
    """(type, its name): what the column was seen as, and what any column can be read as."""
    plain = ("string", "integer", "number", "boolean", "date")
    return [(kind, _(TYPES[kind])) for kind in dict.fromkeys((column.property["logicalType"], *plain))]


def rule_choices(column: Column) -> list[RuleChoice]:
    """The rules of a column, those that hold a row first."""
    found = [
        RuleChoice(key, rule_text(rule), key not in column.off, rule.get("severity", "error") == "error")
        for key, rule in rules(column).items()
    ]
    return sorted(found, key=lambda rule: not rule.holds)


def across_choices(draft: Draft) -> list[tuple[RuleChoice, int, int]]:
    """The rules between columns, each with the rows that follow it and those that are against it."""
    names = {str(one.property["name"]): one.name for one in draft.used}
    found = []
    for number, rule in asked_across(draft):
        facts = {one["property"]: one["value"] for one in rule["customProperties"]}
        text = rule_renamed(rule, names)["implementation"].replace('"', "")
        choice = RuleChoice(str(number), text, number not in draft.across_off, False)
        found.append((choice, facts["following"], facts["against"]))
    return found


def rule_text(rule: Mapping[str, Any]) -> str:
    """What a rule asks for, as an officer reads it."""
    arguments, implementation = rule.get("arguments", {}), rule.get("implementation")
    if "minimum" in rule or "maximum" in rule:
        return _("Between %(low)s and %(high)s", low=rule.get("minimum", "…"), high=rule.get("maximum", "…"))
    if "validValues" in arguments:
        values = [str(value) for value in arguments["validValues"]]
        more = " …" if len(values) > 8 else ""
        return _("One of: %(values)s", values=", ".join(values[:8]) + more)
    if "pattern" in rule or "pattern" in arguments:
        return _("Looks like %(pattern)s", pattern=rule.get("pattern") or arguments["pattern"])
    if rule.get("metric") == "duplicateValues":
        return _("No value twice")
    if isinstance(implementation, Mapping) and implementation.get("rule") == "determined":
        return _("The same wherever %(by)s is the same", by=spoken(str(implementation["by"])))
    name = str(implementation["rule"]) if isinstance(implementation, Mapping) else str(rule.get("name", ""))
    return _(_NAMED[name]) if name in _NAMED else spoken(name)


def wrong_words(found: Wrong) -> str:
    """What to put right before the draft can be tried."""
    said = {
        "title": N_("Give the dataset a title."),
        "slug": N_("The short name may have small letters, digits and hyphens, as in bus-stops."),
        "taken": N_("There is a dataset named %(name)s here already. Choose another short name."),
        "entity": N_("“%(name)s” is no name of a kind of thing: one word of letters and digits, as BusStop."),
        "none": N_("Take in at least one column."),
        "field": N_(
            "“%(name)s” is no name of a field: letters, digits and _, beginning with a letter; not id, type or scope."
        ),
        "twice": N_("Two columns are named %(name)s. Name one of them differently."),
    }
    return _(said[found.what], name=found.value)
