"""What one process does for all that share a store: the one that leads.

When that process ends, however it ends, or loses the database, another one takes over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mahakam.broker.rounds import Every, Rounds
from mahakam.delivering import Deliveries

if TYPE_CHECKING:
    from mahakam.services.desk import Desk
    from mahakam.web.site import Node

REMIND = 60.0
"""Seconds between rounds of what is due or late with requests."""
ALERT = 30.0
"""Seconds between looks at the feeds."""
PURGE = 3600.0
"""Seconds between purges of attribute instances that are kept no longer."""
RETAIN = 3600.0
"""Seconds between looks for documents that are kept no longer."""
LINEAGE = 10.0
"""Seconds between looks for runs that the lineage server has not been told of."""
BREACHES = 60.0
"""Seconds between looks at the clocks of breaches."""
RELEASES = 900.0
"""Seconds between looks for releases of the calendar that have become late."""
EXCHANGE = 300.0
"""Seconds between rounds with other Open311 servers, which may be slow."""
HUBS = 5.0
"""Seconds between rounds with the hubs that this node shares with."""
PUBLISH = 60.0
"""Seconds between looks at solutions whose entities a hub may have copies of."""
NODES = 30.0
"""Seconds between rounds with the nodes that have joined this one."""


class Leader(Rounds):
    """Looks who leads. The process that does has a thread for each work; every one delivers what is its to deliver."""

    LOOK = 5.0

    def __init__(self, node: Node) -> None:
        super().__init__("leader")
        self._node = node
        self._deliveries = Deliveries(node, deliver=node.settings.delivers)
        self._works: list[Rounds] = []

    def round(self) -> None:
        leads = self._node.store.lead()
        if leads:
            self._lead()
        else:
            self._dismiss()
        self._deliveries.keep(leads)

    def stop(self) -> None:
        super().stop()
        self._deliveries.stop()
        self._dismiss()

    def _lead(self) -> None:
        if not self._works:
            self._works = list(self._of_the_leader())
            for work in self._works:
                work.start()

    def _dismiss(self) -> None:
        for work in self._works:
            work.ended.set()
        for work in self._works:
            work.stop()
        self._works.clear()

    def _of_the_leader(self) -> Iterator[Rounds]:
        from mahakam.services.photo import Darkroom
        from mahakam.web.mailing import Mailing
        from mahakam.web.pushing import Pushing

        yield Darkroom(self._node.settings.data)
        yield Pushing(self._node)
        if self._node.settings.smtp:
            yield Mailing(self._node)
        yield Every("reminders", REMIND, self._remind)
        yield Every("alerts of feeds", ALERT, self._alert)
        if self._node.settings.smtp:
            yield Every("late releases", RELEASES, self._late_releases)
        if self._node.settings.smtp:
            yield Every("breaches", BREACHES, self._breaches)
        yield Every("retention", RETAIN, self._retain)
        if self._node.settings.audit_keep:
            yield Every("audit trail", RETAIN, self._cut_audit)
        yield Every("histories", PURGE, self._purge)
        if self._node.settings.openlineage:
            yield Every("lineage", LINEAGE, self._tell_lineage, patience=1.0)
        yield Every("exchange", EXCHANGE, self._exchange, patience=1.0)
        yield Every("hubs", HUBS, self._hubs, patience=1.0)
        yield Every("solutions", PUBLISH, self._publish, patience=1.0)
        yield Every("nodes", NODES, self._nodes, patience=1.0)
        if self._node.settings.nats:
            yield self._receiving()

    def _remind(self) -> None:
        from mahakam.services.appointment_reminders import AppointmentReminders, Reminding
        from mahakam.services.queue import build_lists
        from mahakam.services.reminders import Reminders
        from mahakam.web.appointment_letters import AppointmentLetters
        from mahakam.web.appointment_pushes import AppointmentPushes
        from mahakam.web.clock_letters import ClockLetters

        node = self._node
        tell = ClockLetters(node.places, node.settings.base) if node.settings.smtp else None
        build_lists(node.broker)
        desk = self._desk()
        Reminders(desk, node.broker, node.places, tell).run()
        store = node.store.tenant()
        remind: list[Reminding] = [AppointmentPushes(store, node.places)]
        if node.settings.smtp:
            remind.append(AppointmentLetters(store, node.places, node.settings.base))
        AppointmentReminders(desk, store, node.places, remind).run()

    def _desk(self) -> Desk:
        from mahakam.services.desk import Desk

        return Desk(self._node.broker, self._node.places, self._node.settings.data)

    def _retain(self) -> None:
        from mahakam.services.retention import Retention

        node, desk = self._node, self._desk()
        Retention(desk, desk.store, node.places, node.settings.data).run()

    def _alert(self) -> None:
        from mahakam.web.alerting import alerts

        alerts(self._node).look()

    def _late_releases(self) -> None:
        from mahakam.feeds.year.reminding import Reminding
        from mahakam.web.release_letters import ReleaseLetters

        node = self._node
        Reminding(node.store.tenant(), node.places, ReleaseLetters(node.settings.base)).look()

    def _breaches(self) -> None:
        from mahakam.web.breach_letters import BreachLetters

        BreachLetters(self._node).look()

    def _tell_lineage(self) -> None:
        from mahakam.feeds.openlineage.sending import tell_owed
        from mahakam.feeds.parts import Parts

        tell_owed(Parts.of(self._node), self._node.settings)

    def _cut_audit(self) -> None:
        from mahakam.access.audit import cut_kept, kept_seconds

        seconds = kept_seconds(self._node.settings.audit_keep)
        for name in self._node.store.tenants() if seconds else ():
            cut_kept(self._node.store.tenant(name), seconds or 0.0)

    def _purge(self) -> None:
        for name in self._node.store.tenants():
            self._node.broker.tenant(name).history.purge()

    def _hubs(self) -> None:
        from mahakam.nodes.telling import round_of

        round_of(self._node.broker)

    def _publish(self) -> None:
        from mahakam.nodes.sharing import sharings
        from mahakam.solutions.published import publish

        node = self._node
        if any(one.state == "joined" for one in sharings(node.store.tenant())):
            publish(node.broker, node.places, node.settings.base)

    def _nodes(self) -> None:
        from mahakam.nodes.watching import round_of

        round_of(self._node.broker)

    def _receiving(self) -> Rounds:
        from mahakam.nodes.receiving import Receiving

        return Receiving(lambda: self._node.broker, self._node.settings.nats)

    def _exchange(self) -> None:
        from mahakam.services.desk import Desk
        from mahakam.services.exchange import Exchange

        node = self._node
        desk = Desk(node.broker, node.places, node.settings.data)
        Exchange(desk, node.broker, node.places, node.settings.base).run()
