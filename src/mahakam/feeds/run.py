"""A run of a feed: read, map, validate, store; what cannot be stored is held with every reason, never dropped."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mahakam import tracing
from mahakam.broker.clock import now
from mahakam.collecting import collected_seldom
from mahakam.config import ConfigError, scope_of
from mahakam.feeds import definition, erased
from mahakam.feeds.archive import Archive
from mahakam.feeds.fetching import source_files
from mahakam.feeds.fingerprint import basis, digests, fingerprint
from mahakam.feeds.origins import NothingNew
from mahakam.feeds.parts import Parts
from mahakam.feeds.settling import Position, Quarantine, settle
from mahakam.feeds.sources.model import SourceError
from mahakam.feeds.turn import Running, turn
from mahakam.quality.finding import Finding
from mahakam.store.errors import StoreError
from mahakam.store.model import Held, Lineage, Run

if TYPE_CHECKING:
    from mahakam.broker.writes import Ingest
    from mahakam.feeds.checking import Judged
    from mahakam.feeds.definition import Feed
    from mahakam.feeds.entities import EntityPlan
    from mahakam.feeds.reading import Reading
    from mahakam.quality.contract import Contract
    from mahakam.quality.references import Last, References

BATCH = 2_000
SETTLED = ("clean", "held", "unchanged")
"""The states of a run after which each row that it read is stored, held or left out."""
MEMORY = "1GB"
"""What DuckDB may hold in memory; beyond it goes to a temporary folder."""
Progress = Callable[[str, int, int], None]
"""Called with (step, done, total): the steps are read, check, store; total 0 when it is not known."""


def run_feed(
    parts: Parts,
    place: str,
    feed: str,
    *,
    author: str = "",
    file: Path | Sequence[Path] | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> Run:
    """Run a feed of a place over its files, or over ``file`` (an upload, or the files of a replay) in their stead.

    The run's state is ``clean``, ``held`` (some rows are in quarantine), ``unchanged`` (the last run had the same
    files, feed, contract and corrections: nothing was done, unless ``force``) or ``failed`` (``message`` says why).
    A run that fails while it reads or checks stores nothing; one that fails while it stores (a full disk) leaves whole
    batches, and the next run completes them. Raises ConfigError for a place or feed that does not exist, and for a
    feed that cannot be read; Running (a ConfigError) while another process runs the feed.
    """
    found = definition.load(parts.place(place), feed)
    run = Run(0, place, feed, now(), author=author)
    given = [file] if isinstance(file, Path) else file or ()
    with tracing.begun("feed run", {"mahakam.place": place, "mahakam.feed": feed}) as span:
        ended = _run_found(parts, found, run, given, progress or _silent, force)
        span.note({
            "mahakam.state": ended.state, "mahakam.run": ended.id, "mahakam.rows.read": ended.read,
            "mahakam.rows.stored": ended.stored, "mahakam.rows.held": ended.held,
        })  # fmt: skip
        if ended.state == "failed":
            span.failed("failed")
    return ended


def _run_found(
    parts: Parts, found: Feed, run: Run, given: Sequence[Path], progress: Progress, force: bool
) -> Run:
    place, feed = run.place, run.feed
    try:
        with collected_seldom(), turn(parts.data, place, feed), source_files(parts, found, given) as brought:
            ended = _run_files(parts, found, run, brought.files, progress, force)
            if ended.state in SETTLED:
                for each in brought.settled:
                    each()
            return ended
    except Running:
        raise
    except NothingNew as nothing:
        last = last_success(parts, place, feed) or run
        return dataclasses.replace(_unchanged(parts, run, last), message=str(nothing))
    except (ConfigError, SourceError, OSError) as error:
        return _failed(parts, run, error)


def _run_files(
    parts: Parts, found: Feed, run: Run, files: Sequence[Path], progress: Progress, force: bool
) -> Run:
    place, feed = run.place, run.feed
    try:
        settled = basis(parts.places, found, parts.store.corrections(place, feed))
        run.fingerprint = fingerprint(settled, digests(files))
    except (ConfigError, OSError) as error:
        return _failed(parts, run, error)
    last = last_success(parts, place, feed)
    if last is not None and last.fingerprint == run.fingerprint and not force:
        return _unchanged(parts, run, last)
    return _Running(parts, found, run, files, settled, progress).go()


def last_success(parts: Parts, place: str, feed: str) -> Run | None:
    """The last run of the feed that stored what it read."""
    for run in parts.store.runs(place, feed, 50):
        if run.state in ("clean", "held") and run.fingerprint:
            return run
    return None


def columns_of(source: Mapping[str, Any]) -> list[str]:
    """The columns of the file, or of all files, of a run's source, each once."""
    some = [source, *source.get("files", ())]
    return list(dict.fromkeys(str(name) for one in some for name in one.get("columns", ())))


