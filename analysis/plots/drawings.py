"""Pictures of a device and of the patch on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ..phases import ALSO_FLAG, BOTH, UNREAD, X_SYNDROME, Z_SYNDROME, Phase
from .geometry import convex_hull, label_place
from .svg import Point, cross, dots, lines, picture, polygon, shape, tag, text

Edge = tuple[int, int]

_MAP_PITCH = 23.0
ZOOM_PITCH = 54.0
_LEGEND_ROW = 24.0
_FACE_KEYS = "abc"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchDrawing:
    """A device with a patch on it, by physical qubit.

    Attributes:
        device: the device's name.
        positions: place (x, y) of each qubit, y growing downwards, one unit per edge.
        edges: coupled pairs.
        roles: what each used qubit does: "data" is drawn as a circle, a role with the word "root"
            as a diamond, any other as a square. Qubits that are not in it are drawn faint.
        names: short name of a used qubit, such as "n1"; may lack some.
        faces: the data qubits of each face of the code.
        faulty_edges: pairs that must not be used; they are crossed out.
        faulty_qubits: likewise.
        phases: what each used qubit does in H_m and in ED; empty for a patch without them.
    """

    device: str
    positions: tuple[tuple[float, float], ...]
    edges: tuple[Edge, ...]
    roles: Mapping[int, str]
    names: Mapping[int, str] = field(default_factory=dict)
    faces: tuple[tuple[int, ...], ...] = ()
    faulty_edges: tuple[Edge, ...] = ()
    faulty_qubits: tuple[int, ...] = ()
    phases: tuple[Phase, ...] = ()


def device_map(drawing: PatchDrawing) -> Markup:
    """Return the whole device, faint, with the patch's qubits on it by role."""
    spots = qubit_spots(drawing.positions, range(len(drawing.positions)), _MAP_PITCH, margin=34.0)
    width, height = extent(spots.values(), 16.0)
    words = (
        f"Map of {drawing.device}: {len(drawing.positions)} qubits, {len(drawing.roles)} of them "
        f"used by the patch ({_counts(drawing.roles.values())}); faulty: "
        f"{len(drawing.faulty_edges)} edges, {len(drawing.faulty_qubits)} qubits."
    )
    parts = [
        face_fills(drawing, spots),
        edge_lines(drawing, spots),
        dots((spot for q, spot in spots.items() if q not in drawing.roles), "dots"),
        *(qubit_mark(role, spots[q], 8, _tooltip(drawing, q)) for q, role in drawing.roles.items()),
        _crosses(drawing, spots, 4.0),
        *_row_numbers(spots),
    ]
    return picture(width, height, words, *parts)


def patch_picture(drawing: PatchDrawing) -> Markup:
    """Return the patch and its neighbours, enlarged, each qubit with its number and name."""
    near = {q for edge in drawing.edges if set(edge) & set(drawing.roles) for q in edge}
    near |= set(drawing.roles)
    spots = qubit_spots(drawing.positions, sorted(near), ZOOM_PITCH, margin=34.0)
    width, height = extent(spots.values(), 34.0)
    unused = len(spots) > len(drawing.roles)
    legend, tall = patch_legend(drawing, width, height, unused=unused)
    parts = [
        face_fills(drawing, spots),
        edge_lines(drawing, spots),
        *(_large_qubit(drawing, q, spot) for q, spot in spots.items()),
        _crosses(drawing, spots, 7.0),
        face_names(drawing, spots),
        legend,
    ]
    return picture(width, height + tall, patch_words(drawing), *parts)


def patch_words(drawing: PatchDrawing) -> str:
    """Return the alternative text of a patch: which qubit has which role and which faces."""
    by_role: dict[str, list[str]] = {}
    for qubit, role in drawing.roles.items():
        name = drawing.names.get(qubit)
        by_role.setdefault(role, []).append(f"{qubit} ({name})" if name else str(qubit))
    roles = "; ".join(f"{role}: {', '.join(qubits)}" for role, qubits in by_role.items())
    parts = [f"The patch on {drawing.device}", roles, "; ".join(face_words(drawing))]
    return ". ".join(part for part in parts if part) + "."


