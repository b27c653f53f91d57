"""Pictures of the patch in H_m and in ED: what is read from each ancilla, without colour too."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from ..phases import UNREAD, Phase
from .drawings import (
    ZOOM_PITCH,
    PatchDrawing,
    edge_lines,
    extent,
    face_fills,
    face_names,
    patch_legend,
    qubit_mark,
    qubit_spots,
)
from .svg import Point, picture, text

_TITLE_ROW = 24.0


def phase_picture(drawing: PatchDrawing, phase: Phase) -> Markup:
    """Return the patch in one phase: each qubit with its name and what is read from it."""
    faces = drawing.faces if phase.stage == "detection" else ()
    shown = replace(drawing, roles=phase.roles, faces=faces, faulty_edges=(), faulty_qubits=())
    spots = qubit_spots(drawing.positions, sorted(phase.roles), ZOOM_PITCH, margin=34.0)
    spots = {qubit: (x, y + _TITLE_ROW) for qubit, (x, y) in spots.items()}
    width, height = extent(spots.values(), 34.0)
    width = max(width, 8.0 * len(phase.title))
    legend, tall = patch_legend(shown, width, height, unused=False)
    parts = [
        text(14, 20, phase.title, "strong"),
        face_fills(shown, spots),
        edge_lines(shown, spots),
        face_names(shown, spots),
        *(_phase_qubit(drawing, phase, q, spot) for q, spot in spots.items()),
        legend,
    ]
    return picture(width, height + tall, phase_words(drawing, phase), *parts)


def phase_words(drawing: PatchDrawing, phase: Phase) -> str:
    """Return the alternative text of a phase: which qubit has which role and reads what."""
    by_role: dict[str, list[str]] = {}
    for qubit, role in phase.roles.items():
        label = phase.labels.get(qubit, "")
        name = drawing.names.get(qubit, str(qubit))
        told = "" if label in ("", "H", role) else f" ({label})"
        by_role.setdefault(role, []).append(name + told)
    roles = "; ".join(f"{role}: {', '.join(qubits)}" for role, qubits in by_role.items())
    return f"{phase.title} on {drawing.device}. {roles}."


def _phase_qubit(drawing: PatchDrawing, phase: Phase, qubit: int, spot: Point) -> Markup:
    x, y = spot
    role, label = phase.roles[qubit], phase.labels.get(qubit, "")
    name = drawing.names.get(qubit, str(qubit))
    on = "" if role == UNREAD else " on"
    words = f"qubit {qubit}, {name}: {role}" + (f" {label}" if label not in ("", role) else "")
    rows = [(name, "mid strong"), *((part, "mid small") for part in label.split())]
    top = y + 4.5 - 6 * (len(rows) - 1)
    return qubit_mark(role, spot, 21, words) + Markup("").join(
        text(x, top + 12 * i, part, class_ + on) for i, (part, class_) in enumerate(rows)
    )
