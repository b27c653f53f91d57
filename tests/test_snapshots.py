"""Snapshots read from their files are what the client makes of them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from qiskit_ibm_runtime import fake_provider

from hexmagic.backends import snapshots
from hexmagic.backends.device import DeviceError, load_device
from hexmagic.backends.device_reading import read_device
from hexmagic.backends.snapshots import Snapshot, read_snapshot, snapshot_folders
from hexmagic.experiments.errors import UsageError


def clients() -> dict[str, Any]:
    """Return the client's class of each snapshot by the name of its device."""
    classes = [getattr(fake_provider, name) for name in dir(fake_provider)]
    return {
        cls.backend_name: cls
        for cls in classes
        if isinstance(getattr(cls, "backend_name", None), str) and cls.props_filename
    }


def as_the_client_says(name: str) -> str:
    with warnings.catch_warnings():
        # one snapshot that is not heavy-hex warns that its errors are not typical
        warnings.filterwarnings("ignore", message=".*not intended to represent")
        backend = clients()[name]()
    properties = backend.properties()
    time = properties.last_update_date.isoformat()
    try:
        device = read_device(name, backend.target, properties, calibrated_at=time)
    except DeviceError:
        return "refused"
    return json.dumps(device.to_json())


def as_the_files_say(name: str) -> str:
    try:
        return json.dumps(load_device(name).to_json())
    except DeviceError:
        return "refused"


@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "fake_vigo", "fake_miami"])
def test_a_device_is_that_of_the_client_to_the_last_digit(name: str) -> None:
    assert as_the_files_say(name) == as_the_client_says(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(clients()))
def test_every_device_is_that_of_the_client_to_the_last_digit(name: str) -> None:
    assert as_the_files_say(name) == as_the_client_says(name)


def test_every_snapshot_of_the_client_is_found_and_no_other() -> None:
    assert snapshot_folders().keys() == clients().keys()


def test_a_gate_without_properties_makes_a_calibration_incomplete() -> None:
    whole = read_snapshot(snapshot_folders()["fake_boston"])
    gates = [gate for gate in whole.properties["gates"] if gate["qubits"] != [7]]
    less = Snapshot(whole.configuration, {**whole.properties, "gates": gates})
    with pytest.raises(DeviceError, match="incomplete calibration"):
        read_device("less", less, less, calibrated_at=less.calibrated_at)


@pytest.mark.parametrize("installed", [True, False])
def test_a_client_without_snapshots_is_named(
    installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)]) if installed else None
    monkeypatch.setattr(snapshots, "find_spec", lambda _: found)
    with pytest.raises(UsageError, match="qiskit-ibm-runtime has no calibration snapshots"):
        snapshot_folders()