def _silent(_step: str, _done: int, _total: int) -> None:
    return None


def _unchanged(parts: Parts, run: Run, last: Run) -> Run:
    held = parts.store.count_held(run.place, run.feed)
    return dataclasses.replace(
        last,
        started=run.started,
        ended=now(),
        author=run.author,
        state="unchanged",
        stored=0,
        unchanged=last.stored + last.unchanged,
        held=held,
        message=f"files, feed, contract and corrections are those of run {last.id}",
    )


def _failed(parts: Parts, run: Run, error: BaseException) -> Run:
    run.state = "failed"
    run.ended = now()
    run.message = explained(error)
    try:
        parts.broker.transact(lambda transaction: transaction.save_run(run))
    except StoreError as also:
        run.message += f" (and the run itself could not be recorded: {also})"
    return run


def explained(error: BaseException) -> str:
    """What a person reads of an error; the class says little where the text says all."""
    if isinstance(error, MemoryError):
        return "the file needs more memory than there is; split it, or write it as CSV"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    text = str(error).strip()
    return text or type(error).__name__


class _Running:
    """One run under way."""

    def __init__(
        self, parts: Parts, feed: Feed, run: Run, files: Sequence[Path], basis: str, progress: Progress
    ) -> None:
        self.parts = parts
        self.feed = feed
        self.run = run
        self.files = files
        self.basis = basis
        self.progress = progress
        self.archive = Archive(parts.data)
        self.quarantine = Quarantine(parts, run)
        self.stored: dict[Position, str] = {}

    def go(self) -> Run:
        import duckdb

        run = self.run
        self._record()
        connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2})
        try:
            connection.execute("SET preserve_insertion_order = true")
            connection.execute("SET enable_progress_bar = false")  # it goes to standard output
            book = self.parts.book()
            contract = book.contract(self.feed.place.id, self.feed.contract)
            references = dataclasses.replace(book.references(self.feed.place.id), last=self._last())
            reading, judged = self._read_and_judge(connection, contract, references)
            if self.feed.store == "dataset":
                from mahakam.feeds.datasets import store_dataset

                self.stored = store_dataset(self.parts, self.feed, contract, run, reading, judged)
            else:
                self._store(reading, judged, contract)
            self._finish(reading, judged)
        except Exception as error:
            from mahakam.quality.odcs import ContractError

            known = (
                SourceError,
                ConfigError,
                ContractError,
                StoreError,
                OSError,
                MemoryError,
                duckdb.Error,
                _Refused,
            )
            _failed(self.parts, run, error)
            if not isinstance(error, known):
                raise
        finally:
            connection.close()
        return run

    def _last(self) -> Last | None:
        """What the last run that stored something read, for rules that compare a file with the one before."""
        from mahakam.quality.references import Last

        run = last_success(self.parts, self.run.place, self.run.feed)
        return None if run is None else Last(run.read, tuple(columns_of(run.source)))

    def _record(self) -> None:
        """Save the run as running; an earlier one that was cut off is closed."""
        stale = [r for r in self.parts.store.runs(self.run.place, self.run.feed, 20) if r.state == "running"]

        def work(transaction: Any) -> None:
            for each in stale:
                each.state, each.ended, each.message = (
                    "failed",
                    now(),
                    "stopped before its end; run the feed again",
                )
                transaction.save_run(each)
            transaction.save_run(self.run)

        self.parts.broker.transact(work)

    def _read_and_judge(
        self, connection: Any, contract: Contract, references: References
    ) -> tuple[Reading, Judged]:
        from mahakam.feeds.checking import judge, keep_duplicates, needed, types_of
        from mahakam.feeds.reading import MAPPED, described, read_files

        feed, run = self.feed, self.run
        self.progress("read", 0, 0)
        corrections = self.parts.store.corrections(run.place, run.feed)
        with tracing.span("read"):
            reading = read_files(
                connection,
                feed,
                self.files,
                types_of(contract),
                corrections,
                self.quarantine.decided,
                required=needed(contract),
                marks=erased.marks_of(self.parts.store, run.place, run.feed),
            )
        # of the files as they were read: one may have been replaced since the run began
        run.fingerprint = fingerprint(
            self.basis, [(part.info.file, part.info.sha256) for part in reading.parts]
        )
        for part in reading.parts:
            if not part.withheld:  # a file that has who was erased is not kept
                self.archive.keep(part.path, part.info.sha256)
        if feed.duplicates != "error":
            key = contract.key or (feed.entity.key_fields if feed.entity else ())
            if count := keep_duplicates(connection, MAPPED, key, feed.duplicates):
                reading.left_out[f"key seen {'before' if feed.duplicates == 'first' else 'again'}"] = count
        run.read = reading.read
        run.left_out = sum(reading.left_out.values())
        run.source = described(reading)
        self.progress("check", 0, reading.read)
        with tracing.span("validate", {"mahakam.rows": reading.read}):
            judged = judge(connection, MAPPED, contract, references, columns_of(run.source))
        blocking = [finding for finding in judged.file if finding.severity == "error"]
        if blocking:
            raise _Refused(blocking)
        self._faults(connection, reading, judged)
        self._withheld(connection, reading, judged)
        return reading, judged

    def _withheld(self, connection: Any, reading: Reading, judged: Judged) -> None:
        """Rows of which cells were left empty say so."""
        from mahakam.feeds.reading import MAPPED

        rows = {row + part.offset: found for part in reading.parts for row, found in part.withheld.items()}
        if not rows:
            return
        here = {row for (row,) in connection.execute(f"SELECT _row FROM {MAPPED}").fetchall()}  # noqa: S608
        for finding in erased.findings(self.feed, {row: rows[row] for row in sorted(rows.keys() & here)}):
            judged.add(finding)

    @staticmethod
    def _faults(connection: Any, reading: Reading, judged: Judged) -> None:
        """Rows whose shape is broken are held, unless the feed leaves them out."""
        from mahakam.feeds.checking import STRUCTURE
        from mahakam.feeds.reading import MAPPED

        faults = {fault.row + part.offset: fault for part in reading.parts for fault in part.faults}
        if not faults:
            return
        for (row,) in connection.execute(f"SELECT _row FROM {MAPPED}").fetchall():  # noqa: S608 - our own name
            if fault := faults.get(row):
                expected = f"{fault.expected} ({fault.problem})"
                judged.add(Finding(row, "", STRUCTURE, fault.value, expected))

    def _store(self, reading: Reading, judged: Judged, contract: Contract) -> None:
        from mahakam.feeds.entities import EntityPlan

        run = self.run
        plan = EntityPlan(self.feed, contract, scope_of(self.feed.place, self.parts.places))
        total = reading.read - run.left_out
        if problem := self.archive.room(200_000 + 4_000 * total):
            raise OSError(28, problem)
        checks = len(contract.row_rules)
        done = 0
        seen: dict[str, int] = {}
        for rows in _batches(judged.passed()):
            raws = reading.raw([row for row, _, _ in rows])
            items = [
                item
                for row, line, record in rows
                if (item := self._item(plan, reading, judged, raws[row], row, line, record, checks, seen))
                is not None
            ]
            self._ingest(items)
            done += len(rows)
            self.progress("store", done, total)

    def _item(
        self,
        plan: EntityPlan,
        reading: Reading,
        judged: Judged,
        raw: dict[str, str | None],
        row: int,
        line: int,
        record: dict[str, Any],
        checks: int,
        seen: dict[str, int],
    ) -> Ingest | None:
        from mahakam.broker.writes import Ingest
        from mahakam.feeds.checking import STRUCTURE
        from mahakam.feeds.entities import NoIdentity, digest, is_uri
        from mahakam.feeds.reading import short

        try:
            id = plan.id(record)
        except NoIdentity as error:
            judged.add(
                Finding(
                    row,
                    error.field,
                    "required",
                    None,
                    f"a value: the entity's id {error.template} is made of it",
                )
            )
            return None
        if not is_uri(id):
            judged.add(Finding(row, "id", "format", id, "a URI"))
            return None
        if (first := seen.setdefault(id, row)) != row:
            judged.add(
                Finding(row, "id", "unique", id, f"one row for each entity; row {first} is this one too")
            )
            return None
        warnings = judged.warnings.get(row, [])
        document = plan.document(id, record, warnings)
        if (made_of := digest(document)) is None:
            judged.add(Finding(row, "", STRUCTURE, None, "values that are nested less than 250 deep"))
            return None
        part = reading.part(row)
        self.stored[part.info.file, part.sheet, row - part.offset] = id
        return Ingest(
            document,
            Lineage(
                entity=id,
                run=self.run.id,
                file=part.info.file,
                sheet=part.sheet,
                row=row - part.offset,
                line=line,
                raw=short(raw),
                digest=made_of,
                checks=checks - len(warnings),
                warnings=[finding.as_dict() for finding in warnings],
            ),
        )

    def _ingest(self, items: Sequence[Ingest]) -> None:
        ingested = self.parts.broker.ingest(self.run, items)
        self.run.stored += ingested.stored
        self.run.unchanged += ingested.unchanged

    def _finish(self, reading: Reading, judged: Judged) -> None:
        from mahakam.feeds.checking import counted
        from mahakam.feeds.scores import measured

        run = self.run
        found = dict(zip(sorted(judged.errors), self._held(reading, judged), strict=True))
        dismissed = {row for row, held in found.items() if self.quarantine.is_dismissed(held)}
        held = [self.quarantine.adopt(one) for row, one in found.items() if row not in dismissed]
        if dismissed:
            run.left_out += len(dismissed)
            run.source.setdefault("left_out", {})["dismissed by a steward"] = len(dismissed)
        run.held = len(held)
        flagged = {row: found for row, found in judged.warnings.items() if row not in judged.errors}
        if judged.file:  # what blocks was refused before: these are warnings on the file as a whole, row 0
            flagged[0] = judged.file
        run.warnings = sum(map(len, flagged.values()))
        run.summary = counted(judged.errors) | {
            f"warning: {reason}": count for reason, count in counted(flagged).items()
        }
        run.quality = measured(judged, run.read - run.left_out, dismissed)
        run.state = "held" if run.held else "clean"
        run.ended = now()
        files = [(part.info.file, part.sheet) for part in reading.parts]
        settle(self.parts, run, self.quarantine, held, self.stored, files, run.ended)

    def _held(self, reading: Reading, judged: Judged) -> Iterator[Held]:
        rows = sorted(judged.errors)
        lines = reading.lines(rows)
        for start in range(0, len(rows), BATCH):
            some = rows[start : start + BATCH]
            raws = reading.raw(some)
            for row in some:
                part = reading.part(row)
                yield Held(
                    place=self.run.place,
                    feed=self.run.feed,
                    run=self.run.id,
                    file=part.info.file,
                    sheet=part.sheet,
                    row=row - part.offset,
                    line=lines[row],
                    raw=raws[row],
                    reasons=[
                        finding.as_dict() for finding in (*judged.errors[row], *judged.warnings.get(row, []))
                    ],
                )


class _Refused(Exception):
    """The file as a whole fails its contract: nothing of it is stored."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        said = "; ".join(
            f"{f.rule} {f.field}: {f.value if f.value is not None else 'nothing'}, expected {f.expected}"
            for f in findings[:5]
        )
        super().__init__(f"the file as a whole fails its contract, nothing was stored: {said}")


def _batches(
    rows: Iterator[tuple[int, int, dict[str, Any]]],
) -> Iterator[list[tuple[int, int, dict[str, Any]]]]:
    batch: list[tuple[int, int, dict[str, Any]]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
