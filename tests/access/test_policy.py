"""The policy, as a complete matrix: who may do what, and where."""

from __future__ import annotations

import pytest

from mahakam.access.policy import (
    OFFICES,
    PEOPLE,
    POLICY,
    SCOPES,
    Principal,
    allow,
    allow_somewhere,
)

ROLES = (*PEOPLE, *SCOPES, *OFFICES)
EVERYBODY = {None, *ROLES}
# The promise, written down a second time and by hand: a change of the table must be made here too.
WHO = {
    "data.read": EVERYBODY,
    "request.create": EVERYBODY,
    "request.relay": {"officer", "admin", "writer"},
    "request.work": {"officer", "head", "admin", "worker"},
    "request.decide": {"head", "admin"},
    "request.contact": {"officer", "head", "admin"},
    "feed.upload": {"officer", "steward", "admin"},
    "feed.connect": {"officer", "steward", "admin"},
    "feed.run": {"steward", "admin"},
    "quarantine.read": {"steward", "admin"},
    "quarantine.correct": {"steward", "admin"},
    "notification.read": {"officer", "steward", "admin"},
    "notification.replay": {"officer", "steward", "admin"},
    "plan.propose": {"officer", "head", "steward", "admin"},
    "plan.examine": {"steward", "admin"},
    "plan.supervise": {"supervisor"},
    "candidacy.submit": {"representative", "city_officer"},
    "cooperation.act": {"city_officer", "partner"},
    "solution.adopt": {"steward", "city_officer", "admin"},
    "data.write": {"steward", "admin", "writer"},
    "network.manage": {"secretariat", "admin"},
    "network.discuss": {"representative", "city_officer", "secretariat", "partner", "admin"},
    "recommendation.draft": {"representative", "city_officer", "secretariat", "admin"},
    "recommendation.decide": {"representative"},
    "recommendation.follow": {"representative", "city_officer", "secretariat", "admin"},
    "node.invite": {"secretariat", "admin"},
    "share.decide": {"city_officer", "admin"},
    "meeting.delegate": {"representative", "secretariat", "admin"},
    "action_plan.write": {"representative", "city_officer", "admin"},
    "action_plan.collate": {"secretariat", "admin"},
    "evaluation.read": {
        "officer",
        "head",
        "steward",
        "representative",
        "city_officer",
        "secretariat",
        "admin",
    },
    "evaluation.write": {"officer", "head", "steward", "city_officer", "admin"},
    "evaluation.review": {"city_officer"},
    "learning.take": {"officer", "head", "steward", "city_officer", "admin"},
    "breach.manage": {"steward", "admin"},
    "person.answer": {"steward", "admin"},
    "account.manage": {"admin"},
    "audit.read": {"admin"},
    "node.manage": {"admin"},
    "node.watch": {"admin", "monitor"},
}
# Where a role was given × where it is used.
WHERE = {
    (("samarinda",), "/kaltim/samarinda"): True,
    (("samarinda",), "samarinda"): True,
    (("kaltim",), "/kaltim/samarinda"): True,
    (("samarinda",), "/kaltim"): False,
    (("samarinda",), "/kaltim/bontang"): False,
    (("samarinda",), ""): False,
    (("samarinda",), "/kaltim/samarinda-utara"): False,
    ((), "/kaltim/samarinda"): False,
    ((), ""): False,
    (("",), ""): False,
    (("*",), ""): True,
    (("*",), "/kaltim/bontang"): True,
    (("bontang", "samarinda"), "/kaltim/samarinda"): True,
    # A city's seat in the network: the country's office holds there, and the city's own.
    (("ID",), "ID/samarinda"): True,
    (("samarinda",), "ID/samarinda"): True,
    (("TH",), "ID/samarinda"): False,
    (("bontang",), "ID/samarinda"): False,
}


def test_the_matrix_names_every_action() -> None:
    assert set(WHO) == set(POLICY)
    assert set().union(*POLICY.values()) <= {"public", *ROLES}


@pytest.mark.parametrize("action", sorted(WHO))
def test_matrix(action: str) -> None:
    """One test an action: as ten thousand of their own they were half of the suite, and longer counted than run."""
    public, wrong = WHO[action] == EVERYBODY, []
    for role in (None, *ROLES):
        for (given, used), inside in WHERE.items():
            principal = None if role is None else Principal("x", (role,), given)
            here = public or (role in WHO[action] and inside)
            somewhere = public or (role in WHO[action] and bool(given))
            if (allow(principal, action, used), allow_somewhere(principal, action)) != (here, somewhere):
                wrong.append((role, given, used))
    assert not wrong


@pytest.mark.parametrize("role", [None, *ROLES])
def test_an_action_that_is_not_in_the_table_is_allowed_to_nobody(role: str | None) -> None:
    principal = None if role is None else Principal("x", (role,), ("*",))
    assert allow(principal, "data.destroy", "samarinda") is False
    assert allow_somewhere(principal, "data.destroy") is False


def test_no_role_allows_nothing_but_what_is_public() -> None:
    nobody = Principal("x", (), ("*",))
    assert {action for action in POLICY if allow(nobody, action)} == {"data.read", "request.create"}
