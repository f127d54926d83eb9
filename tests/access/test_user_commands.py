"""``mahakam user`` and ``mahakam key``: exit codes, talk on standard error, no secret but the one wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mahakam.access import accounts, keys, sessions
from mahakam.cli.user import key, user
from mahakam.store.opening import open_store

PASSWORD = "correct horse battery"


def _run(tmp_path: Path, group: str, *arguments: str, typed: str = "") -> Result:
    command = user if group == "user" else key
    return CliRunner().invoke(command, [*arguments, "--data", str(tmp_path / "data")], input=typed)


def test_an_account_from_beginning_to_end(tmp_path: Path) -> None:
    made = _run(
        tmp_path,
        "user",
        "add",
        "Siti",
        "--role",
        "officer",
        "--place",
        "samarinda",
        typed=f"{PASSWORD}\n{PASSWORD}\n",
    )
    assert made.exit_code == 0, made.output
    assert made.stdout == ""
    assert PASSWORD not in made.output
    listed = _run(tmp_path, "user", "list", "--json")
    (row,) = json.loads(listed.stdout)
    assert (row["name"], row["roles"], row["places"]) == ("siti", ["officer"], ["samarinda"])
    assert "argon2" not in listed.output
    assert "siti" in _run(tmp_path, "user", "list").stdout
    changed = _run(tmp_path, "user", "password", "siti", "--password-stdin", typed="another long one\n")
    assert changed.exit_code == 0, changed.output
    store = open_store("", tmp_path / "data")
    assert accounts.verify(store.tenant(), "siti", "another long one")
    store.close()
    assert _run(tmp_path, "user", "remove", "siti").exit_code == 0
    gone = _run(tmp_path, "user", "remove", "siti")
    assert gone.exit_code != 0
    assert "there is no account" in gone.stderr


def test_two_passwords_that_differ_are_asked_again_and_a_short_one_refused(tmp_path: Path) -> None:
    asked = _run(
        tmp_path,
        "user",
        "add",
        "budi",
        "--role",
        "admin",
        typed=f"{PASSWORD}\nother\n{PASSWORD}\n{PASSWORD}\n",
    )
    assert asked.exit_code == 0, asked.output
    short = _run(tmp_path, "user", "add", "siti", "--role", "admin", "--password-stdin", typed="short\n")
    assert short.exit_code != 0
    assert "at least 10" in short.stderr


def test_a_slip_in_a_place_is_no_account(tmp_path: Path) -> None:
    (tmp_path / "places" / "samarinda").mkdir(parents=True)
    (tmp_path / "places" / "samarinda" / "city.yaml").write_text("name: Samarinda\n")
    config = ["--config", str(tmp_path / "places"), "--password-stdin"]
    wrong = _run(
        tmp_path, "user", "add", "siti", "--role", "officer", "--place", "samarenda", *config, typed=PASSWORD
    )
    assert wrong.exit_code != 0
    assert "samarinda" in wrong.stderr
    right = _run(
        tmp_path, "user", "add", "siti", "--role", "officer", "--place", "samarinda", *config, typed=PASSWORD
    )
    assert right.exit_code == 0, right.output


def test_an_agency_is_one_of_its_place(tmp_path: Path) -> None:
    places = tmp_path / "places"
    for place, agency in (("town", "roads"), ("bay", "health")):
        (places / place).mkdir(parents=True)
        (places / place / "city.yaml").write_text(f"name: {place}\n")
        (places / place / "routing.yaml").write_text(f"agencies: {{{agency}: {{name: {agency}}}}}\n")

    def add(name: str, agency: str) -> Result:
        arguments = ("add", name, "--role", "officer", "--place", "town", "--agency", agency)
        return _run(tmp_path, "user", *arguments, "--config", str(places), typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert "town has no agency 'health'; its agencies are roads" in add("siti", "town/health").stderr
    assert "there is no place 'gulf'" in add("siti", "gulf/roads").stderr
    assert "written with its place" in add("siti", "town").stderr
    made = add("siti", "town/roads")
    assert made.exit_code == 0, made.output
    (row,) = json.loads(_run(tmp_path, "user", "list", "--json").stdout)
    assert row["agencies"] == ["town/roads"]
    assert "town/roads" in _run(tmp_path, "user", "list").stdout
    key = _run(tmp_path, "key", "add", "gauges", "--scope", "write", "--agency", "bay/health")
    store = open_store("", tmp_path / "data")
    found = keys.principal_of_key(store.tenant(), key.stdout.strip())
    store.close()
    assert found is not None
    assert found.agencies == ("bay/health",)


def test_a_key_is_alone_on_standard_output_and_never_shown_again(tmp_path: Path) -> None:
    made = _run(
        tmp_path, "key", "add", "rain gauges", "--scope", "write", "--place", "samarinda", "--days", "9"
    )
    secret = made.stdout.strip()
    assert secret.startswith(keys.PREFIX)
    assert made.exit_code == 0
    listed = _run(tmp_path, "key", "list").stdout
    assert "rain gauges" in listed
    assert secret not in listed
    id = listed.split()[0]
    assert _run(tmp_path, "key", "revoke", id).exit_code == 0
    again = _run(tmp_path, "key", "revoke", id)
    assert again.exit_code != 0
    assert "mahakam key list" in again.stderr
    assert _run(tmp_path, "key", "list").stdout == ""


@pytest.mark.parametrize("group", [user, key])
def test_every_command_has_help_with_an_example(group: object) -> None:
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        shown = CliRunner().invoke(command, ["--help"]).output
        assert "Example:" in shown, name
        assert "mahakam " in shown, name


def test_an_administrator_ends_sessions(tmp_path: Path) -> None:
    for name in ("siti", "budi"):
        added = _run(
            tmp_path, "user", "add", name, "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n"
        )
        assert added.exit_code == 0, added.output
    store = open_store("", tmp_path / "data")
    for name in ("siti", "siti", "budi"):
        account = accounts.account(store.tenant(), name)
        assert account is not None
        sessions.begin_session(store.tenant(), account)
    store.close()
    assert "2 sessions ended" in _run(tmp_path, "user", "sign-out", "siti").output
    assert "1 session ended" in _run(tmp_path, "user", "sign-out", "--all").output
    assert _run(tmp_path, "user", "sign-out").exit_code == 2
    assert "no account" in _run(tmp_path, "user", "sign-out", "nobody").output
