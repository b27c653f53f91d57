"""Strict YAML: scalars mean what they say, every field has its line, nothing is repeated."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.experiments.spec.errors import SpecError
from hexmagic.experiments.spec.strict_yaml import read_strict_yaml, write_strict_yaml

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_SCALAR = (
    st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.sampled_from(["1e-3", "010", "null", "~", "", "true", "yes", "- a", "a: b", ".inf", "<<"])
)
_VALUE = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4)
)


def read(text: str) -> Any:
    return read_strict_yaml(text, file="x.yaml").value


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("1e-3", 1e-3),
        ("1E5", 1e5),
        ("1.e-3", 1e-3),
        (".5", 0.5),
        ("-2.", -2.0),
        ("+7", 7),
        ("-0", 0),
        ("0.0", 0.0),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_numbers_are_read_as_written(plain: str, value: float) -> None:
    got = read(f"a: {plain}")["a"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    "plain",
    ["010", "0x10", "0o7", "1_000", "00.5", "12:30", "2026-11-22", "1e5x", "nan", "inf", "=", "<<"],
)
def test_what_only_resembles_a_number_stays_text(plain: str) -> None:
    assert read(f"a: {plain}")["a"] == plain


@pytest.mark.parametrize("plain", ["yes", "no", "on", "off", "y", "n", "True", "FALSE", "Null"])
def test_only_true_and_false_are_booleans(plain: str) -> None:
    assert read(f"a: [{plain}, true, false]")["a"] == [plain, True, False]


def test_quoted_scalars_are_text() -> None:
    assert read("a: ['1', \"true\", 'null', '']")["a"] == ["1", "true", "null", ""]


@pytest.mark.parametrize("plain", [".nan", ".NaN", ".inf", "-.inf", "+.INF", "1e999", "-1e999"])
def test_numbers_are_finite(plain: str) -> None:
    with pytest.raises(SpecError, match=r"^x\.yaml:2: a\.b: .* is not a finite number$"):
        read(f"a:\n  b: {plain}")


def test_each_key_and_each_item_has_its_line() -> None:
    document = read_strict_yaml(
        "# head\na:\n  b: 1\n  c:\n  - 2\n  - d: 3\ne: [4,\n 5]\n", file="x"
    )
    assert document.lines == {
        (): 2,
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 6,
        ("a", "c", 1, "d"): 6,
        ("e",): 7,
        ("e", 0): 7,
        ("e", 1): 8,
    }


def test_a_repeated_key_names_both_lines() -> None:
    with pytest.raises(SpecError) as caught:
        read("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert str(caught.value) == "x.yaml:4: a.b: repeated key, first on line 2"


def test_the_same_key_in_two_sections_is_no_repetition() -> None:
    assert read("a: {b: 1}\nc: {b: 2}") == {"a": {"b": 1}, "c": {"b": 2}}


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    assert read("\ufeffa: 1\r\nb: 2\r\n") == {"a": 1, "b": 2}


def test_control_characters_in_a_key_do_not_reach_the_message() -> None:
    with pytest.raises(SpecError) as caught:
        read('"\\e[31m\\n": ~')
    assert str(caught.value).isprintable()


@given(_VALUE)
def test_written_values_are_read_back(value: Any) -> None:
    back = read(write_strict_yaml({"value": value}))["value"]
    assert back == value
    assert repr(back) == repr(value)


def test_a_shared_value_is_written_twice() -> None:
    shared = [1, 2]
    assert read(write_strict_yaml({"a": shared, "b": shared})) == {"a": [1, 2], "b": [1, 2]}


@given(st.text() | st.text(alphabet="ab01.e-+:,[]{}'\"\\!&*#|>?%@` \n\t~<U"))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        value = read(text)
    except SpecError as error:
        assert len(str(error).splitlines()) == 1
        assert str(error).startswith("x.yaml")
    else:
        assert all(not isinstance(v, float) or math.isfinite(v) for v in _leaves(value))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    assert value is not None
    return [value]
