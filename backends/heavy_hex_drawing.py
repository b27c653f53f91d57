"""A planar drawing of heavy-hex graphs on a square grid, found from the graph alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from ..experiments.errors import UsageError

Site = tuple[int, int]
Graph = Mapping[int, tuple[int, ...]]
Lattice = Callable[[Site], tuple[Site, ...]]

_CELL = 12  # qubits round one hexagon: six corners and six edge sites
_CUT_CELL = 10  # round a border cell that lost a corner (rustworkx's heavy_hex_graph)
_MAX_STEPS = 20_000  # sites tried for one start; a device of 156 qubits takes 150


def heavy_hex_positions(
    num_qubits: int, edges: Iterable[tuple[int, int]]
) -> tuple[tuple[float, float], ...]:
    """Return a grid position (x, y) of each qubit, y growing downwards, in units of one edge.

    Rows of qubits lie at even y and single connectors between them at odd y, as in the pictures
    people know: every edge is horizontal or vertical and of length one, and none cross. The graph
    is laid onto the endless heavy-hex lattice cell by cell, so missing edges and ragged borders
    do no harm, and device names play no part. Of the twelve ways to turn and mirror it, the one
    in which most consecutive qubits run rightwards along rows wins, then the smallest. Separate
    components (a qubit without working edges) stand side by side.

    Raises:
        UsageError: the graph is not part of a heavy-hex lattice, or an edge does not join two
            different qubits of the device.
    """
    return _positions(num_qubits, tuple((u, v) for u, v in edges))


@lru_cache(maxsize=16)  # a report draws the same device once for each point
def _positions(
    num_qubits: int, edges: tuple[tuple[int, int], ...]
) -> tuple[tuple[float, float], ...]:
    graph = _adjacency(num_qubits, edges)
    sites: dict[int, Site] = {}
    for component in _components(graph):
        placed = _draw_component(graph, component)
        shift = 2 + max((x for x, _ in sites.values()), default=-2)
        sites |= {q: (x + shift, y) for q, (x, y) in placed.items()}
    return tuple((float(sites[q][0]), float(sites[q][1])) for q in range(num_qubits))


def _adjacency(num_qubits: int, edges: Iterable[tuple[int, int]]) -> Graph:
    around: dict[int, set[int]] = {q: set() for q in range(num_qubits)}
    for u, v in edges:
        if u == v or u not in around or v not in around:
            raise UsageError(f"edge ({u}, {v}): does not join two of the {num_qubits} qubits")
        around[u].add(v)
        around[v].add(u)
    for q, others in around.items():
        if len(others) > 3:
            raise UsageError(f"qubit {q} has {len(others)} neighbours: heavy-hex allows 3")
    return {q: tuple(sorted(others)) for q, others in around.items()}


def _components(graph: Graph) -> list[tuple[int, ...]]:
    """Return the qubits of each connected component, largest component first."""
    left = set(graph)
    found = []
    while left:
        reached = _reach(graph, [min(left)])
        left.difference_update(reached)
        found.append(tuple(sorted(reached)))
    return sorted(found, key=lambda component: (-len(component), component))


def _reach(graph: Graph, start: Sequence[int]) -> list[int]:
    """Return `start` and everything joined to it, nearest first."""
    order = list(start)
    seen = set(order)
    for q in order:
        fresh = [other for other in graph[q] if other not in seen]
        seen.update(fresh)
        order.extend(fresh)
    return order


def _draw_component(graph: Graph, component: tuple[int, ...]) -> dict[int, Site]:
    for ragged in (False, True):
        first, order = _placing_order(graph, component, ragged=ragged)
        tries = [
            _place(graph, order, start, _make_lattice(ragged=ragged, rows_first=rows_first))
            for start in _starts(first, ragged=ragged)
            for rows_first in (True, False)
        ]
        if drawings := [_at_origin(sites) for sites in tries if sites]:
            return max(drawings, key=_familiarity)
    raise UsageError(
        f"the {len(component)} qubits joined to qubit {component[0]} are not part of a heavy-hex "
        "lattice: no grid drawing"
    )


def _placing_order(
    graph: Graph, component: tuple[int, ...], *, ragged: bool
) -> tuple[tuple[int, ...], list[int]]:
    """Return the first cell (or qubit) and an order in which each qubit follows a neighbour.

    Whole cells come first, each sharing an edge with those before: then a wrong turn shows within
    ten steps and the search stays short.
    """
    cells = [c for q in component for c in _cycles(graph, q, _CELL)]
    if ragged:
        cells += [c for q in component for c in _cycles(graph, q, _CUT_CELL)]
    degree = max(len(graph[q]) for q in component)
    hub = next(q for q in component if len(graph[q]) == degree)
    first = cells[0] if cells else (hub,)
    order = list(first)
    while True:
        done = set(order)
        near = [c for c in cells if 2 <= len(done.intersection(c)) < len(c)]
        if not near:
            return first, _reach(graph, order)
        order += _onward(max(near, key=lambda c: len(done.intersection(c))), done)


def _cycles(graph: Graph, smallest: int, length: int) -> Iterator[tuple[int, ...]]:
    """Yield each cycle of `length` whose least qubit is `smallest`, in one of its directions."""
    paths: list[tuple[int, ...]] = [(smallest,)]
    for _ in range(length - 1):
        paths = [
            (*path, q) for path in paths for q in graph[path[-1]] if q > smallest and q not in path
        ]
    yield from (p for p in paths if p[1] < p[-1] and smallest in graph[p[-1]])


def _onward(cycle: tuple[int, ...], done: set[int]) -> list[int]:
    """Return the qubits of a cycle that are not yet done, each after a neighbour."""
    k = next(k for k, q in enumerate(cycle) if q not in done and cycle[k - 1] in done)
    return [q for q in cycle[k:] + cycle[:k] if q not in done]


def _make_lattice(*, ragged: bool, rows_first: bool) -> Lattice:
    """Return the neighbours of each site of the endless heavy-hex lattice, preferred ones first.

    Rows lie at even y, every x. The connector below row y stands at x = y (mod 4), so the one
    above stands at x = y + 2 (mod 4). Where a border cell lost its corner (`ragged`), a connector
    stands next to its usual place, at odd x.
    """

    def neighbours(site: Site) -> tuple[Site, ...]:
        x, y = site
        above, below = (x, y - 1), (x, y + 1)
        if y % 2:
            return (above, below)
        row = ((x - 1, y), (x + 1, y))
        if x % 2:
            return (*row, above, below) if ragged else row
        connector = below if (x - y) % 4 == 0 else above
        return (*row, connector) if rows_first else (connector, *row)

    return neighbours


def _starts(first: Sequence[int], *, ragged: bool) -> Iterator[dict[int, Site]]:
    """Yield every place of the first cell on the lattice, but for translations."""
    if len(first) == 1:
        yield from ({first[0]: site} for site in ((0, 0), (2, 0), (1, 0), (0, 1)))
        return
    left, right = (0, 4) if len(first) == _CELL else (1, 4)
    top = [(x, 0) for x in range(left, right + 1)]
    low = [(x, 2) for x in range(right, left - 1, -1)]
    cell = [*top, (right, 1), *low, (left, 1)]
    for ring in [cell, [(4 - x, y) for x, y in cell]] if ragged else [cell]:
        for k in range(len(ring)):
            turned = ring[k:] + ring[:k]
            yield dict(zip(first, turned, strict=True))
            yield dict(zip(first, turned[::-1], strict=True))


def _place(
    graph: Graph, order: Sequence[int], start: Mapping[int, Site], lattice: Lattice
) -> dict[int, Site] | None:
    """Return a site for every qubit of `order`, or None if none was found: depth-first search."""
    sites = dict(start)
    if not all(_fits(graph, sites, q, lattice) for q in start):
        return None
    choices: list[Iterator[Site]] = []
    for _ in range(_MAX_STEPS):
        if len(sites) == len(order):
            return sites
        choices.append(_free_sites(graph, sites, order[len(sites)], lattice))
        while (site := next(choices[-1], None)) is None:
            choices.pop()
            if not choices:
                return None
            sites.popitem()
        sites[order[len(sites)]] = site
    return None


def _fits(graph: Graph, sites: Mapping[int, Site], qubit: int, lattice: Lattice) -> bool:
    around = lattice(sites[qubit])
    near = [sites[q] for q in graph[qubit] if q in sites]
    return len(graph[qubit]) <= len(around) and all(site in around for site in near)


def _free_sites(
    graph: Graph, sites: dict[int, Site], qubit: int, lattice: Lattice
) -> Iterator[Site]:
    """Return the free sites next to all placed neighbours of `qubit`."""
    anchor = next(sites[q] for q in graph[qubit] if q in sites)
    taken = set(sites.values())
    options = [site for site in lattice(anchor) if site not in taken]
    return iter([s for s in options if _fits(graph, sites | {qubit: s}, qubit, lattice)])


def _at_origin(sites: Mapping[int, Site]) -> dict[int, Site]:
    left = min(x for x, _ in sites.values())
    top = min(y for _, y in sites.values())
    return {q: (x - left, y - top) for q, (x, y) in sites.items()}


def _familiarity(sites: Mapping[int, Site]) -> tuple[int, int, bool, int]:
    """Rank a drawing: consecutive qubits along rows, small, landscape, lowest qubit top left."""
    rightwards = sum(sites.get(q + 1) == (x + 1, y) for q, (x, y) in sites.items())
    width, height = (1 + max(site[axis] for site in sites.values()) for axis in (0, 1))
    return (rightwards, -width * height, width >= height, -sum(sites[min(sites)]))
