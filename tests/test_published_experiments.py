"""The published points: a table with documented dtypes, complete, cited and plausible."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hexmagic.analysis.overhead.published_experiments import (
    PUBLISHED,
    published_experiments,
)

TABLE = published_experiments()
SOURCES = list(TABLE["source"] + " " + TABLE["p"].astype(str))

KINDS = ("experiment", "simulation")
CHECKS = ("abstract", "a collection that cites it", "as noted, not checked")


def find(source: str, column: str) -> float:
    return float(TABLE.set_index("source")[column][source])


def test_the_columns_have_the_documented_dtypes() -> None:
    assert {name: str(dtype) for name, dtype in TABLE.dtypes.items()} == dict(PUBLISHED)


def test_experiments_and_simulations_are_told_apart_by_their_p() -> None:
    assert set(TABLE["kind"]) == set(KINDS)
    assert ((TABLE["kind"] == "simulation") == TABLE["p"].notna()).all()


@pytest.mark.parametrize("row", TABLE.to_dict("records"), ids=SOURCES)
def test_a_row_is_cited_and_says_what_it_was_checked_against(row: dict[str, object]) -> None:
    assert str(row["year"]) in str(row["citation"])
    assert str(row["source"]).endswith(str(row["year"]))
    assert str(row["source"]).rpartition(" ")[0] in str(row["citation"])
    assert row["checked"] in CHECKS
    assert row["where"] in ("abstract", "not looked up")
    assert all(row[name] for name in ("platform", "code", "what"))


@pytest.mark.parametrize("row", TABLE.to_dict("records"), ids=SOURCES)
def test_the_reference_is_the_citation_in_short(row: dict[str, object]) -> None:
    reference, citation = str(row["reference"]), str(row["citation"])
    authors, _, place = reference.partition(" et al., ")
    assert citation.startswith(authors)
    assert place in citation
    assert place.endswith(f"({row['year']})")
    assert len(reference) < 60


def test_values_lie_in_their_errors_and_rates_in_their_range() -> None:
    errors = TABLE.dropna(subset=["infidelity_low", "infidelity_high"])
    assert (errors["infidelity_low"] <= errors["infidelity"]).all()
    assert (errors["infidelity"] <= errors["infidelity_high"]).all()
    assert TABLE["acceptance"].between(0, 1, inclusive="right").all()
    assert TABLE["infidelity"].between(1e-10, 0.146).all()  # all beat the stabiliser bound
    assert TABLE["distance"].isin((2, 3)).all()


def test_every_experiment_has_errors() -> None:
    experiments = TABLE[TABLE["kind"] == "experiment"]
    assert experiments[["infidelity_low", "infidelity_high"]].notna().all(axis=None)


def test_figures_are_those_of_the_papers() -> None:
    assert (find("Postler 2022", "infidelity"), find("Postler 2022", "acceptance")) == (
        0.006,
        0.137,
    )
    assert (find("Gupta 2024", "infidelity"), find("Gupta 2024", "acceptance")) == (0.0123, 0.17)
    assert (find("Rosenfeld 2025", "infidelity_low"), find("Rosenfeld 2025", "acceptance")) == (
        0,
        0.08,
    )
    assert TABLE[TABLE["bound"]]["source"].tolist() == ["Daguerre 2025"]


def test_no_point_is_there_twice() -> None:
    assert not TABLE.duplicated(["source", "p", "infidelity", "acceptance"]).any()


def test_the_file_is_plain_csv_that_pandas_reads_alone() -> None:
    path = Path(__file__).parents[1] / "analysis" / "overhead" / "published_experiments.csv"
    assert list(pd.read_csv(path)) == list(PUBLISHED)
    assert path.read_text(encoding="ascii").endswith("\n")
