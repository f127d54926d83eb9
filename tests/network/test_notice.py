"""The notice board: nothing is up before the Secretariat read it, a change waits beside what is up, a day ends it."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from mahakam.faults import Changed, Refused
from mahakam.network import notice as steps
from mahakam.network.cooperation import Party
from mahakam.network.notice import LONGEST_DAYS, Notice, Text
from mahakam.network.recommendation import Author

DAY = dt.date(2026, 11, 27)
AT = "2026-11-27T01:00:00+00:00"
FIRM = Author("firm", "Ibu", "partner", "A firm")
SECRETARIAT = Author("sec", "Sec", "secretariat", "")
TEXT = Text("offer", "Rain gauges", {"en": "Twelve gauges, on loan"}, "coastal cities", "", "2026-12-31", {})


def posted() -> Notice:
    return steps.post("N-2026-001", Party("partner", "A firm"), TEXT, FIRM, AT, DAY)


def test_it_is_up_once_the_secretariat_read_it_until_its_day() -> None:
    one = posted()
    assert (one.public, one.stands(DAY)) == (None, False)
    up = steps.put_up(one, 1, SECRETARIAT, AT)
    assert up.public == TEXT
    assert (up.stands(dt.date(2026, 12, 31)), up.stands(dt.date(2027, 1, 1))) == (True, False)
    down = steps.close(up, "Lent already", FIRM, AT)
    assert (down.stands(DAY), down.public) == (False, TEXT)
    with pytest.raises(Changed):
        steps.close(down, "Again", FIRM, AT)


def test_a_change_waits_while_what_was_read_stays_up() -> None:
    up = steps.put_up(posted(), 1, SECRETARIAT, AT)
    other = msgspec.structs.replace(TEXT, title="Rain gauges and people")
    changed = steps.amend(up, other, 1, FIRM, AT, DAY)
    assert (changed.state, changed.public, changed.stands(DAY)) == ("waiting", TEXT, True)
    with pytest.raises(Changed):  # the Secretariat read the version before
        steps.put_up(changed, 1, SECRETARIAT, AT)
    returned = steps.give_back(changed, "Say how many people.", 2, SECRETARIAT, AT)
    assert (returned.state, returned.public) == ("returned", TEXT)
    assert steps.put_up(
        steps.amend(returned, msgspec.structs.replace(other, whom="anybody"), 2, FIRM, AT, DAY), 3, SECRETARIAT, AT
    ).public == msgspec.structs.replace(other, whom="anybody")  # fmt: skip
    with pytest.raises(Refused):
        steps.amend(up, TEXT, 1, FIRM, AT, DAY)
    with pytest.raises(Changed):
        steps.amend(up, other, 1, Author("x", "X", "city_officer", "A firm"), AT, DAY)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "sell"}, "kind"),
        ({"title": " "}, "title"),
        ({"what": {}}, "what-en"),
        ({"what": {"id": "x" * 4001}}, "what-id"),
        ({"whom": ""}, "whom"),
        ({"area": "Sport"}, "area"),
        ({"until": "soon"}, "until"),
        ({"until": "2026-11-26"}, "until"),
        ({"until": (DAY + dt.timedelta(days=LONGEST_DAYS + 1)).isoformat()}, "until"),
        ({"conditions": {"en": "x" * 4001}}, "conditions-en"),
    ],
)
def test_what_is_lacking_is_said_at_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        steps.post("N", Party("partner", "A firm"), msgspec.structs.replace(TEXT, **change), FIRM, AT, DAY)
    assert [one.field for one in refused.value.faults] == [field]
