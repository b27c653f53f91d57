"""Names in pictures: they fit, and different ones stay different."""

import pytest

from hexmagic.analysis.plots.names import fitted_names, without_shared_run

RUN = "steane-h-boston-20261123-143306-7dcf"
OTHER = "steane-h-boston-20261123-143948-7011"


def test_names_that_fit_stay_as_they_are() -> None:
    names = ["run 1: fold14 d=3 r=1", "run 2: fold14 d=3 r=1"]
    assert fitted_names(names, [30, 30]) == tuple(names)


@pytest.mark.parametrize("length", [8, 13, 17, 25, 34])
@pytest.mark.parametrize(
    "names",
    [
        [f"{run}: {label}" for run in (RUN, OTHER) for label in ("fold14 d=3 r=1", "bare")],
        [f"fold14 d=3 r=1 device=fake_{city} p=0.001" for city in ("boston", "torino", "fez")],
        [f"{'a' * 40}{middle}{'z' * 40}" for middle in "123"],
    ],
)
def test_names_that_do_not_fit_are_cut_and_still_differ(names: list[str], length: int) -> None:
    shown = fitted_names(names, [length] * len(names))
    assert len(set(shown)) == len(names)
    assert all(len(name) <= length for name in shown)


def test_a_name_that_occurs_twice_is_shown_the_same_twice() -> None:
    names = [f"{RUN}: bare", f"{OTHER}: bare", f"{RUN}: bare"]
    first, second, third = fitted_names(names, [20] * 3)
    assert first == third != second


def test_each_name_has_its_own_room() -> None:
    long, short = fitted_names(["bare " * 6, "bare " * 6 + "x"], [40, 10])
    assert long == "bare " * 6 and len(short) == 10


def test_the_run_is_left_out_only_where_all_are_of_it() -> None:
    assert without_shared_run(["run 2: a", "run 2: b, x"]) == ("a", "b, x")
    assert without_shared_run(["run 1: a", "run 2: a"]) == ("run 1: a", "run 2: a")
    assert without_shared_run(["a", "b"]) == ("a", "b")