def face_words(drawing: PatchDrawing) -> tuple[str, ...]:
    """Return each face in words: "F0: 3, 5, 17, 23"."""
    return tuple(f"F{i}: {', '.join(map(str, face))}" for i, face in enumerate(drawing.faces))


def role_shape(role: str) -> tuple[str, str]:
    """Return the shape and the style class of a role.

    A circle for data, a diamond for a root, a square with a point upwards, downwards or both for
    an ancilla that reads an X, a Z or both kinds of syndrome, a square for any other ancilla.
    """
    known = {"data": ("circle", "data"), UNREAD: ("square", "unread")}
    known |= {X_SYNDROME: ("house", "x-check"), Z_SYNDROME: ("funnel", "z-check")}
    known |= {BOTH: ("hexagon", "xz-check")}
    name = role.removesuffix(ALSO_FLAG)
    if name in known:
        return known[name]
    return ("diamond", "root") if "root" in role else ("square", "ancilla")


def qubit_mark(role: str, centre: Point, radius: float, words: str) -> Markup:
    """Return the mark of a used qubit, with a tooltip."""
    kind, class_ = role_shape(role)
    return shape(kind, centre, radius, class_, tag("title", words))


def face_fill(corners: Sequence[Point], key: str) -> Markup:
    """Return a face: a tint and a hatching of its own, over the hull of its data qubits."""
    hull = convex_hull(corners)
    return polygon(hull, f"face-{key}") + polygon(hull, f"hatch-{key}")


def face_keys(faces: Sequence[Sequence[int]]) -> list[str]:
    """Return one of three styles for each face, so that faces that share an edge differ.

    Colour-code faces are three-colourable; the face with the most coloured neighbours comes next
    (D. Brelaz, Commun. ACM 22, 251, 1979), which then never needs a fourth colour.
    """
    near = {
        i: {j for j, other in enumerate(faces) if j != i and len(set(face) & set(other)) > 1}
        for i, face in enumerate(faces)
    }
    keys: dict[int, str] = {}
    while len(keys) < len(faces):
        taken = {i: {keys[j] for j in near[i] if j in keys} for i in near if i not in keys}
        face = max(taken, key=lambda i: len(taken[i]))
        free = [key for key in _FACE_KEYS if key not in taken[face]]
        keys[face] = free[0] if free else _FACE_KEYS[face % 3]
    return [keys[i] for i in range(len(faces))]


