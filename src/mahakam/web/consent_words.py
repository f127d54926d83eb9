"""Consent in words: purposes, legal bases, ways in which it was given or taken back."""

from __future__ import annotations

from mahakam.web.language import N_

NAMES = {
    "contact": N_("Questions by e-mail"),
    "updates": N_("News by e-mail"),
    "push": N_("News on this device"),
    "photos": N_("Your photos"),
    "survey": N_("Your answers to the survey"),
}
BASES = {
    "consent": N_("your consent"),
    "contract": N_("a contract with you"),
    "legal_duty": N_("a duty by law"),
    "vital_interest": N_("the protection of life"),
    "public_task": N_("a public task"),
    "legitimate_interest": N_("a legitimate interest"),
}
HOW = {
    "form": N_("on the form"),
    "open311": N_("through another application"),
    "exchange": N_("through another city's system"),
    "mail": N_("by mail"),
    "page": N_("on this page"),
    "device": N_("on the device"),
    "command": N_("through the city's staff"),
}
