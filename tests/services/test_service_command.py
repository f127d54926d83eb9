"""``mahakam service``: everything that is wrong with services and workflows is said at once."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from mahakam.cli.service import service as command
from mahakam.services.workflow_file import SHIPPED
from support.portal import two_cities

PERMIT = """name: Permit
states: {received: , granted: {status: answered, name: Granted}}
transitions: {grant: {from: received, to: granted, by: officer}}
"""


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_what_is_right_is_listed(tmp_path: Path) -> None:
    town = two_cities(tmp_path) / "prov" / "town"
    (town / "workflows").mkdir()
    (town / "workflows" / "permit.yaml").write_text(PERMIT)
    (town / "services" / "stall.yaml").write_text("name: Stall\nworkflow: permit\n")
    done = _run("check", "--config", str(tmp_path))
    assert done.return_value == 0
    for line in ("town/permit  workflow, 2 states, 1 ways", "town/stall  permit", "bay/pothole  report"):
        assert line in done.stdout.splitlines()
    assert "cannot" not in done.output


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    town = two_cities(tmp_path) / "prov" / "town"
    (town / "workflows").mkdir()
    (town / "workflows" / "permit.yaml").write_text(PERMIT.replace("from: received", "from: recieved"))
    (town / "services" / "stall.yaml").write_text("name: Stall\nworkflow: permt\n")
    (town / "services" / "aid.yaml").write_text("name: Aid\nworkflow: application\n")
    done = _run("check", "--config", str(tmp_path))
    assert done.return_value == 1
    for said in (
        "permit.yaml: transitions.grant.from: unknown 'recieved' (did you mean 'received'?)",
        "stall.yaml: no workflow 'permt' in workflows/; did you mean 'permit'?",
        "aid.yaml: the workflow application needs documents (transition complete): add documents:",
    ):
        assert said in done.stderr.replace("\n", " ")
    assert "town/pothole  report" in done.stdout
    assert done.stdout.endswith("3 cannot\n")


def test_a_workflow_is_shown_way_by_way() -> None:
    done = _run("workflow", str(SHIPPED / "licence.yaml"))
    assert done.return_value == 0
    assert "payment  (waiting)" in done.stdout
    assert "  paid         → approval     officer; needs payment" in done.stdout
    assert "  issue        → issued       approval; needs documents; does letter" in done.stdout
    assert _run("workflow", "licence").stdout == done.stdout
