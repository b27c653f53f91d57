"""The report of a run: one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from ..pages import template
from ..plots.bars import cutflow_plot, timeline_notes, timeline_plot
from ..plots.drawings import PatchDrawing, device_map, face_words, patch_picture
from ..plots.fidelity import STABILISER_BOUND, fidelity_plot, infidelity_plot
from ..plots.phase_pictures import phase_picture
from ..plots.published import published_plot
from ..plots.published_marks import published_sources
from ..plots.svg import PICTURE_STYLE, THEME, hatchings
from ..text.cutflow import WHOLE
from ..timeline import TimedBlock
from ..wording import JUDGED
from .certificate import certificate_views, point_verdict
from .columns import Table
from .judged import infidelity_view, judged, judged_points
from .members import Member, member_words
from .pictures import bloch_pictures, drift_pictures, flag_pictures, predicted_pictures
from .strata import strata_views
from .summary import findings, sigma_words
from .tables import (
    CALIBRATION_COLUMNS,
    calibration_view,
    cutflow_view,
    difference_view,
    fidelity_view,
    flat_rows,
    points_view,
    stage_view,
    summed_flow,
)

__all__ = ["CALIBRATION_COLUMNS", "PatchDrawing", "ReportData", "render_report"]


_SECTIONS = (
    ("summary", "Summary"),
    ("fidelity", "Fidelity"),
    ("differences", "Differences"),
    ("predicted", "Predicted"),
    ("patch", "Device and patch"),
    ("circuit", "Circuit"),
    ("cutflow", "Cut-flow"),
    ("flags", "Flags"),
    ("drift", "Drift"),
    ("strata", "Strata"),
    ("certificate", "Certificate"),
    ("calibration", "Calibration"),
    ("rewrites", "Engine"),
    ("provenance", "Provenance"),
    ("reproduce", "Reproduce"),
    ("glossary", "Glossary"),
)
_OPTIONAL = ("differences", "strata", "flags", "predicted", "drift")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportData:
    """Everything that a report shows; anything but the names may be empty.

    Attributes:
        run: id of the run; of several, all of them.
        name: name of the experiment.
        description: its description.
        created: when the run was made, ISO 8601.
        fidelity: fidelity table (docs/tables.md); the other tables likewise.
        cutflow: cut-flow table.
        points: points table.
        strata: strata table; empty if nothing was estimated by strata.
        states: most likely states within the ball; empty if they were not estimated.
        flags: firing rate of each checked bit (plots/flags.py); empty if it is not known.
        predicted: predicted and measured quantities (plots/predicted.py); empty if unpredicted.
        drift: acceptance and <P> by part of the run (plots/drift.py); empty if it is not known.
        differences: how far several runs lie apart (`comparison`); empty for a single one.
        keeps_shots: whether the run folder holds raw shots, not only what they count.
        drawing: the patch on its device, by point label.
        stages: the compiled circuit's blocks in order, by point label.
        calibration: one row per used qubit and per used edge: `CALIBRATION_COLUMNS`.
        certificate: a document that `certificate.certificate_views` takes, or None.
        provenance: versions, seeds, layout and so on; nested mappings and lists are fine.
        rewrites: what the engine made other than compiled, in words.
        problems: what failed or is missing, in words; shown first.
        reproduce: commands that make the run again; made from the run's id if empty.
        members: the runs that a report of several shows; empty for a single one.
    """

    run: str
    name: str
    description: str
    created: str
    fidelity: pd.DataFrame
    cutflow: pd.DataFrame
    points: pd.DataFrame
    strata: pd.DataFrame = field(default_factory=pd.DataFrame)
    states: pd.DataFrame = field(default_factory=pd.DataFrame)
    flags: pd.DataFrame = field(default_factory=pd.DataFrame)
    predicted: pd.DataFrame = field(default_factory=pd.DataFrame)
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    keeps_shots: bool = True
    drawing: Mapping[str, PatchDrawing] = field(default_factory=dict)
    stages: Mapping[str, tuple[TimedBlock, ...]] = field(default_factory=dict)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    certificate: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    reproduce: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What several points have in common: their labels and what to show once for all of them.

    `phases` are pictures of the patch in H_m and in ED, side by side.
    """

    labels: tuple[str, ...]
    pictures: tuple[Markup, ...]
    phases: tuple[Markup, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()


def render_report(data: ReportData) -> str:
    """Return the report as one self-contained HTML document.

    No scripts, no external styles, fonts or pictures; a content security policy in the page
    forbids them. Every text is escaped. Pictures are inline SVG with alternative text that follow
    the reader's light or dark theme; paper is always light.
    """
    tomography = data.fidelity.drop(index=judged(data.fidelity).index)
    found, ideal = findings(tomography), judged_points(data.fidelity)
    certificates = certificate_views(data.certificate)
    labels = dict.fromkeys([*(f.label for f in found), *ideal])
    return template("report.html.j2").render(
        data=data,
        sections=[s for s in _SECTIONS if s[0] not in _OPTIONAL or not getattr(data, s[0]).empty],
        theme=Markup(THEME + PICTURE_STYLE),
        hatchings=hatchings(),
        bound=STABILISER_BOUND,
        sigma_words=sigma_words,
        findings=found,
        judgements=ideal,
        terms=_terms(data),
        setting=_setting(data),
        fidelity=fidelity_view(tomography),
        infidelity=infidelity_view(judged(data.fidelity)),
        plots=_plots(data.fidelity, tomography),
        blochs=bloch_pictures(tomography, data.states),
        published=published_plot(data.fidelity),
        sources=published_sources(),
        several=member_words(data.members) if data.members else "",
        differences=None if data.differences.empty else difference_view(data.differences),
        predicted=predicted_pictures(data.predicted),
        flags=flag_pictures(data.flags),
        drift=drift_pictures(data.drift),
        maps=_maps(data.drawing),
        circuits=_circuits(data.stages),
        cutflows=_cutflows(data.cutflow),
        early=_early(data.cutflow),
        strata=strata_views(data.strata) if not data.strata.empty else (),
        points=points_view(data.points[~data.points["basis"].isin(JUDGED)]),
        certificates=certificates,
        verdicts={label: point_verdict(certificates, label) for label in labels},
        runs=list(dict.fromkeys(data.fidelity["run"])) or [data.run],
        calibration_qubits=calibration_view(data.calibration, "qubit"),
        calibration_edges=calibration_view(data.calibration, "edge"),
        provenance=flat_rows(data.provenance),
        reproduce=data.reproduce or _commands(data.run),
    )


def _setting(data: ReportData) -> str:
    """Return where the run ran, in words, with the size of each device that is drawn."""
    sizes = {d.device: len(d.positions) for d in data.drawing.values()}
    parts = []
    for device in dict.fromkeys(data.fidelity["device"]):
        rows = data.fidelity[data.fidelity["device"] == device]
        size = f" ({sizes[device]} qubits)" if device in sizes else ""
        noises, engines = (", ".join(dict.fromkeys(rows[key])) for key in ("noise", "backend"))
        parts.append(f"{device}{size}, engine {engines}, noise {noises}")
    return "; ".join(parts) or "no point has been run"


def _plots(fidelity: pd.DataFrame, tomography: pd.DataFrame) -> tuple[Markup, ...]:
    """Return F where it comes from <X> and <Z>, and 1 - F of every row."""
    first = () if tomography.empty else (fidelity_plot(tomography),)
    return first if fidelity.empty else (*first, infidelity_plot(fidelity))


def _terms(data: ReportData) -> frozenset[str]:
    """Return which words beyond the usual ones the report uses and must explain."""
    methods = " ".join(data.fidelity["method"])
    names = {*data.fidelity["estimate"], *data.fidelity["backend"]}
    names |= {name for name in ("clopper-pearson", "stratified") if name in methods}
    return frozenset(names)


def _maps(drawings: Mapping[str, PatchDrawing]) -> list[_Shared]:
    return [
        _Shared(
            labels=labels,
            pictures=(device_map(drawing), patch_picture(drawing)),
            phases=tuple(phase_picture(drawing, phase) for phase in drawing.phases),
            notes=face_words(drawing),
        )
        for labels, drawing in _grouped(drawings)
    ]


def _circuits(stages: Mapping[str, tuple[TimedBlock, ...]]) -> list[_Shared]:
    return [
        _Shared(
            labels=labels,
            table=stage_view(blocks),
            pictures=tuple(plot for plot in [timeline_plot(blocks)] if plot is not None),
            notes=timeline_notes(blocks),
        )
        for labels, blocks in _grouped(stages)
        if blocks
    ]


def _cutflows(frame: pd.DataFrame) -> list[_Shared]:
    """Return the cut-flow of each point whose shots were counted criterion by criterion."""
    counted = frame[frame["criterion"] != WHOLE]
    return [
        _Shared(
            labels=(str(part["label"].iloc[0]),),
            table=cutflow_view(part),
            pictures=(cutflow_plot(summed_flow(part)),),
        )
        for _, part in counted.groupby(["run", "point"], sort=False)
    ]


def _early(frame: pd.DataFrame) -> list[str]:
    """Return the points with shots that were discarded early, with the measures, in words."""
    early = frame[frame["criterion"] == WHOLE]
    return [
        f"{part['label'].iloc[0]} in {', '.join(part['basis']).replace('_', ' ')}"
        for _, part in early.groupby(["run", "point"], sort=False)
    ]


def _grouped[T](by_label: Mapping[str, T]) -> list[tuple[tuple[str, ...], T]]:
    """Return the distinct values in order, each with every label that has it."""
    groups: list[tuple[list[str], T]] = []
    for label, value in by_label.items():
        same: Iterable[list[str]] = (labels for labels, other in groups if other == value)
        labels = next(iter(same), None)
        if labels is None:
            groups.append(([label], value))
        else:
            labels.append(label)
    return [(tuple(labels), value) for labels, value in groups]


def _commands(run: str) -> tuple[str, ...]:
    return (
        f"hexmagic check runs/{run}/spec.yaml",
        f"hexmagic run runs/{run}/spec.yaml",
        f"hexmagic table {run} --kind cutflow --format csv -o cutflow.csv",
        f"hexmagic certify runs/{run}/spec.yaml",
        f"hexmagic report {run} -o report.html",
    )
