"""The machines of a service as one process sees them: each asked once, unless asked anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..backends.remote import MachineStanding, Remote
from ..experiments.spec.device import HARDWARE
from .plan import Plan
from .site import Site

if TYPE_CHECKING:
    from ..backends.device import Device


@dataclass(frozen=True, kw_only=True)
class Machines:
    """A service and what it told of its machines when it was first asked.

    Attributes:
        remote: the service.
        site: settings of the runs directory, which tell how it is reached.
    """

    remote: Remote
    site: Site
    _devices: dict[str, Device] = field(default_factory=dict, init=False)
    _standings: dict[str, MachineStanding] = field(default_factory=dict, init=False)

    def device(self, name: str) -> Device:
        """Return a machine with its calibration."""
        if name not in self._devices:
            self._devices[name] = self.remote.device(name)
        return self._devices[name]

    def standing(self, name: str) -> MachineStanding:
        """Return how a machine stands."""
        if name not in self._standings:
            self._standings[name] = self.remote.standing(name)
        return self._standings[name]

    def standings(self, names: Iterable[str]) -> dict[str, MachineStanding]:
        """Return how several machines stand, by name."""
        return {name: self.standing(name) for name in names}


def is_hardware(plan: Plan) -> bool:
    """Return whether a plan's jobs wait in a queue and cost money."""
    return any(point.device.backend == HARDWARE for point in plan.points)


def machine_names(plan: Plan) -> tuple[str, ...]:
    """Return the machines of a plan, in order."""
    return tuple(dict.fromkeys(point.device.name for point in plan.points))
