"""The loopback service: IBM's quantum runtime on this machine, for the real, unpatched client.

In a test `from service import LoopbackService, ServiceConfig, Rule`; by hand, from the root of the
repository, `python -m tests.service`. See README.md beside this file.
"""

from .accounts import API_KEY, Instance, make_crn
from .faults import Rule, read_rules
from .records import Job, Session
from .server import LoopbackService
from .simulation import circuit_fingerprint, circuit_seconds, pub_seed, run_pub
from .snapshots import Device, load_device
from .state import ServiceConfig
from .wire import Exchange

__all__ = [
    "API_KEY",
    "Device",
    "Exchange",
    "Instance",
    "Job",
    "LoopbackService",
    "Rule",
    "ServiceConfig",
    "Session",
    "circuit_fingerprint",
    "circuit_seconds",
    "load_device",
    "make_crn",
    "pub_seed",
    "read_rules",
    "run_pub",
]
