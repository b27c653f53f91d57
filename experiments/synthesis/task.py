"""A search task: which stage of which scheme is searched, from which circuit, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ..block import Block, Gate, Read, each
from ..certificates.single import certify
from ..colour_code import Basis
from ..detection import make_detection
from ..errors import UsageError
from ..hadamard import make_hadamard
from ..instructions import read_instructions
from ..patch import Patch
from ..program import Program, make_patch
from ..schemes import SEARCHED
from ..searched import parse_layers
from .anneal import Annealer, Candidate, Schedule
from .couplings import back_through_couplings, couplings_of, gates_of, turned
from .earlier import DETECTION_13_FIRST, DETECTION_TREE_FIRST, HADAMARD_13_FIRST, HADAMARD_14_FIRST
from .effects import Effects
from .judges import Judge, check_probes, detection_judge, hadamard_judge, read_behind, xor
from .layered import qubit_names
from .objective import OBJECTIVES
from .problem import Problem, make_problem
from .variants import variant_program

StageName = Literal["hadamard", "detection"]
Start = Literal["shipped", "first"]
FIRST: Mapping[tuple[str, StageName], str] = {
    ("fold13", "hadamard"): HADAMARD_13_FIRST,
    ("fold14", "hadamard"): HADAMARD_14_FIRST,
    ("fold13", "detection"): DETECTION_13_FIRST,
    ("fold14", "detection"): DETECTION_13_FIRST,
    ("tree16", "detection"): DETECTION_TREE_FIRST,
}
"""Circuits with few two-qubit gates and many layers, which earlier searches ended with."""

_ROTATIONS = ("a", "adg")


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCount:
    """Single faults and how many of them fail each certificate."""

    faults: int
    detection: int
    correction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What identifies a search: equal tasks have equal results.

    Attributes:
        stage: hadamard or detection; the other stage stays as shipped.
        scheme: fold13, fold14 or tree16.
        start: the circuit to begin with: the one that the scheme ships, or that in `FIRST`.
        objective: a name in `objective.OBJECTIVES`.
        seed: of the random numbers.
        schedule: number of steps and temperatures.
    """

    stage: StageName
    scheme: str
    start: Start
    objective: str
    seed: int
    schedule: Schedule

    @property
    def patch(self) -> Patch:
        """The patch of the scheme."""
        return make_patch(self.scheme, 3)


def start_search(task: Task) -> Annealer:
    """Return a search at its start.

    Raises:
        UsageError: a scheme or an objective that does not exist.
    """
    if task.scheme not in SEARCHED:
        raise UsageError(f"scheme {task.scheme!r}: searched are {', '.join(SEARCHED)}")
    if task.objective not in OBJECTIVES:
        raise UsageError(f"objective {task.objective!r}: there are {', '.join(OBJECTIVES)}")
    search = Annealer(
        problem=_problem(task),
        judge=stage_judge(task),
        objective=OBJECTIVES[task.objective],
        schedule=task.schedule,
        seed=task.seed,
    )
    search.start(*couplings_of(_start(task), task.patch.num_qubits))
    return search


def found_block(task: Task, search: Annealer, found: Candidate) -> Block:
    """Return a circuit that was found as the block of its stage."""
    couplings = [search.couplings[code] for code in found.codes]
    gates = gates_of(couplings, found.ends, task.patch.num_qubits)
    shipped = _block(task, task.stage)
    if task.stage == "detection":
        touched = {qubit for gate in gates for qubit in gate[1:]}
        reads = (r for r in _reads(task, search.front_of(found)) if r.qubit in touched)
        return replace(shipped, gates=gates, reads=tuple(reads))
    data = task.patch.data
    return replace(shipped, gates=(*each("adg", data), *gates, *each("a", data)))


def found_program(task: Task, block: Block) -> Program:
    """Return the program of the scheme with one stage replaced."""
    stages = [block if block.stage == stage else _block(task, stage) for stage in _STAGES]
    return variant_program(task.scheme, stages)


def certified(program: Program) -> FaultCount:
    """Return the counts that `certify` has for H_m and ED of a program: for a perfect input."""
    certificate = certify(program, read_instructions(program.circuit))
    inside = {gadget.label for gadget in program.gadgets if gadget.stage in _STAGES}
    chosen = [f.gadget in inside and f.kind != "prepare" for f in certificate.faults]
    return FaultCount(
        faults=sum(chosen),
        detection=sum(f.gadget in inside for f in certificate.failures("detection")),
        correction=sum(f.gadget in inside for f in certificate.failures("correction")),
    )


_STAGES: tuple[StageName, ...] = ("hadamard", "detection")


def _block(task: Task, stage: StageName) -> Block:
    """Return the shipped block of a stage."""
    if stage == "hadamard":
        return make_hadamard(task.patch, task.scheme, 1)
    (block,) = make_detection(task.patch, task.scheme, 1)
    return block


def _start(task: Task) -> tuple[Gate, ...]:
    if task.start == "first":
        text = FIRST.get((task.scheme, task.stage))
        if text is None:
            raise UsageError(
                f"start first: {task.scheme} has one circuit of {task.stage} only; use shipped"
            )
        return parse_layers(text, qubit_names(task.patch))
    gates = _block(task, task.stage).gates
    return tuple(gate for gate in gates if gate[0] not in _ROTATIONS)


def _problem(task: Task) -> Problem:
    """Return the patch; ED keeps to the ancillas of the shipped one, others are read by H_m."""
    problem = make_problem(task.patch)
    if task.stage == "hadamard":
        return problem
    used = set(_block(task, "detection").qubits)
    return replace(problem, edges=tuple(edge for edge in problem.edges if used.issuperset(edge)))


def stage_judge(task: Task) -> Judge:
    """Return the judge of a task's stage; H_m is judged with the shipped ED behind it."""
    problem = _problem(task)
    detection = detection_judge(problem)
    if task.stage == "detection":
        return detection
    couplings, ends = couplings_of(_block(task, "detection").gates, problem.num_qubits)
    front = back_through_couplings(couplings, turned(detection.behind, ends))
    block = _block(task, "hadamard")
    root = next(read.qubit for read in block.reads if read.role == "hadamard")
    reads = [read.qubit for read in block.reads]
    return hadamard_judge(problem, read_behind(problem, front, reads), root)


def _reads(task: Task, front: Effects) -> tuple[Read, ...]:
    """Return what each ancilla reads at the end of an ED with these effects in front of it."""
    problem = _problem(task)
    bits = problem.syndrome_bits
    bases: tuple[Basis, ...] = ("Z", "X")
    reads = []
    for k, ancilla in enumerate(problem.ancillas):
        read = Read(qubit=ancilla, role="flag", basis="Z")
        for kind, basis in enumerate(bases):
            probes = check_probes(problem, kind)
            seen = [i for i, probe in enumerate(probes) if xor(front, probe) >> bits + k & 1]
            if seen:
                face = seen[0] if len(seen) == 1 else tuple(seen)
                read = Read(qubit=ancilla, role="syndrome", basis=basis, face=face)
        reads.append(read)
    return tuple(reads)
