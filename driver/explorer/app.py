# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The explorer's page: a marimo app, which `hexmagic explore` serves.

Each function is a cell. Its arguments are what other cells return; it runs again when the value
of a control that it reads changes. Its last expression is what the page shows of it.
"""

import marimo

app = marimo.App(width="medium", app_title="hexmagic explore")

with app.setup:
    import marimo as mo

    # By full name: marimo runs this file as a script, which has no package.
    from hexmagic.analysis.points import PointCounts
    from hexmagic.driver.explorer import controls


@app.cell
def _() -> controls.Cell:
    shown = controls.shown_runs(controls.folders_of(mo.app_meta()))
    mo.Html(shown.head)
    return (shown,)


@app.cell
def _(shown: controls.Shown) -> controls.Cell:
    point_name = controls.point_control(shown)
    others = controls.others_control(shown)
    controls.places(point_name, others)
    return others, point_name


@app.cell
def _(point_name: mo.ui.dropdown, shown: controls.Shown) -> controls.Cell:
    point = shown.points[point_name.value]
    on = controls.switches_control(point)
    faces = controls.faces_control(point)
    bases = controls.bases_control(point)
    parts = controls.parts_control(point)
    controls.laid_out(on, faces, bases, parts)
    return bases, faces, on, parts, point


@app.cell
def _(
    bases: mo.ui.dictionary,
    faces: mo.ui.radio,
    on: mo.ui.dictionary,
    others: mo.ui.multiselect,
    parts: mo.ui.range_slider,
    point: PointCounts,
    point_name: mo.ui.dropdown,
    shown: controls.Shown,
) -> controls.Cell:
    choice = controls.choice_of(point, on.value, faces.value, bases.value, parts.value)
    controls.result(shown, point_name.value, choice, others.value)
    return ()


if __name__ == "__main__":
    app.run()
