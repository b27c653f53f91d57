"""The protocol family in one table: every scheme on every device with every reuse policy.

    python benchmarks/family.py
    python benchmarks/family.py --distance 3 5 7 --markdown docs/family.md --json FILE

prints for each circuit, compiled and scheduled and read out in Z: qubits, two-qubit gates of the
encoder, of all H_m and of all ED, measurement layers, duration, the number of single faults and of
counterexamples to both certificates among them, and the predicted acceptance. Policies that give
the same circuit are one row; `*` marks what `reuse: best` picks. `--markdown` replaces the tables
of these distances between the marker comments of a file, `--json` writes the exact figures.

Columns and figures are explained in docs/family.md.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hexmagic.backends.compilation import Compiled
from hexmagic.backends.embedding import EmbeddingError
from hexmagic.driver.build import build_point, compare_policies
from hexmagic.driver.judging import circuit_certificate, judge_circuit
from hexmagic.driver.plan import Point, make_plan
from hexmagic.driver.policies import Policy, best_policy
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.program import make_patch
from hexmagic.experiments.reuse import REUSES, Reuse
from hexmagic.experiments.schemes import SCHEMES, WITHOUT_ROUNDS
from hexmagic.experiments.spec import parse_experiment

CALIBRATED = ("fake_kolkata", "fake_sherbrooke", "fake_torino", "fake_boston")
DEVICES = {3: CALIBRATED, 5: CALIBRATED, 7: ("heavy_hex_9",)}
"""By distance. The generated map has no calibration: nothing is judged there."""

BASELINES = {3: ("encoded", "bare"), 5: ("encoded",), 7: ()}
HEADS: tuple[str, ...] = ("device", "scheme", "reuse", "qubits", "encode", "H_m", "ED", "layers")
HEADS += ("us", "faults", "detection", "correction", "accepted")
_WIDTHS = (16, 8, 22, 7, 7, 5, 5, 7, 6, 7, 10, 11, 9)
_WORDS = 3
"""Columns of words, in front of the numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A compiled circuit and what is known of it.

    Attributes:
        device: name of the device.
        scheme: name of the scheme.
        reuse: the policies that give this circuit; none where nothing is reused.
        best: whether `reuse: best` picks it; False where nothing is judged.
        qubits: physical qubits.
        encode: two-qubit gates of the encoder.
        hadamard: two-qubit gates of H_m, all rounds.
        detection: two-qubit gates of ED, all rounds.
        measurement_layers: measurements that follow one another, the readout's included.
        duration_seconds: of one shot.
        faults: single faults that were enumerated; None where there is no certificate.
        detection_failures: counterexamples to the detection certificate; likewise.
        correction_failures: counterexamples to the correction certificate; likewise.
        predicted_acceptance: in [0, 1]; None where nothing is judged.
    """

    device: str
    scheme: str
    reuse: tuple[Reuse, ...]
    best: bool
    qubits: int
    encode: int
    hadamard: int
    detection: int
    measurement_layers: int
    duration_seconds: float
    faults: int | None = None
    detection_failures: int | None = None
    correction_failures: int | None = None
    predicted_acceptance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The table of one distance.

    Attributes:
        rows: device after device.
        unplaced: in words, which patch fits on which device nowhere.
    """

    rows: tuple[Row, ...]
    unplaced: tuple[str, ...]


def schemes_at(distance: int) -> tuple[str, ...]:
    """Return the schemes of the protocol that exist at a distance."""
    return tuple(s for s in SCHEMES if s not in WITHOUT_ROUNDS and _exists(s, distance))


def make_points(distance: int, device: str, scheme: str) -> tuple[Point, ...]:
    """Return the point of a scheme; after the last scheme's also those of the baselines."""
    baselines = BASELINES[distance] if scheme == schemes_at(distance)[-1] else ()
    text = f"""
        schema_version: 1
        name: family
        protocol: {{state: H, distance: {distance}, scheme: {scheme}, rounds: auto}}
        baselines: [{", ".join(baselines)}]
        device:
          backend: aer
          name: {device}
          noise: {"calibration" if device in CALIBRATED else "none"}
        measure: [Z]
        shots: 1
        seed: 3
    """
    return make_plan(parse_experiment(text, source="family")).points


def rows_of(point: Point) -> Iterator[Row]:
    """Yield the rows of a point, one for each circuit that its reuse policies give.

    Raises:
        UsageError: it does not fit on its device.
    """
    if point.protocol.rounds is None:
        yield _baseline_row(point)
    elif point.device.noise.kind == "none":
        found: dict[str, tuple[Compiled, list[Reuse]]] = {}
        for reuse in REUSES:
            compiled = _compiled(point, reuse)
            found.setdefault(compiled.fingerprint, (compiled, []))[1].append(reuse)
        for compiled, names in found.values():
            yield _certified_row(compiled, *names)
    else:
        policies = compare_policies(point, _where)
        # beyond d = 3 `best` judges pairs of faults as well, which takes too long for a table
        best = best_policy(policies) if point.protocol.distance == 3 else None
        for policy in policies:
            yield _judged_row(_compiled(point, policy.reuse), policy, best=policy is best)


