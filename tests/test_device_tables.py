"""`hexmagic devices`: a table of those at hand, one a line, and the same as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes.commands import Call, make_call

from hexmagic.backends import device as devices


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command with two devices at hand: all of them take a minute."""
    monkeypatch.setattr(devices, "device_names", lambda: ("fake_perth", "heavy_hex_5"))
    return make_call(tmp_path, monkeypatch)


def test_a_line_has_counts_errors_in_per_cent_and_dashes_for_what_is_not_known(call: Call) -> None:
    head, perth, generated = (line.split() for line in call("devices").stdout.splitlines())
    assert len(head) >= len(perth) == len(generated)
    known = devices.load_device("fake_perth")
    assert perth[:3] == ["fake_perth", "7", str(len(known.edges))]
    assert f"{100 * known.median_two_qubit_error:.3f}" in perth  # type: ignore[operator]  # calibrated
    assert generated[0] == "heavy_hex_5"
    assert generated.count("-") == 4
    assert "-" not in perth


def test_as_json_it_is_what_is_shown_of_each_in_detail(call: Call) -> None:
    document = json.loads(call("devices", "--format", "json").stdout)
    assert document["schema_version"] == 1
    names = [device["name"] for device in document["devices"]]
    assert names == ["fake_perth", "heavy_hex_5"]
    alone = [json.loads(call("devices", name, "--format", "json").stdout) for name in names]
    assert document["devices"] == alone
