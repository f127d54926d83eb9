"""``mahakam check``: say what is wrong with a file, row by row, without storing anything."""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.options import config_option

if TYPE_CHECKING:
    from mahakam.feeds.sources import Table
    from mahakam.quality.book import PlaceReferences
    from mahakam.quality.columns import ColumnCheck
    from mahakam.quality.contract import Contract
    from mahakam.quality.finding import Finding
    from mahakam.quality.references import Last
    from mahakam.quality.report import Report

Elsewhere = Callable[..., "ColumnCheck"]
"""``(connection, columns, contract, references, rename, beyond)`` → the check of the rows, made on other machines;
``beyond``: of what is wrong whatever a contract says, too."""
EXAMPLES = 3
"""Rows that the text and the page show for a rule; the JSON lists all and needs none."""
MEMORY = "640MB"
"""What DuckDB may hold in memory; beyond it works on disk."""


@click.command(
    epilog="""\b
Examples:
  mahakam check air.csv --contract contracts/air-quality.yaml
  mahakam check air.csv --contract jakarta/air-quality --config examples --json
  mahakam check survey.xlsx --sheet Data --html report.html --lang id
  mahakam check trips/ --contract contracts/trip.yaml --engine spark://spark.example:7077"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--contract", "-c", "name", metavar="C", help="A contract's file, or PLACE/NAME with --config.")
@click.option(
    "--last",
    metavar="REPORT",
    type=click.Path(path_type=Path),
    help="The report (--json) of the last file of its kind, to compare rows and columns with.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON to standard output.")
@click.option("--html", metavar="PATH", help="A standalone page to this file; - is standard output.")
@click.option(
    "--limit", default=1000, show_default=True, type=click.IntRange(0), help="Failures to list; 0: all."
)
@click.option(
    "--lang", default="en", show_default=True, type=click.Choice(["en", "id"]), help="Language of the report."
)
@click.option("--format", "format_", help="csv, xlsx, json, …; detected if not given.")
@click.option("--sheet", help="Sheet of a spreadsheet.")
@click.option("--table", help="Which of several tables on a sheet: its number from 1, or its title.")
@click.option("--header", help="Row of the column names, from 1; 1-3 joins rows; 0: none.")
@click.option("--delimiter", help="Delimiter of a CSV file; detected if not given.")
@click.option("--encoding", help="Encoding of a text file; detected if not given.")
@click.option("--entry", help="The file inside a .zip.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    metavar="local|spark://…",
    help="Where Parquet is checked: here, or on Spark (spark://HOST:PORT, spark://local[4]).",
)
@config_option
def check(
    file: Path,
    name: str | None,
    last: Path | None,
    as_json: bool,
    html: str | None,
    limit: int,
    lang: str,
    config: tuple[Path, ...],
    format_: str | None,
    engine: str,
    **pins: str | None,
) -> int:
    """Check FILE against a contract and say what is wrong, row by row. Nothing is stored.

    FILE may be a folder of Parquet files, partitioned or not.

    Without a contract one is inferred from the file: its structure is checked and its columns are shown.

    Ends with 0 if no row has an error (warnings alone are no error), 1 if some have, 2 if it could not run.
    """
    examples = 0 if as_json and html is None else EXAMPLES
    if engine != "local" or file.is_dir():
        from mahakam.cli.check_parted import reported as reported_parted

        reported = reported_parted(
            file, engine, name, config, None if last is None else _last(last), examples
        )
    else:
        reported = _reported(file, {**pins, "format": format_}, name, config, last, examples)
    with _uncollected(), failing_clearly(), reported as report:
        most = None if limit == 0 else limit
        if html is not None:
            from mahakam.quality.report_html import html_report

            _write(html, (part.encode() for part in html_report(report, lang, most)))
        if as_json:
            _write("-", report.json_parts(most))
        elif html != "-":
            from mahakam.quality.report_text import text_report

            for line in text_report(report, lang):
                click.echo(line)
        return 1 if report.failed else 0


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for garbage in cycles: one report is made, then the process ends."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn what cannot be read or run into one line on standard error and exit code 2."""
    from mahakam.config import ConfigError
    from mahakam.feeds.sources import SourceError
    from mahakam.quality.odcs import ContractError

    try:
        yield
    except (SourceError, ContractError, ConfigError) as error:
        raise Failure(str(error)) from error
    except BrokenPipeError:  # whoever read has enough (head): the command line ends quietly
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror or error}") from error
    except MemoryError as error:
        raise Failure("the file is too large for the memory of this machine") from error


