"""Certificates are kept by the content of the circuit, and only as long as they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hexmagic import experiments
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.driver.folder import certificate_store as store
from hexmagic.experiments.certificates.pairs import PairCertificate, certify_pairs, say_nothing
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.errors import RefusedError
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import Program, make_program

Calls = list[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEXMAGIC_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Calls:
    """One word for each certificate that is computed."""
    made: Calls = []

    def counted(*args: Program | Sequence[Instruction]) -> Certificate:
        made.append("faults")
        return certify(*args)  # type: ignore[arg-type]  # passed on as given

    def counted_pairs(*args: object, **kwargs: object) -> PairCertificate:
        made.append("pairs")
        return certify_pairs(*args, **kwargs)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr(store, "certify", counted)
    monkeypatch.setattr(store, "certify_pairs", counted_pairs)
    assert not folder.exists()
    return made


def program_of(scheme: str) -> Program:
    rounds = 1 if scheme == "fold13" else None
    return make_program(scheme=scheme, distance=3, rounds=rounds, basis="Z")


ENCODED = program_of("encoded")
INSTRUCTIONS = tuple(read_instructions(ENCODED.circuit))


def pairs(
    budget_seconds: float, seed: int, program: Program = ENCODED
) -> tuple[bool, float, float, float]:
    """exhaustive, judged, accepted, seconds."""
    found = store.stored_pairs(
        program,
        tuple(read_instructions(program.circuit)),
        budget_seconds=budget_seconds,
        seed=seed,
        progress=say_nothing,
    )
    return found["exhaustive"], found["judged"], found["accepted"], found["seconds"]


def test_it_is_computed_once_and_read_back_as_it_was(calls: Calls, folder: Path) -> None:
    first, second = (store.stored_certificate(ENCODED, INSTRUCTIONS) for _ in range(2))
    assert calls == ["faults"]
    assert first.faults == second.faults
    for name in ("accepted", "accepted_readout", "wrong_undetected", "wrong_corrected"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.fidelity == second.fidelity
    assert first.to_json() == second.to_json()
    assert len([*folder.iterdir()]) == 1


def test_another_place_on_the_device_is_the_same_circuit(calls: Calls) -> None:
    program, device = program_of("fold13"), load_device("heavy_hex_5")
    layouts = find_embeddings(program.patch, device)
    for layout in (layouts[0], layouts[-1]):
        store.stored_certificate(program, compile_program(program, device, layout).instructions)
    assert layouts[0] != layouts[-1]
    assert calls == ["faults"]


def changed_contents() -> dict[str, tuple[Program, tuple[Instruction, ...]]]:
    last_gate = max(i for i, item in enumerate(INSTRUCTIONS) if item.name == "cx")
    twice = (*INSTRUCTIONS[:last_gate], *2 * (INSTRUCTIONS[last_gate],), *INSTRUCTIONS[last_gate:])
    bits = ENCODED.record.bits
    logical = replace(ENCODED.record.logical, sign=-ENCODED.record.logical.sign)
    moved = (*ENCODED.patch.data[1:], ENCODED.patch.data[0])
    gadgets = tuple(replace(gadget, label=f"{gadget.label}!") for gadget in ENCODED.gadgets)
    return {
        "gates": (ENCODED, twice),
        "order of the record": (
            replace(ENCODED, record=replace(ENCODED.record, bits=bits[::-1])),
            INSTRUCTIONS,
        ),
        "logical": (
            replace(ENCODED, record=replace(ENCODED.record, logical=logical)),
            INSTRUCTIONS,
        ),
        "data": (replace(ENCODED, patch=replace(ENCODED.patch, data=moved)), INSTRUCTIONS),
        "gadgets": (replace(ENCODED, gadgets=gadgets), INSTRUCTIONS),
    }


@pytest.mark.parametrize("what", list(changed_contents()))
def test_another_content_has_another_name(what: str) -> None:
    assert store.content_hash(*changed_contents()[what]) != store.content_hash(
        ENCODED, INSTRUCTIONS
    )


def test_other_program_text_has_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.content_hash(ENCODED, INSTRUCTIONS)
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "judge.py").write_text("right = 1\n")
    monkeypatch.setattr(experiments, "__file__", str(tmp_path / "__init__.py"))
    store._judge_hash.cache_clear()
    try:
        edited = store.content_hash(ENCODED, INSTRUCTIONS)
        (tmp_path / "judge.py").write_text("right = 2\n")
        store._judge_hash.cache_clear()
        assert len({before, edited, store.content_hash(ENCODED, INSTRUCTIONS)}) == 3
    finally:
        store._judge_hash.cache_clear()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"[1, 2"])
def test_a_damaged_file_is_computed_again_and_mended(
    calls: Calls, folder: Path, content: bytes
) -> None:
    asks: tuple[Callable[[], object], ...] = (
        lambda: store.stored_certificate(ENCODED, INSTRUCTIONS),
        lambda: pairs(1e6, 0),
    )
    for order, ask in enumerate(asks, start=1):
        ask()
        (path,) = folder.glob(f"*-{order}.*")
        path.write_bytes(content)
        ask()
        ask()
    assert calls == ["faults", "faults", "pairs", "pairs"]


def test_a_cut_off_archive_is_computed_again(calls: Calls, folder: Path) -> None:
    right = store.stored_certificate(ENCODED, INSTRUCTIONS)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-200])
    again = store.stored_certificate(ENCODED, INSTRUCTIONS)
    assert calls == ["faults", "faults"]
    assert np.array_equal(again.accepted, right.accepted)


def test_a_directory_that_cannot_be_written_costs_only_time(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HEXMAGIC_CACHE", str(tmp_path / "file" / "kept"))
    for _ in range(2):
        assert store.stored_certificate(ENCODED, INSTRUCTIONS).failures("detection")
    assert pairs(1e6, 0)[0]
    assert calls == ["faults", "faults", "pairs"]


def test_what_is_refused_is_not_kept(calls: Calls, folder: Path) -> None:
    bare = make_program(scheme="bare", distance=None, rounds=None, basis="Z")
    with pytest.raises(RefusedError, match="no code"):
        store.stored_certificate(bare, tuple(read_instructions(bare.circuit)))
    assert calls == ["faults"]
    assert not folder.exists()


def test_all_pairs_are_used_for_any_budget_and_seed(calls: Calls) -> None:
    first = pairs(1e6, 0)
    assert first[0]
    assert pairs(1e9, 0) == pairs(1e6, 5) == pairs(1e-9, 7) == first
    assert calls == ["pairs"]


def test_drawn_pairs_are_used_for_their_seed_and_no_larger_budget(calls: Calls) -> None:
    program = program_of("fold13")
    first = pairs(1e-6, 1, program)
    assert not first[0]
    assert pairs(1e-6, 1, program) == pairs(1e-7, 1, program) == first
    assert calls == ["pairs"]
    assert pairs(2e-6, 1, program)[1] == first[1]  # one batch again, but it was asked for more
    assert calls == ["pairs"] * 2
    assert pairs(1e-6, 2, program)[2] != first[2]
    assert calls == ["pairs"] * 3


def test_the_directory_is_the_named_one_or_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEXMAGIC_CACHE", "/named")
    assert store.cache_directory() == Path("/named")
    monkeypatch.setenv("HEXMAGIC_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert store.cache_directory() == Path("/xdg/hexmagic")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert store.cache_directory() == Path("/home/someone/.cache/hexmagic")
