"""``mahakam feed``: run feeds, and list them with how their last run ended."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened, place_and_feed, user
from mahakam.cli.options import config_option, data_option
from mahakam.config import ConfigError

if TYPE_CHECKING:
    from mahakam.feeds.parts import Parts
    from mahakam.feeds.run import Progress
    from mahakam.store.model import Run

_FOLDERS = tuple[Path, ...]
_EXIT = {"clean": 0, "unchanged": 0, "held": 1}
_WORDS = {"clean": "clean", "unchanged": "unchanged", "held": "some held", "failed": "could not run"}


@click.group()
def feed() -> None:
    """Feeds: where data comes from and how a row becomes an entity. Run them, list them.

    \b
    Example:
      mahakam feed run --all
    """


@feed.command("run")
@click.argument("which", nargs=-1, metavar="[PLACE/FEED]...")
@click.option("--all", "every", is_flag=True, help="Every feed of every place, in the order they need.")
@click.option("--file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Read this file instead of the one in the feed.")  # fmt: skip
@click.option("--force", is_flag=True, help="Also when nothing has changed since the last run.")
@click.option("--json", "as_json", is_flag=True, help="The runs as JSON.")
@data_option
@config_option
def run(
    which: tuple[str, ...],
    every: bool,
    file: Path | None,
    force: bool,
    as_json: bool,
    data: Path,
    config: _FOLDERS,
) -> int:
    """Read, map, check and store; rows that fail a check are held with all their reasons.

    Ends with 0 if all is clean, 1 if some rows are held, 2 if a feed could not run.

    \b
    Example:
      mahakam feed run samarinda/rain
      mahakam feed run --all
    """
    if every == bool(which):
        raise click.UsageError("name feeds as PLACE/FEED, or say --all; mahakam feed list shows them")
    if file is not None and len(which) != 1:
        raise click.UsageError("--file goes with exactly one PLACE/FEED")
    from mahakam.feeds.parts import Parts

    with opened(data, config) as node:
        parts = Parts.of(node)
        pairs = all_feeds(parts) if every else [place_and_feed(one) for one in which]
        runs = run_feeds(parts, pairs, file=file, force=force)
    if as_json:
        click.echo(json.dumps([_facts(one) for one in runs], ensure_ascii=False, indent=1))
    else:
        for one in runs:
            click.echo(summary(one))
    return max(map(exit_code, runs), default=0)


@feed.command("due")
@click.option("--watch", is_flag=True, help="Go on: look again every half minute, until Ctrl-C.")
@data_option
@config_option
def due(watch: bool, data: Path, config: _FOLDERS) -> int:
    """Run the feeds whose schedule has come since their last run; one run makes up for all that were missed.

    Ends as feed run does. A feed that another process runs now is left to it.

    \b
    Example:
      mahakam feed due
      mahakam feed due --watch
    """
    import time

    from mahakam.feeds.openlineage.sending import tell_owed
    from mahakam.feeds.parts import Parts
    from mahakam.web.alerting import alerts

    code = 0
    while True:
        with opened(data, config) as node:
            parts = Parts.of(node)
            runs = run_feeds(parts, due_feeds(parts))
            alerts(node).look()
            tell_owed(parts, node.settings)
        for one in runs:
            click.echo(summary(one))
        code = max(code, *map(exit_code, runs), 0)
        if not watch:
            return code
        try:
            time.sleep(30)
        except KeyboardInterrupt:
            return code


@feed.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
@config_option
def list_feeds(as_json: bool, data: Path, config: _FOLDERS) -> None:
    """Show every feed with its title, its last run and what is held.

    \b
    Example:
      mahakam feed list
    """
    from mahakam.feeds import definition
    from mahakam.feeds.parts import Parts

    rows: list[dict[str, Any]] = []
    with opened(data, config) as node:
        parts = Parts.of(node)
        for place, name in all_feeds(parts):
            title, owner = name, ""
            try:
                found = definition.load(parts.places[place], name)
                title = found.title.get("en") or next(iter(found.title.values()), name)
                owner = found.owner
            except ConfigError:
                title = "(cannot be read)"  # all_feeds has said why
            last = next(iter(parts.store.runs(place, name, 1)), None)
            rows.append(
                {
                    "feed": f"{place}/{name}",
                    "title": title,
                    "owner": owner,
                    "state": last.state if last else "never run",
                    "run": last.started if last else "",
                    "held": parts.store.count_held(place, name),
                }
            )
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        held = f", {row['held']} held" if row["held"] else ""
        when = f" {row['run'][:16]}" if row["run"] else ""
        click.echo(f"{row['feed']:<38} {row['state']}{when}{held}  {row['title']}")


def all_feeds(parts: Parts) -> list[tuple[str, str]]:
    """(place, feed) of every feed, in the order in which they run; what cannot be read is said."""
    from mahakam.feeds.order import in_order

    problems: list[ConfigError] = []
    pairs = in_order(parts.places, problems)
    for problem in problems:
        click.echo(f"mahakam: {problem}", err=True)
    return pairs


def due_feeds(parts: Parts) -> list[tuple[str, str]]:
    """(place, feed) of the feeds that are due now, in the order in which they run."""
    from datetime import UTC, datetime

    from mahakam.feeds import definition
    from mahakam.feeds.schedule import is_due
    from mahakam.feeds.turn import last_turn

    now = datetime.now(UTC)
    found = []
    for place, name in all_feeds(parts):
        try:
            feed = definition.load(parts.places[place], name)
        except ConfigError:
            continue  # all_feeds has said why
        if is_due(feed, last_turn(parts.data, place, name), now):
            found.append((place, name))
    return found


def run_feeds(
    parts: Parts,
    pairs: Sequence[tuple[str, str]],
    *,
    file: Path | None = None,
    force: bool = False,
    author: str = "",
) -> list[Run]:
    """Run feeds one after the other, a bar for each on standard error; one that cannot run stops no other."""
    from mahakam.feeds.run import run_feed

    runs: list[Run] = []
    with _bars(len(pairs)) as bar, _interruptible() as interrupted:
        for place, name in pairs:
            if interrupted():
                raise KeyboardInterrupt
            step = bar(f"{place}/{name}")
            runs.append(_run_one(run_feed, parts, place, name, author or user(), file, step, force))
            bar.done(runs[-1])
    return runs


def _run_one(
    runner: Any,
    parts: Parts,
    place: str,
    name: str,
    author: str,
    file: Path | None,
    step: Progress,
    force: bool,
) -> Run:
    from mahakam.store.model import Run

    try:
        result: Run = runner(parts, place, name, author=author, file=file, progress=step, force=force)
    except ConfigError as error:
        return Run(0, place, name, "", state="failed", message=str(error))
    return result


def exit_code(run: Run) -> int:
    """0 clean, 1 some rows held, 2 could not run."""
    return _EXIT.get(run.state, 2)


def summary(run: Run) -> str:
    """What a run did, in one line and one more for each reason that rows are held for."""
    head = f"{run.place}/{run.feed}: {_WORDS.get(run.state, run.state)}"
    if run.state == "failed":
        return f"{head}: {run.message}"
    counts = [f"{run.read:,} read", f"{run.stored:,} stored", f"{run.unchanged:,} unchanged"]
    counts += [f"{run.held:,} quarantined"] if run.held else []
    counts += [f"{run.left_out:,} left out"] if run.left_out else []
    counts += [f"{run.warnings:,} warnings"] if run.warnings else []
    if run.state == "unchanged":
        return f"{head} ({run.read:,} rows, {run.held:,} quarantined)"
    reasons = [f"    {count:>7,}  {reason}" for reason, count in run.summary.items()]
    left = [
        f"    {count:>7,}  left out: {reason}" for reason, count in run.source.get("left_out", {}).items()
    ]
    return "\n".join([f"{head}: {', '.join(counts)}", *reasons, *left])


class Bars:
    """A bar for each feed where a person looks on; elsewhere a line for each feed."""

    def __init__(self, bar: Any, total: int) -> None:
        self._bar = bar
        self._total = total
        self._number = 0
        self._task: Any = None

    def __call__(self, name: str) -> Callable[[str, int, int], None]:
        self._number += 1
        title = f"[{self._number}/{self._total}] {name}"
        if self._bar is None:
            return lambda _step, _done, _total: None
        self._task = self._bar.add_task(title, total=None)

        def step(what: str, done: int, total: int) -> None:
            known = total if what == "store" and total else None
            self._bar.update(self._task, completed=done, total=known, description=f"{title} · {what}")

        return step

    def done(self, run: Run) -> None:
        said = f"{run.place}/{run.feed}  {run.stored + run.unchanged:,} rows"
        said += f", {run.held:,} held" if run.held else ""
        said = f"{run.place}/{run.feed}  {run.message}" if run.state == "failed" else said
        if self._bar is None:
            click.echo(f"[{self._number}/{self._total}] {said}", err=True)
            return
        self._bar.update(
            self._task, completed=1, total=1, description=f"[{self._number}/{self._total}] {said}"
        )


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: raised inside of a callback of a library, the exception may be lost on its way."""
    pressed = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def _bars(total: int) -> Iterator[Bars]:
    if not sys.stderr.isatty():
        yield Bars(None, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield Bars(bar, total)


def _facts(run: Run) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(run)
