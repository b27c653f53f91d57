"""When operations of a compiled circuit run, and how many readouts follow one another."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.timing import count_layers
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import REUSES, Reuse


@cache
def compiled_of(scheme: str, reuse: Reuse, device: str) -> Compiled:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis="Z", reuse=reuse)
    known = load_device(device)
    return compile_program(program, known, choose_embedding(program, known))


def test_windows_are_in_order_on_every_qubit_and_fill_the_duration() -> None:
    compiled = compiled_of("fold13", "reset", "fake_boston")
    reached = dict.fromkeys(range(13), 0.0)
    for instruction, start, end in compiled.windows:
        assert end >= start >= -1e-15
        for qubit in instruction.qubits:
            assert start >= reached[qubit] - 1e-12
            reached[qubit] = end
    assert max(reached.values()) == pytest.approx(compiled.duration_seconds)
    shown = sum(instruction.name != "barrier" for instruction in compiled.instructions)
    assert len(compiled.windows) == shown


@pytest.mark.parametrize(
    ("scheme", "reuse", "layers"),
    [
        ("fold14", "reset", 1),
        ("fold13", "reset", 2),
        ("fold13", "xor", 2),
        ("fold13", "deferred", 2),
        ("fold", "reset", 7),  # H_m and five checks in turn, the sixth with the readout
        ("fold", "xor", 7),
    ],
)
@pytest.mark.parametrize("device", ["fake_boston", "fake_sherbrooke"])
def test_measurement_layers_are_readouts_that_follow_one_another(
    scheme: str, reuse: Reuse, layers: int, device: str
) -> None:
    assert compiled_of(scheme, reuse, device).measurement_layers == layers


@pytest.mark.parametrize("scheme", ["fold", "fold13"])
def test_a_circuit_without_resets_is_shorter_and_one_with_fewer_reads_no_longer(
    scheme: str,
) -> None:
    reset, xor, deferred = (compiled_of(scheme, reuse, "fake_boston") for reuse in REUSES)
    assert "reset" not in xor.local.count_ops() and "reset" not in deferred.local.count_ops()
    assert xor.duration_seconds < reset.duration_seconds - 2e-6
    assert deferred.duration_seconds <= xor.duration_seconds


SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 8)).map(lambda s: (s[0], s[0] + s[1])), max_size=9
)


@given(SPANS)
def test_as_many_layers_as_moments_that_meet_every_span(spans: list[tuple[int, int]]) -> None:
    layers = count_layers(spans, tolerance=0)
    left = sorted(spans, key=lambda span: span[1])
    moments = []
    while left:
        moments.append(left[0][1])
        left = [(start, end) for start, end in left if not start < moments[-1] <= end]
    assert layers == len(moments)


def test_spans_that_touch_are_two_layers_and_rounding_does_not_join_them() -> None:
    assert count_layers([(0, 1), (1, 2)], tolerance=0) == 2
    assert count_layers([(0, 1), (1 - 1e-12, 2)], tolerance=1e-9) == 2
    assert count_layers([(0, 1), (0.5, 2)], tolerance=1e-9) == 1
