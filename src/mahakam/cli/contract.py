"""``mahakam contract``: infer a first contract from a file; say whether a contract can be used."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def contract() -> None:
    """Data contracts (Open Data Contract Standard v3).

    \b
    mahakam contract infer air.csv > contracts/air.yaml
    mahakam contract show contracts/air.yaml
    """


@contract.command(
    epilog="""\b
Example:
  mahakam contract infer air.csv > contracts/air.yaml"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "format_", help="csv, xlsx, json, …; detected if not given.")
@click.option("--sheet", help="Sheet of a spreadsheet.")
@click.option("--table", help="Which of several tables on a sheet: its number from 1, or its title.")
@click.option("--header", help="Row of the column names, from 1; 1-3 joins rows; 0: none.")
@click.option("--delimiter", help="Delimiter of a CSV file; detected if not given.")
@click.option("--encoding", help="Encoding of a text file; detected if not given.")
@click.option("--entry", help="The file inside a .zip.")
def infer(file: Path, format_: str | None, **pins: str | None) -> int:
    """Write a contract that FILE follows: types, missing marks, formats, keys, ranges, lists of codes.

    It is a start, not the truth: look at every rule before you rely on it.
    """
    from mahakam.cli.check import failing_clearly, opened, plain_stem
    from mahakam.quality.infer import infer as inferred
    from mahakam.quality.infer import to_yaml

    with failing_clearly(), opened(file, {**pins, "format": format_}) as (connection, table):
        for note in table.info.notes:
            click.echo(f"# {note}", err=True)
        click.echo(to_yaml(inferred(connection, "source", table.columns, plain_stem(file))), nl=False)
    return 0


@contract.command(
    epilog="""\b
Example:
  mahakam contract show contracts/air.yaml"""
)
@click.argument("file", type=click.Path(path_type=Path))
def show(file: Path) -> int:
    """Read the contract in FILE strictly and list its rules; ends with 2 if it cannot be used."""
    from mahakam.cli.check import failing_clearly
    from mahakam.quality.load import load_all

    with failing_clearly():
        for found in load_all(file):
            click.echo(f"{found.entity}  {found.id} {found.version} {found.status}")
            for rule in found.rules:
                click.echo(f"  {rule.severity:<8} {rule.name:<18} {rule.field:<24} {rule.expected}")
    return 0
