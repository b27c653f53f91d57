"""Sets of several faults in a compiled circuit, sampled with clifft: do any get through?

The independent check of the certificates beyond exhaustive enumeration:

    python benchmarks/fault_sets.py --distance 5 --rounds 2 --device fake_torino --weight 2

draws sets of exactly two faults at distinct locations of the compiled, scheduled circuit, keeps
the shots whose ancilla bits are all as expected and judges their state by an ideal check of every
face and the exact expectation of the logical H. One line for each number of faults.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from hexmagic.analysis.estimate import wilson_interval
from hexmagic.backends.clifft.check import judge_faults
from hexmagic.backends.clifft.fault_sets import FaultSets, sample_fault_sets
from hexmagic.backends.clifft.shots import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse


def make_compiled(
    scheme: str, distance: int, rounds: int, reuse: Reuse, device_name: str
) -> Compiled:
    """Return a scheme, read out in Z, on the best qubits of a device."""
    device = load_device(device_name)
    program = make_program(scheme=scheme, distance=distance, rounds=rounds, basis="Z", reuse=reuse)
    return compile_program(program, device, choose_embedding(program, device))


def print_noiseless(compiled: Compiled, shots: int) -> None:
    """Print the speed without faults and what the ideal check says of the noiseless state."""
    program, instructions = compiled.program, compiled.instructions
    start = time.perf_counter()
    sample(program, instructions, shots=shots, seed=1)
    middle = time.perf_counter()
    judged = judge_faults(program, instructions, shots=shots, seed=1)
    end = time.perf_counter()
    print(
        f"noiseless: {shots / (middle - start):.3g} shots/s recorded, "
        f"{shots / (end - middle):.3g} shots/s with the ideal check; "
        f"{judged.accepted} of {shots} accepted, {int(judged.trivial.sum())} with trivial "
        f"syndromes, largest chance of the wrong state {judged.wrong_corrected.max():.1e}"
    )


def print_fault_sets(found: FaultSets, seconds: float) -> None:
    """Print one line of counts, with the upper limits that they imply."""
    limits = [
        float(wilson_interval(k, found.accepted)[1]) for k in (found.undetected, found.miscorrected)
    ]
    print(
        f"{found.weight} faults at {found.locations} locations: {found.shots} shots, "
        f"{found.accepted} accepted, {found.trivial} with trivial syndromes; "
        f"undetected {found.undetected} (below {limits[0]:.2e}), "
        f"miscorrected {found.miscorrected} (below {limits[1]:.2e}); {seconds:.1f} s, "
        f"{found.shots / seconds:.3g} shots/s, {found.accepted / seconds:.3g} accepted/s"
    )
    for faults in found.examples:
        parts = (f"{f.kind} {f.pauli} on {f.qubits} at {f.at} in {f.gadget!r}" for f in faults)
        print("  undetected: " + " + ".join(parts))


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scheme", default="fold")
    parser.add_argument("--distance", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--reuse", choices=REUSES, default="reset")
    parser.add_argument("--device", default="fake_torino")
    parser.add_argument("--weight", type=int, nargs="+", default=[2], help="faults in a shot")
    parser.add_argument("--shots", type=int, default=8_000_000, help="before post-selection")
    parser.add_argument("--noiseless-shots", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", help="file for the counts")
    options = parser.parse_args()
    compiled = make_compiled(
        options.scheme, options.distance, options.rounds, options.reuse, options.device
    )
    print_noiseless(compiled, options.noiseless_shots)
    rows = []
    for weight in options.weight:
        start = time.perf_counter()
        found = sample_fault_sets(
            compiled.program,
            compiled.instructions,
            weight=weight,
            shots=options.shots,
            seed=options.seed,
        )
        print_fault_sets(found, time.perf_counter() - start)
        rows.append({"device": options.device, "layout": compiled.layout, **asdict(found)})
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