class Failure(click.ClickException):
    """Could not run: exit code 2."""

    exit_code = 2


@contextmanager
def _reported(
    file: Path,
    pins: dict[str, Any],
    name: str | None,
    config: tuple[Path, ...],
    last: Path | None,
    examples: int,
) -> Iterator[Report]:
    """The report. The shape of a file is looked at while it is checked; an irregular one is read once more."""
    import duckdb

    before = None if last is None else _last(last)
    with opened(file, pins, proven=name is None) as (connection, table):
        report = None
        if table.unproven is None:
            report = checked(connection, table, file, name, config, before, examples)
        else:
            with suppress(duckdb.Error):
                report = checked(connection, table, file, name, config, before, examples)
        if report is not None and (table.unproven is None or report.rows == table.unproven.rows):
            yield report
            return
    with opened(file, pins) as (connection, table):
        yield checked(connection, table, file, name, config, before, examples)


@contextmanager
def opened(file: Path, pins: dict[str, Any], *, proven: bool = True) -> Iterator[tuple[Any, Table]]:
    """A DuckDB connection with bounded memory, and the file as its table ``source``; ``proven`` as for ``read``."""
    import duckdb

    from mahakam.feeds.sources import read

    with tempfile.TemporaryDirectory(prefix="mahakam-check-") as scratch:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": scratch})
        try:
            # the bar would go to standard output, among the data
            connection.execute("SET enable_progress_bar = false")
            table = read(file, connection, proven=proven, **pins)
            table.relation.create_view("source", replace=True)
            yield connection, table
        except duckdb.Error as error:
            raise Failure(f"{file}: {str(error).splitlines()[0]}") from error
        finally:
            connection.close()


def _last(path: Path) -> Last:
    """Rows and columns that an earlier report speaks of."""
    import json

    from mahakam.quality.references import Last

    try:
        report = json.loads(path.read_text("utf-8"))
        return Last(int(report["rows"]), tuple(map(str, report["source"]["columns"])))
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"{path}: is no report of mahakam check --json") from error


def checked(
    connection: Any,
    table: Table,
    file: Path,
    name: str | None,
    config: tuple[Path, ...],
    last: Last | None = None,
    examples: int = EXAMPLES,
    elsewhere: Elsewhere | None = None,
) -> Report:
    """The report on the view ``source``, with so many example rows for a rule; ``elsewhere`` checks the rows not here.

    Raises ContractError and ConfigError.
    """
    from mahakam.quality.columns import check_columns
    from mahakam.quality.finding import Finding
    from mahakam.quality.matching import match_columns
    from mahakam.quality.repair.of_check import repairs
    from mahakam.quality.report import STRUCTURE, make_report

    notes = list(table.info.notes)
    if name is None:
        contract, references, remarks = _inferred(connection, table, file)
        notes += remarks
    else:
        contract, references = contract_named(name, config)
    references = replace(references, last=last)
    contract, skipped = _without_entities(contract, references)
    notes += skipped
    matching = match_columns(contract, table.columns)
    notes += [
        f"column {column!r} is read as the field {field!r}" for field, column in matching.guessed.items()
    ]
    if matching.extra:
        notes.append(f"not in the contract, not checked: {', '.join(matching.extra)}")
    notes += [f"left out: {count} × {reason}" for reason, count in table.left_out.items()]
    if elsewhere is not None:
        result = elsewhere(connection, table.columns, contract, references, matching.rename, name is not None)
    else:
        result = check_columns(
            connection,
            "source",
            table.columns,
            contract,
            references,
            rename=matching.rename,
            lines_before=table.unproven.lines_before if table.unproven else None,
            lacks=table.lacks,
        )
    broken = [
        Finding(fault.row, "", STRUCTURE, fault.value, fault.expected, "error", fault.problem)
        for fault in table.faults
    ]
    if name is None:
        notes += _seen(contract)
    elif elsewhere is None:
        broken += _beyond(connection, table, contract, matching.rename)
    result.add(broken)
    found = repairs(result, references, "source", table.columns) if result.counts else {}
    return make_report(
        file.name,
        result,
        table.info.as_dict(),
        notes,
        inferred=name is None,
        examples=examples,
        repairs=found,
    )


def _beyond(
    connection: Any, table: Table, contract: Contract, rename: Mapping[str, str]
) -> Iterator[Finding]:
    """What is wrong whatever a contract says: personal data that it does not declare, errors of formulas."""
    from mahakam.quality.formula_errors import formula_errors
    from mahakam.quality.undeclared import undeclared

    source = "source"
    if table.unproven is not None:
        source = "source_numbered"
        numbered = "SELECT row_number() OVER () AS _row, * FROM source"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {source} AS {numbered}")
    yield from undeclared(connection, source, contract, rename, head=True)
    if "#" not in table.lacks:
        yield from formula_errors(connection, source, contract, rename)


