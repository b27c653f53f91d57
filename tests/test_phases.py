"""Phases: what each ancilla does in H_m and in ED, and pictures that say it without colour."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from hexmagic.analysis.phases import (
    ALSO_FLAG,
    BOTH,
    DATA,
    FLAG,
    ROOT,
    UNREAD,
    X_SYNDROME,
    Z_SYNDROME,
    Phase,
    make_phases,
)
from hexmagic.analysis.plots.drawings import PatchDrawing, role_shape
from hexmagic.analysis.plots.phase_pictures import phase_picture, phase_words
from hexmagic.analysis.plots.svg import SHAPES, shape
from hexmagic.experiments.patch import Patch
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import Reuse


def phases_of(
    scheme: str, *, distance: int = 3, rounds: int | None = 1, reuse: Reuse = "reset"
) -> tuple[Patch, tuple[Phase, ...]]:
    program = make_program(scheme=scheme, distance=distance, rounds=rounds, basis="Z", reuse=reuse)
    patch = program.patch
    return patch, make_phases(program.record, patch.data, patch.ancillas)


def counts(phase: Phase) -> dict[str, int]:
    return dict(Counter(phase.roles.values()))


def drawing_of(patch: Patch, phases: tuple[Phase, ...]) -> PatchDrawing:
    assert patch.code is not None
    return PatchDrawing(
        device="patch",
        positions=tuple((2 * x, 2 * y) for x, y in patch.positions),
        edges=patch.edges,
        roles=dict.fromkeys(patch.data, "data") | dict.fromkeys(patch.ancillas, "ancilla"),
        faces=patch.code.faces,
        phases=phases,
    )


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize(
    ("scheme", "in_h_m", "in_ed"),
    [
        ("fold13", {ROOT: 1, FLAG: 5}, {X_SYNDROME: 3, Z_SYNDROME: 3}),
        ("fold14", {ROOT: 1, UNREAD: 6}, {X_SYNDROME: 3, Z_SYNDROME: 3, UNREAD: 1}),
        ("tree16", {ROOT: 1, FLAG: 8}, {X_SYNDROME: 3, Z_SYNDROME: 3, FLAG: 3}),
        ("fold", {ROOT: 1, FLAG: 5}, {BOTH + ALSO_FLAG: 3, FLAG: 3}),
    ],
)
def test_each_scheme_has_its_roles_in_each_phase(
    scheme: str, in_h_m: dict[str, int], in_ed: dict[str, int]
) -> None:
    _, (hadamard, detection) = phases_of(scheme)
    assert counts(hadamard) == {DATA: 7} | in_h_m
    assert counts(detection) == {DATA: 7} | in_ed
    assert [hadamard.title[:3], detection.title[:2]] == ["H_m", "ED"]


def test_a_baseline_has_no_phases() -> None:
    assert phases_of("encoded", rounds=None)[1] == ()


def test_rounds_that_are_alike_are_shown_once_and_others_each() -> None:
    _, alike = phases_of("fold", distance=5, rounds=2)
    assert [phase.stage for phase in alike] == ["hadamard", "detection"]
    _, apart = phases_of("tree16", rounds=2, reuse="deferred")
    assert [phase.title for phase in apart] == [
        "H_m, measurement of H",
        "ED, detection, round 1",
        "ED, detection, round 2",
    ]
    assert counts(apart[1]) == {DATA: 7, X_SYNDROME: 3, Z_SYNDROME: 3, UNREAD: 3}


def test_labels_tell_checks_products_of_faces_and_checks_one_after_the_other() -> None:
    _, (hadamard, detection) = phases_of("tree16")
    assert sorted(detection.labels.values()) == sorted(
        ["Z0", "Z1", "Z2", "X0", "X0X1", "X0X2", "flag", "flag", "flag"]
    )
    assert Counter(hadamard.labels.values()) == {"H": 1, "flag": 8}
    _, (_, folded) = phases_of("fold")
    assert sorted(folded.labels.values()) == ["XZ0", "XZ1", "XZ2", "flag", "flag", "flag"]
    _, (_, large) = phases_of("fold", distance=5, rounds=2)
    assert "XZ0 XZ4" in large.labels.values()


def test_on_a_device_the_same_roles_are_at_the_layouts_qubits() -> None:
    _, (hadamard, _) = phases_of("fold13")
    moved = hadamard.on_device([100 + 3 * q for q in range(13)])
    assert moved.roles == {100 + 3 * q: role for q, role in hadamard.roles.items()}
    assert moved.labels == {100 + 3 * q: label for q, label in hadamard.labels.items()}


def test_every_role_has_a_shape_of_its_own() -> None:
    roles = (DATA, ROOT, FLAG, X_SYNDROME, Z_SYNDROME, BOTH)
    assert len({role_shape(role)[0] for role in roles}) == len(roles) == len(SHAPES)
    assert role_shape(BOTH + ALSO_FLAG) == role_shape(BOTH)
    assert role_shape(UNREAD)[1] != role_shape(FLAG)[1]


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_keeps_to_its_place(kind: str) -> None:
    drawn = str(shape(kind, (100.0, 50.0), 10.0, "data"))
    corners = [tuple(map(float, p)) for p in re.findall(r"([\d.]+),([\d.]+)", drawn)]
    assert all(abs(x - 100) <= 13 and abs(y - 50) <= 13 for x, y in corners)
    if kind in ("house", "funnel"):
        tip = 37.0 if kind == "house" else 63.0
        assert (100.0, tip) in corners


def test_the_picture_of_a_phase_writes_every_name_and_label() -> None:
    patch, phases = phases_of("tree16")
    drawing = drawing_of(patch, phases)
    for phase in phases:
        written = Counter(texts(phase_picture(drawing, phase)))
        assert all(written[str(qubit)] == 1 for qubit in range(16))
        for label, times in Counter(phase.labels.values()).items():
            assert written[label] == times
        assert written[phase.title] == 1


def test_only_the_picture_of_ed_shows_the_faces() -> None:
    patch, phases = phases_of("fold13")
    drawing = drawing_of(patch, phases)
    named = [
        {f"F{i}" for i in range(3)} & set(texts(phase_picture(drawing, phase))) for phase in phases
    ]
    assert named == [set(), {"F0", "F1", "F2"}]


def test_the_words_of_a_phase_tell_who_does_what() -> None:
    _, phases = phases_of("tree16")
    names = {qubit: f"q{qubit}" for qubit in range(16)}
    drawing = PatchDrawing(device="d", positions=(), edges=(), roles={}, names=names, phases=phases)
    assert "root: outcome of H: q7" in phase_words(drawing, phases[0])
    words = phase_words(drawing, phases[1])
    assert "Z syndrome: q7 (Z2), q11 (Z0), q13 (Z1)" in words
    assert "flag: q10, q12, q14" in words
