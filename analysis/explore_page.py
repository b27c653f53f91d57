"""The explorer's page: points under a choice of cuts, as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from markupsafe import Markup

from .choice import Choice, choice_for, chosen, cut_name, own_choice, parts_of
from .explore import explore
from .judge import Cut
from .numbers import grouped, percent
from .pages import template
from .plots.bars import cutflow_plot
from .plots.drift import drift_plot
from .plots.fidelity import fidelity_plot, infidelity_plot
from .plots.svg import PICTURE_STYLE, THEME, hatchings
from .points import PointCounts
from .report.columns import Table, count_words, interval_column, make_column, make_table
from .report.judged import infidelity_view, judged
from .report.tables import cutflow_view, fidelity_view, points_view, summed_flow
from .tables.basic import fidelity_table
from .tables.drift import drift_table
from .wording import TOMOGRAPHY

# Custom properties and classes hold inside class "hx" only: the page around it has its own.
_PAGE = """
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:var(--ink);
h1{font-size:1.5rem;line-height:1.2;margin:0 2.5rem 4px 0;font-weight:700}
h2{font-size:1.15rem;margin:22px 0 6px;font-weight:650}
p{margin:6px 0;max-width:46em}.note{color:var(--muted);font-size:.875rem;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.875rem}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:12px;
white-space:pre-wrap;margin:6px 0}
.problems{border:2px solid var(--bad);border-radius:8px;padding:4px 16px 10px;margin:12px 0}
.problems h2{color:var(--bad);margin:4px 0}.problems ul{list-style:disc;padding-left:20px}
.problems li{overflow-wrap:anywhere}
.tiles{display:grid;
grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:0 0 14px}
.tile{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:8px 12px}
.tile dt{color:var(--muted);font-size:.8125rem}
.tile dd{margin:0;font-size:1.25rem;font-weight:600}
.below{display:block;color:var(--muted);font-size:.8125rem;font-weight:400;white-space:nowrap}
.scroll{overflow-x:auto;max-width:100%;min-width:0}
table{border-collapse:collapse;
font-size:.875rem;font-variant-numeric:tabular-nums;margin:12px 0 4px}
caption{text-align:left;font-weight:600;padding-bottom:4px}
th,td{padding:5px 10px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{vertical-align:bottom;color:var(--muted);border-bottom:1px solid var(--muted)}
tbody th{font-weight:600}tr.baseline th{font-weight:400}
.num{text-align:right;white-space:nowrap}thead .num{white-space:normal}
.pictures{display:flex;flex-wrap:wrap;gap:16px 24px;margin:10px 0}
.pictures svg{max-width:100%;height:auto;display:block}
.patterns{position:absolute;width:0;height:0}
"""
STYLE = f"{THEME.replace(':root', '.hx')}.hx{{{_PAGE}{PICTURE_STYLE}}}"
"""For the head of a page; it holds inside elements of class "hx"."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """What the page shows of a choice, ready for its template; None of what there is nothing of."""

    kept: str
    shots: str
    acceptance: str
    measures: str
    own: bool
    counted: Sequence[str]
    fidelity: Table | None
    infidelity: Table | None
    points: Table | None
    costs: Table | None
    cutflow: Table | None
    plots: Sequence[Markup]
    bars: Markup | None
    drift: Markup | None
    accept: str


def head_html(runs: Sequence[str], problems: Sequence[str]) -> str:
    """Return the top of the page: which runs it shows, and what of them is missing or damaged."""
    return str(_macro("head")(runs, problems))


def result_html(point: PointCounts, choice: Choice, others: Sequence[PointCounts] = ()) -> str:
    """Return the tables and pictures of a point under a choice.

    Args:
        point: the point.
        choice: of its cuts, bases and parts.
        others: points to compare with, under the same cuts as far as they have them.

    Raises:
        UsageError: the point does not have what is chosen.
    """
    return str(_macro("result")(_result(point, choice, others)))


def fidelity_of(
    point: PointCounts, choice: Choice, others: Sequence[PointCounts] = ()
) -> pd.DataFrame:
    """Return the fidelity table of a point under a choice, others under the same cuts: its rows."""
    under = [chosen(other, choice_for(point, other, choice)) for other in others]
    return fidelity_table([chosen(point, choice), *under])


def switch_name(cut: Cut, cuts: Sequence[Cut]) -> str:
    """Return a cut's name beside its switch; the round is said where there are several."""
    several = len({one.round for one in cuts if one.criterion == cut.criterion}) > 1
    return cut_name(cut) if several else cut.criterion


def short_names(runs: Sequence[str]) -> list[str]:
    """Return the ends of runs' ids, or the ids where two ends are the same."""
    ends = [run.rpartition("-")[2] for run in runs]
    return ends if len(set(ends)) == len(set(runs)) else list(runs)


def costs_rows(frame: pd.DataFrame) -> Table:
    """Return what each switch costs, ready for the page."""
    rows = frame.to_dict("records")
    cuts = [Cut(row["criterion"], int(row["round"])) for row in rows]
    named = [row | {"name": switch_name(cut, cuts)} for row, cut in zip(rows, cuts, strict=True)]
    columns = [
        make_column(named, "name", "cut", str, numeric=False),
        make_column(named, "on", "is", lambda on: "on" if on else "off", numeric=False),
        make_column(named, "failed", "shots that fail it", count_words),
        make_column(named, "alone", "shots that it alone decides", count_words),
        interval_column(named, "fidelity", "F if it were switched"),
    ]
    return make_table(columns, [])


def _result(point: PointCounts, choice: Choice, others: Sequence[PointCounts]) -> Result:
    found = explore(point, choice)
    compared = _with_runs(fidelity_of(point, choice, others))
    tomography = compared[compared["estimate"].isin(TOMOGRAPHY)]
    sampled = found.points[found.points["basis"] != "H_ideal"]
    kept, shots = int(sampled["kept"].sum()), int(sampled["shots"].sum())
    known = compared[compared["fidelity"].notna()]
    flow = found.cutflow[found.cutflow["criterion"] != "all"]  # that of counts alone has one row
    return Result(
        kept=grouped(kept),
        shots=grouped(shots),
        acceptance=percent(kept / shots if shots else float("nan")),
        measures=f"of shots read in {', '.join(sampled['basis'])}" if shots else "no shots",
        own=replace(choice, bases=point.measures) == own_choice(point),
        counted=found.counted,
        fidelity=None if tomography.empty else fidelity_view(tomography),
        infidelity=None if judged(compared).empty else infidelity_view(judged(compared)),
        points=None if found.points.empty else points_view(found.points),
        costs=None if found.costs.empty else costs_rows(found.costs),
        cutflow=None if flow.empty else cutflow_view(flow),
        plots=[] if known.empty else [fidelity_plot(known), infidelity_plot(known)],
        bars=None if flow.empty else cutflow_plot(summed_flow(flow)),
        drift=_drift(point, choice),
        accept=found.accept,
    )


def _with_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the run in each label, if there are several."""
    runs = list(frame["run"].unique())
    if len(runs) < 2:
        return frame
    ends = dict(zip(runs, short_names(runs), strict=True))
    return frame.assign(label=frame["label"] + ", run " + frame["run"].map(ends))


def _drift(point: PointCounts, choice: Choice) -> Markup | None:
    """Return the picture of all parts, those that are not chosen too; None without shots."""
    whole = chosen(point, replace(choice, parts=(0, parts_of(point))))
    if parts_of(point) < 2 or not whole.cuts:
        return None
    return drift_plot(drift_table([whole]))


def _macro(name: str) -> Callable[..., Markup]:
    module = template("explore.html.j2").make_module({"hatchings": hatchings()})
    macro: Callable[..., Markup] = getattr(module, name)
    return macro
