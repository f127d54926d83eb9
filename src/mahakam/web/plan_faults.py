"""What is wrong with an action plan, rule by rule, in words to be translated (:mod:`mahakam.web.faults` says them)."""

from __future__ import annotations

from mahakam.web.language import N_

PLAN_FAULTS = {
    "either": N_("Write it in English or in Indonesian."),
    "calendar_year": N_("Give a year, as 2030."),
    "focus": N_("Choose at least one focus area."),
    "area": N_("%(what)s is none of the network's six focus areas."),
    "sub_area": N_("%(what)s is no sub-area of %(area)s."),
    "twice": N_("%(what)s stands there twice."),
    "amount": N_("Give an amount of money, 0 or more."),
    "pays": N_("Say who pays, %(most)s characters at most."),
    "currency": N_("Give the currency by its three letters, as IDR; %(what)s is none."),
    "support": N_("%(what)s is no kind of support; there are advisory, technical, financial and partners."),
    "milestones": N_("Write at least one milestone."),
    "outside": N_("Give a day within the project, from %(begins)s to %(ends)s."),
    "indicator": N_("Name an indicator, as samarinda/flood-days, or write what is to change."),
    "no_project": N_("The plan has no project %(what)s."),
    "no_change": N_("The target is the baseline: say what is to change."),
    "no_milestone": N_("The project has no milestone %(what)s; it has %(known)s."),
    "ahead": N_("This day is still to come."),
    "proof": N_("A milestone that was reached needs its evidence."),
    "key": N_("%(what)s is no key of a project; write it as %(like)s."),
    "sent": N_("The update of this year was sent; it can be added to when the Secretariat gives it back."),
    "no_projects": N_("The plan has no project yet."),
    "unreported": N_("Nothing was reported yet for %(year)s of %(what)s."),
    "other_city": N_("This is the plan of %(what)s; the page is that of %(here)s."),
    "file": N_("Choose a file, or write the plan below."),
    "ending": N_("%(what)s is neither a workbook (.xlsx) nor YAML (.yaml)."),
    "large": N_("The file is too large: at most %(most)s MB."),
    "yaml": N_("This is no YAML: line %(line)s, %(what)s."),
    "workbook": N_("This is no workbook that can be read: %(what)s."),
    "unpacked": N_("This workbook unpacks to more than %(most)s MB."),
    "sprawling": N_(
        "A sheet spans %(rows)s rows by %(columns)s columns: delete the stray cells far from the table."
    ),
    "no_plan": N_("There is no plan in this file; begin with the file that the page offers."),
    "column": N_("There is no %(what)s here; what is meant may be: %(known)s."),
    "list": N_("A list of entries was expected here."),
    "cell_text": N_("A text was expected, not %(what)s."),
    "cell_words": N_("A text was expected, in English (en) and Indonesian (id), not %(what)s."),
    "cell_number": N_("A number was expected, as 1200000, not “%(what)s”."),
    "cell_year": N_("A year was expected, as 2030, not “%(what)s”."),
    "cell_date": N_("A day was expected, as 2026-12-31, not “%(what)s”."),
    "cell_list": N_("Texts were expected, parted by semicolons, not %(what)s."),
    "cell_lines": N_("Texts were expected, one a line, not %(what)s."),
    "cell_flag": N_("yes or no was expected, not “%(what)s”."),
    "cell_days": N_(
        "Milestones with their days were expected, as M1 2026-03-31; M2 2026-05-01, not “%(what)s”."
    ),
}
