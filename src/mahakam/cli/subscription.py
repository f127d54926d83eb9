"""``mahakam subscription``: who is told of what, and the notifications that could not be delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mahakam.cli.node import opened_store
from mahakam.cli.options import config_option, data_option, settings_for

if TYPE_CHECKING:
    from mahakam.broker.subscriptions import Subscriptions
    from mahakam.store.model import Owed

_PAGE = 1000

tenant_option = click.option("--tenant", default="", help="The tenant; the default one when not given.")


@click.group()
def subscription() -> None:
    """Subscriptions and their dead letters: list, dead, replay; webhooks of agencies.

    \b
    Example:
      mahakam subscription list
      mahakam subscription dead
      mahakam subscription replay urn:ngsi-ld:Subscription:1
    """


@subscription.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@tenant_option
@data_option
def list_subscriptions(as_json: bool, tenant: str, data: Path) -> None:
    """Show every subscription: its state, how many notifications went out, failed, were given up, and why.

    \b
    Example:
      mahakam subscription list --data .demo
    """
    from mahakam.broker.clock import now
    from mahakam.broker.endpoint import shown_uri

    with _opened(data, tenant) as subscriptions:
        rows = []
        for one in subscriptions.all():
            counters = subscriptions.status(one.id)
            rows.append(
                {
                    "id": one.id,
                    "status": one.status(now()),
                    "endpoint": shown_uri(one.endpoint.uri),
                    "timesSent": counters.get("timesSent", 0),
                    "timesFailed": counters.get("timesFailed", 0),
                    "dead": subscriptions.store.count_dead(one.id),
                    "lastError": counters.get("lastError", ""),
                }
            )
    if as_json:
        _print_json(rows)
        return
    for row in rows:
        click.echo(
            f"{row['id']}  {row['status']}  {row['endpoint']}\n"
            f"    {row['timesSent']:,} sent, {row['timesFailed']:,} failed, {row['dead']:,} given up"
            + (f"; last failure: {row['lastError']}" if row["lastError"] else "")
        )
    if not rows:
        click.echo("there is no subscription", err=True)


@subscription.command("dead")
@click.argument("id", required=False, default="", metavar="[SUBSCRIPTION]")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="Most shown.")
@click.option("--body", "with_body", is_flag=True, help="The notifications themselves, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@tenant_option
@data_option
def dead(id: str, limit: int, with_body: bool, as_json: bool, tenant: str, data: Path) -> int:
    """Show the notifications that were given up on, the oldest first, of one subscription or of all.

    Ends with 1 if there are any, 0 if there are none.

    \b
    Example:
      mahakam subscription dead
      mahakam subscription dead urn:ngsi-ld:Subscription:1 --body
    """
    with _opened(data, tenant) as subscriptions:
        _known(subscriptions, id)
        found = subscriptions.dead_letters(id, limit)
        count = subscriptions.store.count_dead(id)
    if as_json:
        _print_json([_facts(one, with_body) for one in found])
        return 1 if count else 0
    for one in found:
        about = one.entity or "what there was at that time"
        click.echo(f"{one.number}  {_time(one.made)}  {one.subscription}  about {about}")
        click.echo(f"    {one.tries} tries; {one.error}")
        if with_body:
            click.echo(f"    {one.body.decode()}")
    if count > len(found):
        click.echo(f"{count:,} in all; --limit shows more", err=True)
    if not count:
        click.echo("no notification was given up", err=True)
    return 1 if count else 0


@subscription.command("replay")
@click.argument("id", required=False, default="", metavar="[SUBSCRIPTION]")
@click.option("--number", "numbers", type=int, multiple=True, help="Only this one; may be given again.")
@tenant_option
@data_option
def replay(id: str, numbers: tuple[int, ...], tenant: str, data: Path) -> None:
    """Send dead letters again: those of one subscription, or all. A node that runs sends them; else its next start.

    \b
    Example:
      mahakam subscription replay
      mahakam subscription replay --number 17
    """
    with _opened(data, tenant) as subscriptions:
        _known(subscriptions, id)
        wanted = numbers or tuple(one.number for one in _every(subscriptions, id))
        count = subscriptions.replay(wanted)
    click.echo(f"{count:,} will be sent again", err=True)
    if numbers and count < len(set(numbers)):
        raise click.ClickException(
            f"{len(set(numbers)) - count} of these are no dead letters; mahakam subscription dead shows them"
        )


@subscription.command("webhook")
@click.argument("url")
@click.option("--place", required=True, help="The city whose requests are told of, e.g. samarinda.")
@click.option(
    "--team", default="", help="Only those of an agency or team of routing.yaml: dpupr, dpupr/jalan."
)
@click.option("--alerts", is_flag=True, help="Tell of feeds that failed, are late or got worse instead.")
@data_option
@config_option
def webhook(url: str, place: str, team: str, alerts: bool, data: Path, config: tuple[Path, ...]) -> None:
    """Tell an agency's own application of new and changed requests, or of alerts; prints the secret, once.

    Notifications are signed (Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature) and tried again until
    they are answered 2xx. With a key of the scope "work" the application answers the requests itself.

    \b
    Example:
      mahakam subscription webhook https://dpupr.example.id/hook --place samarinda --team dpupr
      mahakam subscription webhook https://diskominfo.example.id/hook --place samarinda --alerts
    """
    import re
    import uuid

    from mahakam.broker.clock import now
    from mahakam.broker.signing import new_secret
    from mahakam.config import load_places, scope_of
    from mahakam.feeds.alerts.watch import TYPE as ALERT
    from mahakam.ngsild.context import CORE
    from mahakam.ngsild.problem import Problem
    from mahakam.ngsild.subscription import create
    from mahakam.services.request import TYPE

    places = load_places(settings_for(data, config).config)
    if place not in places:
        raise click.ClickException(f"there is no place {place!r}; --config has {', '.join(sorted(places))}")
    if team and alerts:
        raise click.ClickException("--team is for requests; alerts are told of a whole place")
    if team and not re.fullmatch(r"[a-z0-9-]+(/[a-z0-9-]+)?", team):
        raise click.ClickException(f"--team is an agency or agency/team of routing.yaml, not {team!r}")
    asked: dict[str, Any] = {
        "type": "Subscription",
        "description": f"{'Alerts' if alerts else 'Requests'} of {place}" + (f" for {team}" if team else ""),
        "entities": [{"type": ALERT if alerts else TYPE}],
        "scopeQ": f"{scope_of(places[place], places)}/#",
        "notification": {"endpoint": {"uri": url, "accept": "application/json"}},
    }
    if team:
        asked["q"] = f'routedTo~="^{team}(/|$)"'
    id = f"urn:ngsi-ld:Subscription:webhook-{uuid.uuid4()}"
    with _opened(data, "") as subscriptions:
        try:
            subscriptions.create(create(asked, CORE, now(), id=id, context_of=lambda _url: CORE))
        except Problem as problem:
            raise click.ClickException(f"{problem.title}: {problem.detail}") from problem
        secret = new_secret(subscriptions.store, id)
    click.echo(f"{id} tells {url}. Its secret is not shown again:", err=True)
    click.echo(secret)


def _every(subscriptions: Subscriptions, id: str) -> Iterator[Owed]:
    offset = 0
    while found := subscriptions.dead_letters(id, _PAGE, offset):
        yield from found
        offset += len(found)


def _known(subscriptions: Subscriptions, id: str) -> None:
    if id and subscriptions.get(id) is None:
        raise click.ClickException(f"there is no subscription {id}; mahakam subscription list shows them")


@contextmanager
def _opened(data: Path, tenant: str) -> Iterator[Subscriptions]:
    from mahakam.broker.subscriptions import Subscriptions

    with opened_store(data) as store:
        try:
            yield Subscriptions(store.tenant(tenant), tenant)
        except KeyError as error:
            raise click.ClickException(f"there is no tenant {tenant!r}") from error


def _facts(one: Owed, with_body: bool) -> dict[str, Any]:
    facts = {
        "number": one.number,
        "subscription": one.subscription,
        "entity": one.entity,
        "made": _time(one.made),
        "tries": one.tries,
        "error": one.error,
    }
    return facts | ({"body": json.loads(one.body)} if with_body else {})


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))
