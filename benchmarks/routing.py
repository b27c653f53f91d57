"""What a native layout saves: fold14 beside the same protocol, routed by the stock transpiler.

    python benchmarks/routing.py --seeds 10 fake_boston fake_sherbrooke

prints, for each device and reuse policy, the median over the transpiler's seeds and its range:
two-qubit gates, their depth, duration, counterexamples to both certificates on the compiled
circuit, and the predicted acceptance under the calibration. `--unprotected` lets the transpiler
cancel the flags.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence

from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.backends.routing import route_program
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.program import Program, make_program
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.spec import Accept, NoiseSpec

Figures = Mapping[str, float]


def measure(program: Program, device: Device, layout: tuple[int, ...]) -> Figures:
    """Return the figures of a program on a layout."""
    compiled = compile_program(program, device, layout)
    certificate = certify(program, compiled.instructions)
    noise = NoiseSpec(kind="calibration")
    stages = {"encode": 0, "hadamard": 0, "detection": 0, "readout": 0}
    for gadget in program.gadgets:
        stages[gadget.stage] += compiled.two_qubit_gates[gadget.label]
    return {
        "qubits": len(layout),
        **{stage: count for stage, count in stages.items() if stage != "readout"},
        "two-qubit gates": sum(stages.values()),
        "depth": compiled.depth,
        "us": 1e6 * compiled.duration_seconds,
        "faults": len(certificate.faults),
        "detection failures": len(certificate.failures("detection")),
        "correction failures": len(certificate.failures("correction")),
        "acceptance": predict_acceptance(compiled, noise, Accept(), certificate).acceptance,
    }


def native(device: Device) -> Figures:
    """Return the figures of fold14 on its best qubits."""
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="Z")
    return measure(program, device, choose_embedding(program, device))


def routed(device: Device, reuse: Reuse, seed: int, protect_flags: bool) -> Figures:
    """Return the figures of the routed baseline for one seed of the transpiler."""
    program = make_program(scheme="routed", distance=3, rounds=1, basis="Z", reuse=reuse)
    found = route_program(program, device, seed, protect_flags=protect_flags)
    return measure(found.program, device, found.layout)


def print_figures(title: str, found: Sequence[Figures]) -> None:
    """Print the median and the range of each figure."""
    print(title)
    for name in found[0]:
        values = [figures[name] for figures in found]
        low, middle, high = min(values), statistics.median(values), max(values)
        spread = f"  [{low:.4g}, {high:.4g}]" if high > low else ""
        print(f"  {name:20}{middle:8.4g}{spread}", flush=True)


def main() -> None:
    """Print fold14 and the routed baseline on every device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="transpiler seeds 0, 1, ...")
    parser.add_argument("--unprotected", action="store_true", help="without barriers at flags")
    parser.add_argument("device", nargs="+")
    options = parser.parse_args()
    for name in options.device:
        device = load_device(name)
        print_figures(f"{name}: fold14", [native(device)])
        for reuse in REUSES:
            found = [
                routed(device, reuse, seed, not options.unprotected)
                for seed in range(options.seeds)
            ]
            print_figures(f"{name}: routed, {reuse}, {options.seeds} seeds", found)


if __name__ == "__main__":
    main()
