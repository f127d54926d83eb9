"""The notifiers of a process: one a tenant, which share a part of what is owed with those of other processes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mahakam.broker.part import ALL, NoPart, Part, SharedPart
from mahakam.broker.rounds import Rounds

if TYPE_CHECKING:
    from mahakam.broker.identity import Identity
    from mahakam.broker.notifier import Notifier
    from mahakam.web.site import Node


class Deliveries:
    """Where the store has a division every process delivers its part; else the one that leads delivers all."""

    def __init__(self, node: Node, *, deliver: bool) -> None:
        """``deliver``: whether this process delivers at all, where others can do it for it."""
        self._node = node
        self._deliver = deliver
        self._notifiers: dict[str, Notifier] = {}
        self._identity: Identity | None = None
        self._part: Part | None = None

    def keep(self, leads: bool) -> None:
        """Have the notifiers that there should be. Raises StoreError."""
        if self._part is None:
            self._part = self._made()
        if type(self._part) is not SharedPart and not leads:
            self.stop()
            return
        for notifier in self._notifiers.values():
            notifier.leads = leads
        for name in self._node.store.tenants():
            if name not in self._notifiers:
                self._notifiers[name] = self._notifier(name, self._part, leads)
                self._notifiers[name].start()

    def stop(self) -> None:
        for notifier in self._notifiers.values():
            notifier.stop()
        self._notifiers.clear()
        if isinstance(self._part, SharedPart):
            self._part.stop()
        self._part = None

    def _made(self) -> Part:
        division = self._node.store.division()
        if division is None:
            return ALL
        if not self._deliver:
            return NoPart()
        part = SharedPart(division)
        part.start()
        return part

    def _notifier(self, tenant: str, part: Part, leads: bool) -> Notifier:
        from mahakam.broker.federation.spreading import Spreading
        from mahakam.broker.notifier import Notifier

        broker = self._node.broker.tenant(tenant)
        private = self._node.settings.private_addresses
        spreading = Spreading(
            broker.subscriptions,
            broker.registrations,
            address=self._node.settings.base,
            alias=partial(self._alias, tenant),
            private_addresses=private,
        )
        return Notifier(
            broker.subscriptions, private_addresses=private, beside=spreading.run, part=part, leads=leads
        )

    def _alias(self, tenant: str) -> str:
        """The name by which other nodes know this one (clause 6.3.18)."""
        from mahakam.broker.identity import Identity

        if self._identity is None:
            self._identity = Identity(self._node.broker.store)
        return self._identity.alias(tenant)


class Deliverer(Rounds):
    """A process that delivers and does nothing else."""

    LOOK = 5.0

    def __init__(self, node: Node) -> None:
        super().__init__("deliverer")
        self._deliveries = Deliveries(node, deliver=True)

    def round(self) -> None:
        self._deliveries.keep(leads=False)

    def stop(self) -> None:
        super().stop()
        self._deliveries.stop()