def patch_legend(
    drawing: PatchDrawing, width: float, top: float, *, unused: bool
) -> tuple[Markup, float]:
    """Return what the marks mean, in columns below `top`, and the height that it takes.

    `unused`: whether qubits beside the patch are drawn.
    """
    entries = [
        (qubit_mark(role, (10, 0), 8, role), f"{role} ({list(drawing.roles.values()).count(role)})")
        for role in sorted(set(drawing.roles.values()), key=lambda role: (role != "data", role))
    ]
    if drawing.faces:
        box = [(0.0, -7.0), (20.0, -7.0), (20.0, 7.0), (0.0, 7.0)]
        entries.append((face_fill(box, "a"), f"face: X and Z check ({len(drawing.faces)})"))
    if unused:
        entries.append((shape("circle", (10, 0), 5, "idle"), "qubit not used"))
    if drawing.faulty_edges:
        mark = lines([((0, 0), (20, 0))], "edge broken") + cross((10, 0), 5)
        entries.append((mark, f"faulty edge ({len(drawing.faulty_edges)})"))
    if drawing.faulty_qubits:
        mark = shape("circle", (10, 0), 5, "idle") + cross((10, 0), 5)
        entries.append((mark, f"faulty qubit ({len(drawing.faulty_qubits)})"))
    longest = max(len(words) for _, words in entries)
    columns = 2 if width >= max(400, 2 * (46 + 6.5 * longest)) else 1
    rows = -(-len(entries) // columns)
    parts = []
    for i, (mark, words) in enumerate(entries):
        x, y = 16 + (i // rows) * width / 2, top + _LEGEND_ROW * (i % rows + 0.5)
        place = f"translate({x:g} {y:g})"
        parts.append(tag("g", mark, text(30, 4.5, words), transform=place))
    return Markup("").join(parts), _LEGEND_ROW * rows + 8


def qubit_spots(
    positions: Sequence[Point], qubits: Iterable[int], pitch: float, margin: float
) -> dict[int, Point]:
    """Return the place of each qubit in the picture, the leftmost and topmost at `margin`."""
    chosen = list(qubits)
    left = min(positions[q][0] for q in chosen)
    top = min(positions[q][1] for q in chosen)
    return {
        q: (margin + pitch * (positions[q][0] - left), margin + pitch * (positions[q][1] - top))
        for q in chosen
    }


def extent(spots: Iterable[Point], margin: float) -> Point:
    """Return the width and height that hold some places, with a margin on the far sides."""
    places = list(spots)
    return max(x for x, _ in places) + margin, max(y for _, y in places) + margin


def edge_lines(drawing: PatchDrawing, spots: Mapping[int, Point]) -> Markup:
    """Return the edges between the qubits in `spots`, those within the patch stronger."""
    broken = {frozenset(edge) for edge in drawing.faulty_edges}
    styles: dict[str, list[tuple[Point, Point]]] = {"edge": [], "edge broken": [], "used": []}
    for u, v in drawing.edges:
        if u in spots and v in spots:
            used = u in drawing.roles and v in drawing.roles
            style = "edge broken" if {u, v} in broken else "used" if used else "edge"
            styles[style].append((spots[u], spots[v]))
    return Markup("").join(lines(pairs, style) for style, pairs in styles.items() if pairs)


def _crosses(drawing: PatchDrawing, spots: Mapping[int, Point], radius: float) -> Markup:
    edges = [_middle(spots[u], spots[v]) for u, v in drawing.faulty_edges if {u, v} <= set(spots)]
    qubits = [spots[q] for q in drawing.faulty_qubits if q in spots]
    return Markup("").join(cross(place, radius) for place in edges + qubits)


def face_fills(drawing: PatchDrawing, spots: Mapping[int, Point]) -> Markup:
    """Return the faces of the code, each over its data."""
    keys = face_keys(drawing.faces)
    return Markup("").join(
        face_fill([spots[q] for q in face], key)
        for face, key in zip(drawing.faces, keys, strict=True)
    )


def face_names(drawing: PatchDrawing, spots: Mapping[int, Point]) -> Markup:
    """Return F0, F1 and so on, each where it covers neither a qubit nor another face's name."""
    hulls = [convex_hull(spots[q] for q in face) for face in drawing.faces]
    marks = list(spots.values())
    parts = []
    for i, hull in enumerate(hulls):
        x, y = label_place(hull, hulls[:i] + hulls[i + 1 :], marks)
        marks.append((x, y))
        back = tag("rect", x=x - 13, y=y - 10, width=26, height=20, rx=4, class_="paper")
        parts.append(back + text(x, y + 4.5, f"F{i}", "mid strong"))
    return Markup("").join(parts)


def _large_qubit(drawing: PatchDrawing, qubit: int, spot: Point) -> Markup:
    x, y = spot
    if qubit not in drawing.roles:
        return shape("circle", spot, 13, "idle") + text(x, y + 4, qubit, "mid small muted")
    mark = qubit_mark(drawing.roles[qubit], spot, 21, _tooltip(drawing, qubit))
    name = drawing.names.get(qubit)
    if name is None:
        return mark + text(x, y + 5, qubit, "mid on strong")
    return mark + text(x, y - 1, qubit, "mid on strong") + text(x, y + 12, name, "mid on small")


def _row_numbers(spots: Mapping[int, Point]) -> list[Markup]:
    """Return the number of the leftmost qubit of each row, in the left margin."""
    first: dict[float, int] = {}
    for qubit, (x, y) in spots.items():
        if y not in first or x < spots[first[y]][0]:
            first[y] = qubit
    margin = min(x for x, _ in spots.values()) - 11
    return [text(margin, y + 4, q, "end small muted") for y, q in first.items()]


def _tooltip(drawing: PatchDrawing, qubit: int) -> str:
    name = drawing.names.get(qubit)
    return f"qubit {qubit}: {drawing.roles[qubit]}" + (f" {name}" if name else "")


def _counts(roles: Iterable[str]) -> str:
    listed = list(roles)
    return ", ".join(f"{listed.count(role)} {role}" for role in dict.fromkeys(listed))


def _middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
