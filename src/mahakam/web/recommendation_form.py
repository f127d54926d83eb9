"""The form of a recommendation: from what was typed to its text and back, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import FormData
from starlette.requests import Request

from mahakam.faults import Fault
from mahakam.network.evidence import evidence_of
from mahakam.network.recommendation import LANGUAGES, MOST_PARTS, Action, Claim, Evidence, Text, Words
from mahakam.web import gate
from mahakam.web.network_office import Desk, evidence_line, hosts
from mahakam.web.site import site_of

LARGEST = 1024 * 1024
CLAIM, ACTION = ("en", "id", "evidence"), ("en", "id", "who", "due")
_FEWEST = 1


def typed_of(form: FormData) -> dict[str, str]:
    """Every field of ours, as it was typed."""
    names = [
        "meeting",
        "reason",
        "seen",
        *(f"{part}-{one}" for part in ("title", "why") for one in LANGUAGES),
    ]
    for part, fields in (("claim", CLAIM), ("action", ACTION)):
        names += [f"{part}-{at}-{name}" for at in range(MOST_PARTS) for name in fields]
    return {name: gate.text(form, name).replace("\r\n", "\n") for name in names}


def rows(typed: dict[str, str], part: str, more: bool = False) -> range:
    """The rows to show: those filled in, and an empty one if it was asked for."""
    fields = CLAIM if part == "claim" else ACTION
    filled = [at for at in range(MOST_PARTS) if any(typed.get(f"{part}-{at}-{name}") for name in fields)]
    number = max(filled, default=-1) + 1
    return range(min(max(number + more, _FEWEST), MOST_PARTS))


def text_of(
    request: Request, found: Desk, typed: dict[str, str], before: Iterable[Evidence] = ()
) -> tuple[Text, list[Fault]]:
    """What was typed as a text, and what is wrong with its evidence. Empty rows fall out.

    Evidence that stood there ``before`` and has not changed keeps the day on which it was cited.
    """
    site = site_of(request)
    faults: list[Fault] = []
    claims: list[Claim] = []
    actions: list[Action] = []
    kept = {(one.ref, one.name, one.value): one for one in before}
    for at in rows(typed, "claim"):
        words = _words(typed, f"claim-{at}")
        evidence, wrong = evidence_of(
            site.broker,
            found.records.register,
            typed[f"claim-{at}-evidence"],
            hosts(request),
            f"claim-{len(claims)}-evidence",
            found.day.isoformat(),
        )
        if words or evidence or wrong:
            faults += wrong
            claims.append(
                Claim(words, tuple(kept.get((one.ref, one.name, one.value), one) for one in evidence))
            )
    for at in rows(typed, "action"):
        words = _words(typed, f"action-{at}")
        who, due = typed[f"action-{at}-who"].strip(), typed[f"action-{at}-due"].strip()
        if words or who or due:
            actions.append(Action(words, who, due))
    return Text(_words(typed, "title"), _words(typed, "why"), tuple(claims), tuple(actions)), faults


def closed_up(typed: dict[str, str]) -> dict[str, str]:
    """The rows without gaps, numbered as :func:`text_of` numbers them: faults stand at their rows."""
    found = dict(typed)
    for part, fields in (("claim", CLAIM), ("action", ACTION)):
        filled = [
            at for at in rows(typed, part) if any(typed[f"{part}-{at}-{name}"].strip() for name in fields)
        ]
        for to in range(MOST_PARTS):
            for name in fields:
                found[f"{part}-{to}-{name}"] = (
                    typed[f"{part}-{filled[to]}-{name}"] if to < len(filled) else ""
                )
    return found


def filled(text: Text) -> dict[str, str]:
    """A text as its form shows it."""
    found = {f"{part}-{one}": words.get(one, "") for part, words in (("title", text.title), ("why", text.why))
             for one in LANGUAGES}  # fmt: skip
    for at in range(MOST_PARTS):
        claim = text.claims[at] if at < len(text.claims) else Claim({})
        action = text.actions[at] if at < len(text.actions) else Action({}, "", "")
        found |= {f"claim-{at}-{one}": claim.text.get(one, "") for one in LANGUAGES}
        found[f"claim-{at}-evidence"] = "\n".join(evidence_line(one) for one in claim.evidence)
        found |= {f"action-{at}-{one}": action.text.get(one, "") for one in LANGUAGES}
        found |= {f"action-{at}-who": action.who, f"action-{at}-due": action.due}
    return found


def _words(typed: dict[str, str], name: str) -> Words:
    return {one: text for one in LANGUAGES if (text := typed[f"{name}-{one}"].strip())}