def print_table(distance: int) -> Table:
    """Print a distance's table as it is computed, and return it."""
    print(f"d = {distance}, readout in Z, seed 3")
    print(text_line(HEADS), flush=True)
    rows: list[Row] = []
    unplaced: list[str] = []
    for device in DEVICES[distance]:
        for scheme in schemes_at(distance):
            for point in make_points(distance, device, scheme):
                try:
                    found = tuple(rows_of(point))
                except UsageError as error:
                    if not isinstance(error.__cause__, EmbeddingError):
                        raise
                    unplaced.append(str(error.__cause__).partition(";")[0])
                    continue
                for row in found:
                    print(text_line(cells(row, mark="{} *")), flush=True)
                rows += found
    unplaced = list(dict.fromkeys(unplaced))
    for text in unplaced:
        print(f"no row: {text}")
    return Table(rows=tuple(rows), unplaced=tuple(unplaced))


def cells(row: Row, *, mark: str) -> tuple[str, ...]:
    """Return a row's columns as text; `mark` with {} in it marks the best policy."""
    reuse = ", ".join(row.reuse) or "-"
    acceptance = row.predicted_acceptance
    return (
        row.device,
        row.scheme,
        mark.format(reuse) if row.best else reuse,
        *(str(n) for n in (row.qubits, row.encode, row.hadamard, row.detection)),
        str(row.measurement_layers),
        f"{1e6 * row.duration_seconds:.1f}",
        *(
            "-" if n is None else str(n)
            for n in (row.faults, row.detection_failures, row.correction_failures)
        ),
        "-" if acceptance is None else f"{acceptance:.3g}",
    )


def text_line(columns: Sequence[str]) -> str:
    """Return a line of at most 120 columns, numbers to the right."""
    sides = (str.ljust,) * _WORDS + (str.rjust,) * (len(HEADS) - _WORDS)
    return "".join(side(text, n) for side, text, n in zip(sides, columns, _WIDTHS, strict=True))


def markdown_table(table: Table) -> str:
    """Return a table as markdown, the best policy in bold, with what has no place below."""
    lines = [HEADS, ("---",) * _WORDS + ("--:",) * (len(HEADS) - _WORDS)]
    lines += [cells(row, mark="**{}**") for row in table.rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text + "".join(f"\nNo row: {words}.\n" for words in table.unplaced)


def with_table(text: str, distance: int, table: str) -> str:
    """Return a markdown text with its table of a distance replaced.

    Raises:
        UsageError: it has not exactly one place for it.
    """
    start, end = f"<!-- family d = {distance} -->\n", f"<!-- end of d = {distance} -->"
    before, found, rest = text.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended or start in after:
        raise UsageError(
            f"no place for d = {distance}: write the lines {start.strip()!r} and {end!r} once"
        )
    return f"{before}{start}\n{table}\n{end}{after}"


def main() -> None:
    """Print the tables and, if asked, write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--distance", type=int, nargs="+", choices=[*DEVICES], default=[3])
    parser.add_argument("--markdown", type=Path, help="file with a place for each table")
    parser.add_argument("--json", type=Path, help="file for the exact figures")
    options = parser.parse_args()
    if options.markdown:  # known to have its places before minutes are spent
        for distance in options.distance:
            with_table(options.markdown.read_text(), distance, "")
    document: dict[str, Any] = {}
    for distance in options.distance:
        table = print_table(distance)
        document[str(distance)] = asdict(table)
        if options.markdown:
            text = with_table(options.markdown.read_text(), distance, markdown_table(table))
            options.markdown.write_text(text)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")


def _exists(scheme: str, distance: int) -> bool:
    try:
        make_patch(scheme, distance)
    except UsageError:
        return False
    return True


def _where(field: str) -> str:
    return f"family: {field}"


def _compiled(point: Point, reuse: Reuse) -> Compiled:
    asked = replace(point, protocol=replace(point.protocol, reuse=reuse))
    return build_point(asked, _where)["Z"].compiled


def _baseline_row(point: Point) -> Row:
    compiled = _compiled(point, "reset")
    verdict = judge_circuit(point, compiled)
    row = replace(_row(compiled), predicted_acceptance=verdict.acceptance)
    certificate = verdict.certificate
    if certificate is None:
        return row
    return replace(
        row,
        faults=len(certificate.faults),
        detection_failures=len(certificate.failures("detection")),
        correction_failures=len(certificate.failures("correction")),
    )


def _judged_row(compiled: Compiled, policy: Policy, *, best: bool) -> Row:
    return replace(
        _row(compiled, policy.reuse, *policy.same_circuit),
        best=best,
        faults=policy.faults,
        detection_failures=policy.detection_failures,
        correction_failures=policy.correction_failures,
        predicted_acceptance=policy.predicted_acceptance,
    )


def _certified_row(compiled: Compiled, *reuse: Reuse) -> Row:
    certificate = circuit_certificate(compiled)
    if certificate is None:
        raise AssertionError(f"{compiled.program.scheme} has a code")
    return replace(
        _row(compiled, *reuse),
        faults=len(certificate.faults),
        detection_failures=len(certificate.failures("detection")),
        correction_failures=len(certificate.failures("correction")),
    )


def _row(compiled: Compiled, *reuse: Reuse) -> Row:
    gates: Counter[str] = Counter()
    for gadget in compiled.program.gadgets:
        gates[gadget.stage] += compiled.two_qubit_gates[gadget.label]
    return Row(
        device=compiled.device.name,
        scheme=compiled.program.scheme,
        reuse=reuse,
        best=False,
        qubits=len(compiled.layout),
        encode=gates["encode"],
        hadamard=gates["hadamard"],
        detection=gates["detection"],
        measurement_layers=compiled.measurement_layers,
        duration_seconds=compiled.duration_seconds,
    )


if __name__ == "__main__":
    main()