def contract_named(name: str, config: tuple[Path, ...]) -> tuple[Contract, PlaceReferences]:
    """A contract by its file or as PLACE/NAME, with what its rules refer to.

    Raises ContractError, and ConfigError for a place that cannot be read.
    """
    from mahakam.config import load_places
    from mahakam.quality.book import Book
    from mahakam.quality.load import load
    from mahakam.quality.odcs import ContractError, nearest

    path = Path(name)
    if path.is_file():
        book = Book(load_places(config or _roots(path)))
        home = path.resolve().parent.parent
        place = next((p.id for p in book.places.values() if p.folder.resolve() == home), None)
        return load(path), book.references(place)
    place_id, _, contract = name.rpartition("/")
    if path.suffix in (".yaml", ".yml") or not place_id:
        raise ContractError(
            name, "", "no such file; give a contract's file, or PLACE/NAME with --config FOLDER"
        )
    book = Book(load_places(config))
    if place_id not in book.places:
        known = nearest(place_id, book.places) if book.places else "; give the folder of places with --config"
        raise ContractError(name, "", f"there is no place {place_id!r}{known}")
    return book.contract(place_id, contract), book.references(place_id)


def _roots(contract: Path) -> tuple[Path, ...]:
    """The outermost folder of places around a contract: …/kaltim for …/kaltim/samarinda/contracts/x.yaml."""
    folder = contract.resolve().parent.parent
    found: tuple[Path, ...] = ()
    while any((folder / f"{kind}.yaml").is_file() for kind in ("city", "province", "network")):
        found, folder = (folder,), folder.parent
    return found


def _inferred(connection: Any, table: Table, file: Path) -> tuple[Contract, PlaceReferences, list[str]]:
    """The contract, what it refers to (nothing), and what is odd about columns as a whole."""
    from mahakam.quality.book import Book
    from mahakam.quality.infer import inspect
    from mahakam.quality.load import parse_document

    seen, document = inspect(connection, "source", table.columns, plain_stem(file))
    return parse_document(document, file.name)[0], Book({}).references(None), seen.remarks


def plain_stem(file: Path) -> str:
    """A file's name without its endings: ``air.csv.gz`` → ``air``."""
    stem = file.name
    while Path(stem).suffix.lower() in (
        ".gz",
        ".zip",
        ".csv",
        ".tsv",
        ".txt",
        ".xlsx",
        ".json",
        ".geojson",
        ".jsonl",
    ):
        stem = Path(stem).stem
    return stem


def _without_entities(contract: Contract, references: PlaceReferences) -> tuple[Contract, list[str]]:
    """The contract without foreign keys to entity types: a file is checked here without a store to ask."""
    from mahakam.quality.references import UnknownTarget
    from mahakam.quality.rule import Refers

    left_out = set()
    for target in sorted(contract.targets):
        try:
            references.values(target)
        except UnknownTarget:
            if target[:1].isupper():
                left_out.add(target)
    if not left_out:
        return contract, []
    kept = [r for r in contract.rules if not (isinstance(r.check, Refers) and r.check.target in left_out)]
    rules = tuple(replace(rule, number=number) for number, rule in enumerate(kept))
    note = f"not checked, as it needs the entities of a node: references to {', '.join(sorted(left_out))}"
    return replace(contract, rules=rules), [note]


def _seen(contract: Contract) -> list[str]:
    """What was inferred, a line a column."""
    lines = []
    for field in contract.fields.values():
        said = [
            r.expected
            for r in contract.rules
            if r.field == field.name and r.name in ("maximum", "enum", "pattern")
        ]
        said += ["key"] if field.key else []
        said += ["never empty"] if field.required and not field.key else []
        kind = field.kind.logical + (f" {field.kind.format}" if field.kind.format else "")
        lines.append(f"{field.physical or field.name}: {kind}" + (f", {', '.join(said)}" if said else ""))
    if contract.missing:
        lines.append(f"stands for no value: {', '.join(sorted(contract.missing))}")
    return lines


def _write(path: str, parts: Iterable[bytes]) -> None:
    if path == "-":
        out = sys.stdout.buffer
        for part in parts:
            out.write(part)
        out.flush()
        return
    with Path(path).open("wb") as file:
        for part in parts:
            file.write(part)
    click.echo(f"written: {path}", err=True)
