"""What the explorer's page is made of: which runs, which controls, and the choice they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import marimo as mo

from ...analysis.choice import Choice, Faces, face_choices, own_choice, parts_of, switches
from ...analysis.explore_page import fidelity_of, head_html, result_html, short_names, switch_name
from ...analysis.judge import Cut
from ...analysis.points import PointCounts
from ...experiments.errors import UsageError
from ..results import csv_bytes
from .server import results_of

Cell = tuple[object, ...]
"""What a cell of the page returns: names that other cells may use."""

_FACES: Mapping[Faces, str] = {
    "detect": "detect: discard",
    "correct": "correct: decode",
    "ignore": "ignore",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """The runs that a page shows.

    Attributes:
        points: by the name that the page has for each.
        head: the top of the page.
    """

    points: Mapping[str, PointCounts]
    head: str


def shown_runs(folders: Sequence[str]) -> Shown:
    """Return the runs in some folders; a name tells the run if there are several."""
    found = [results_of(folder) for folder in dict.fromkeys(folders)]
    several = len(found) > 1
    runs = [results.points[0].run for results in found]
    ends = dict(zip(runs, short_names(runs), strict=True))
    points = {
        f"{point.label}, run {ends[point.run]}" if several else point.label: point
        for results in found
        for point in results.points
    }
    problems = [
        f"run {ends[results.points[0].run]}: {text}" if several else text
        for results in found
        for text in results.problems
    ]
    return Shown(points=points, head=head_html(runs, problems))


def switch_names(point: PointCounts) -> dict[str, bool]:
    """Return the switches of a point and whether each is on: of a criterion, then of its rounds.

    A round has its own where its criterion has several.
    """
    own, cuts = own_choice(point), switches(point)
    names: dict[str, bool] = {}
    for criterion in dict.fromkeys(cut.criterion for cut in cuts):
        rounds = [cut for cut in cuts if cut.criterion == criterion]
        names[criterion] = any(cut not in own.left_out for cut in rounds)
        if len(rounds) > 1:
            names |= {switch_name(cut, cuts): True for cut in rounds}
    return names


def choice_of(
    point: PointCounts,
    on: Mapping[str, object],
    faces: Faces,
    bases: Mapping[str, object],
    parts: Sequence[float],
) -> Choice:
    """Return the choice that the controls say: a cut is asked if its switches are all on."""
    cuts = switches(point)

    def is_on(cut: Cut) -> bool:
        return bool(on[cut.criterion] and on[switch_name(cut, cuts)])

    first, end = parts
    return Choice(
        left_out=frozenset(cut for cut in cuts if not is_on(cut)),
        faces=faces,
        bases=tuple(name for name in point.measures if bases[name]),
        parts=(int(first), int(end)),
    )


def point_control(shown: Shown) -> mo.ui.dropdown:
    """Return the control of the point that is looked at: the first of the protocol."""
    names = list(shown.points)
    first = next((name for name in names if not shown.points[name].baseline), names[0])
    return mo.ui.dropdown(names, value=first, label="Point", allow_select_none=False)


def others_control(shown: Shown) -> mo.ui.multiselect:
    """Return the control of the points to compare with."""
    return mo.ui.multiselect(list(shown.points), label="Compare with", full_width=True)


def switches_control(point: PointCounts) -> mo.ui.dictionary:
    """Return a switch for each criterion, and for its rounds."""
    on = switch_names(point)
    return mo.ui.dictionary({name: mo.ui.checkbox(on[name], label=name) for name in on})


def faces_control(point: PointCounts) -> mo.ui.radio:
    """Return the control of the readout's faces."""
    names = {_FACES[name]: name for name in face_choices(point)}
    return mo.ui.radio(names, value=_FACES[point.accept.readout], inline=True)


def bases_control(point: PointCounts) -> mo.ui.dictionary:
    """Return a switch for each measured basis."""
    return mo.ui.dictionary({name: mo.ui.checkbox(True, label=name) for name in point.measures})


def parts_control(point: PointCounts) -> mo.ui.range_slider:
    """Return the control of the parts of the run, in tenths."""
    end = parts_of(point)
    return mo.ui.range_slider(0, end, 1, value=[0, end], show_value=True, disabled=end == 1)


def places(point_name: mo.Html, others: mo.Html) -> mo.Html:
    """Return the controls of the points, one below the other."""
    return mo.vstack([point_name, others], gap=0.5).style(max_width="40rem")


def laid_out(
    on: mo.ui.dictionary, faces: mo.ui.radio, bases: mo.ui.dictionary, parts: mo.ui.range_slider
) -> mo.Html:
    """Return the controls of a point, each with what it is about."""
    rows: dict[str, list[mo.Html]] = {
        "Cuts": _by_criterion(on.elements) or [mo.Html("none, or no shots were kept")],
        "Readout's faces": [faces],
        "Bases": [*bases.elements.values()],
        f"Parts of the run, 0 to {int(parts.stop)}": [parts],
    }
    return mo.vstack(
        [
            mo.hstack(
                [mo.Html(f'<b class="hx-name">{name}</b>'), *row],
                justify="start",
                align="start" if name == "Cuts" else "center",
                wrap=True,
                gap=1,
            )
            for name, row in rows.items()
        ],
        gap=0.5,
    )


def _by_criterion(switches: Mapping[str, mo.Html]) -> list[mo.Html]:
    """Return each criterion with its rounds, in the order given, on a line if it has several."""
    groups: dict[str, list[mo.Html]] = {}
    for name, switch in switches.items():
        groups.setdefault(name.partition(",")[0], []).append(switch)
    if all(len(group) == 1 for group in groups.values()):
        return [switch for group in groups.values() for switch in group]
    lines = [mo.hstack(group, justify="start", wrap=True, gap=1) for group in groups.values()]
    return [mo.vstack(lines, gap=0.25)]


def result(shown: Shown, name: str, choice: Choice, others: Sequence[object]) -> mo.Html:
    """Return what the page shows below the controls."""
    point = shown.points[name]
    compared = [shown.points[str(other)] for other in others if other != name]
    try:
        page = mo.Html(result_html(point, choice, compared))
        table = csv_bytes(fidelity_of(point, choice, compared))
    except UsageError as error:
        return mo.callout(str(error), kind="warn")
    save = mo.download(
        table, filename="fidelity.csv", mimetype="text/csv", label="Save the fidelity table as CSV"
    )
    return mo.vstack([page, save])


def folders_of(page: mo.AppMeta) -> list[str]:
    """Return the run folders that the server has told the page.

    Raises:
        UsageError: another server than `hexmagic explore` serves it.
    """
    told = {} if page.request is None else page.request.meta
    if "folders" not in told:
        raise UsageError("the explorer's page knows of no run; start it by `hexmagic explore RUN`")
    return cast(list[str], told["folders"])
