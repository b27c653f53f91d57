"""What is put into experiment files that have things done to them."""

from __future__ import annotations

from typing import Any

NUMBERS: tuple[Any, ...] = (
    *(0, 1, -1, 2, 3, 4, 5, 31, 33, 100, 10**9, 10**9 + 1, -(10**18), 2**63 - 1, 2**63, 10**39),
    *(10**400, 0.0, -0.0, 0.5, 1.5, 3.0, 1e-300, 5e-324, 1e308, -1e308, 1e20, 0.1 + 0.2),
    *(float("nan"), float("inf"), float("-inf")),
)
TEXTS: tuple[Any, ...] = (
    *("", " ", "H", "X", "auto", "best", "none", "calibration", "fold", "fold40", "routed", "bare"),
    *("fake_boston", "fake_sherbrooke", "heavy_hex_5", "heavy_hex_3_cx", "heavy_hex_999999999"),
    *("heavy_hex_-1", "ibm_boston", "clifft", "aer", "ibm", "correct", "every 1 d", "weekly"),
    *("nan", ".inf", "1e-3", "0x10", "1_000", "true", "yes", "null", "~", "<<", "=", "12:30"),
    *("../../etc/passwd", "/dev/zero", "a\nb", "a\x00b", "\x1b[31m", "\u2028", "\ufeff", "é", "量"),
    *("\U0001f9ff", "\ud83d", "e\u0301", "\u202eabc", "%s{0}{x}", "'", '"', "$(id)", "a" * 70),
    *("x" * 10_000, "É" * 300, "-" * 64, "2026-02-30T25:00:00Z", "0" * 5000),
)
OTHERS: tuple[Any, ...] = (
    *(True, False, None, [], {}, [None], {"": None}, [[]], ["X", "X"], ["H_ideal"], ["H"], ["Y"]),
    *([0, 1, 2], list(range(14)), [-1], [0.0], [True], {"uniform": 1e-3}, {"uniform": "p"}),
    *(
        {"paper": 0.6},
        {"calibration": {"scale": 1e-9}},
        {"calibration": {"scale": 11}},
        "stratified",
    ),
    *({"stratified": {"relative_error": 0}}, {"min": 2}, {"max": -1}, {"min": 1, "max": 0}),
    *({"a": {"b": {"c": {}}}}, list(range(3000)), {f"k{i}": i for i in range(300)}),
    *({"uniform": 0.5, "paper": 0.5}, {True: 1}, {1: 2}, {None: 3}, {1.5: 4}),
)
VALUES = (*NUMBERS, *TEXTS, *OTHERS)
KEYS = (
    *("swept", "source", "auto_rounds", "schema_version", "name", "protocol", "device", "measure"),
    *("accept", "shots", "seed", "keep", "estimate", "sweep", "baselines", "gates", "budget"),
    *("expect", "schedule", "on_done", "description", "noise", "embedding", "decoupling", "rounds"),
    *("__class__", "self", "cls", "", " ", "<<", "a.b", "é", "x" * 500, "a\nb", "measure[0]", "0"),
)


PLAUSIBLE: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("shots", (1, 2, 1e3, 10**9, 77)),
    ("seed", (0, 1, 2**63 - 1)),
    ("measure", (["X"], ["Z", "X"], ["H"], ["H_ideal"], ["Y", "H"])),
    ("keep", ("auto", "shots", "tallies")),
    ("estimate", ("direct", "stratified", {"stratified": {"relative_error": 0.5}})),
    ("baselines", ([], ["bare"], ["encoded"], ["routed"], ["bare", "encoded", "routed"])),
    ("protocol.scheme", ("fold", "fold13", "fold14", "tree16", "fold40", "encoded", "bare")),
    ("protocol.distance", (3, 5, 7, 9, 31)),
    ("protocol.rounds", (1, 2, 3, 100, "auto")),
    ("protocol.reuse", ("reset", "xor", "deferred", "best")),
    ("device.backend", ("aer", "clifft", "ibm")),
    ("device.name", ("fake_kolkata", "fake_torino", "heavy_hex_3", "heavy_hex_5_cx", "fake_lima")),
    ("device.noise", ("none", "calibration", {"uniform": 0}, {"paper": 0.5}, {"uniform": 1e-9})),
    ("device.embedding", ("best", list(range(14)), [0], [0, 1], list(range(200, 213)))),
    ("device.decoupling", ("none", "xx", "xy4")),
    ("accept", ({"readout": "correct"}, {"hadamard": False}, {"flags": False}, {})),
    ("gates", ({"min_predicted_acceptance": 1}, {"max_median_cz_error": 0}, {"max_queue": 0})),
    ("budget", ({"qpu_seconds": 0}, {"qpu_seconds": 1e-9}, {"qpu_seconds": 1e300})),
    ("expect", ({"fidelity": {"min": 1}}, {"acceptance": {"max": 0}}, {"infidelity": {"max": 0}})),
    ("schedule", ({"every": "1 d", "from": "2026-01-01T00:00Z"}, {"cron": "* * * * *"})),
    ("on_done", ("true", "echo 'done'", "no-such-program é")),
    ("description", ("", "é" * 200, "%s {x} [red] <b>", "a: b # c")),
    ("name", ("a", "0" * 64, "..", "a.partial", "latest", "con", "a-20260101-000000-0000")),
)
"""Values by dotted field that are right in some file or other, and at the edges of what is."""
