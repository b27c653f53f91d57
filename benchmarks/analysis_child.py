"""One way to deal with a run's shots, in a process of its own: figures as JSON.

`analysis.py` starts it: `analysis_child.py imports|bytes|tables|pandas FOLDER`.
"""

from __future__ import annotations

import json
import sys
import time
from math import sqrt
from pathlib import Path
from typing import Any


def peak_bytes() -> int:
    """Return the largest resident memory that this process has had since it was started."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def load_packages() -> None:
    """Load what the way from files to table needs."""
    import pandas as pd  # noqa: F401 - to measure its import
    import pyarrow.parquet as pq  # noqa: F401 - likewise
    import scipy.stats  # noqa: F401 - likewise

    import hexmagic.driver.results
    import hexmagic.driver.run  # noqa: F401 - likewise


def read_bytes(folder: Path) -> dict[str, Any]:
    """Read every shot file and do nothing with it."""
    return {"bytes": sum(len(path.read_bytes()) for path in (folder / "shots").iterdir())}


def make_table(folder: Path) -> dict[str, Any]:
    """Go the way of `Run.fidelity` on a run whose tables are not there yet."""
    from hexmagic.analysis.tables.basic import fidelity_table
    from hexmagic.driver.folder.run_folder import RunFolder
    from hexmagic.driver.results import load_results

    results = load_results(RunFolder(path=folder))
    if results.problems:
        raise SystemExit("; ".join(results.problems))
    (row,) = fidelity_table(results.points).to_dict("records")
    (point,) = results.points
    bits = len(point.cuts["X"].record.bits)
    return {"bits": bits, "kept": int(row["kept"]), "fidelity": round(row["fidelity"], 12)}


def select_with_pandas(folder: Path) -> dict[str, Any]:
    """Do the same by the book, with a column for each bit; nothing is checked."""
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    kept, expectation = 0, {}
    for basis in ("X", "Z"):
        record = json.loads((folder / f"circuits/p000-{basis}.record.json").read_text())
        names = [(bit["register"], bit["index"]) for bit in record["bits"]]
        table = pq.read_table(sorted((folder / "shots").glob(f"p000-{basis}-*")), columns=["bits"])
        rows = np.frombuffer(b"".join(table["bits"].to_pylist()), np.uint8).reshape(len(table), -1)
        bits = np.unpackbits(rows, axis=1, count=len(names), bitorder="little")
        raw = pd.DataFrame(bits, columns=pd.MultiIndex.from_tuples(names))
        shots, good = raw.copy(), pd.Series(data=True, index=raw.index)
        for bit, name in zip(record["bits"], names, strict=True):
            for partner in bit["xor"]:
                shots[name] ^= raw[tuple(partner)]
            if bit["expected"] is not None:
                good &= shots[name] == bit["expected"]
        for face in record["faces"]:
            parity = shots[[tuple(key) for key in face["bits"]]].sum(axis=1) % 2
            good &= parity == face["expected"]
        logical = record["logical"]
        parity = shots[[tuple(key) for key in logical["bits"]]].sum(axis=1) % 2
        kept += int(good.sum())
        expectation[basis] = logical["sign"] * (1 - 2 * parity[good].mean())
    fidelity = (1 + (expectation["X"] + expectation["Z"]) / sqrt(2)) / 2
    return {"kept": kept, "fidelity": round(float(fidelity), 12)}


def main() -> None:
    """Do one thing and print how long it took."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    start, cpu = time.perf_counter(), time.process_time()
    load_packages()
    found: dict[str, Any] = {}
    if way != "imports":
        start, cpu = time.perf_counter(), time.process_time()
        ways = {"bytes": read_bytes, "tables": make_table, "pandas": select_with_pandas}
        found = ways[way](folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(json.dumps(found | {"seconds": seconds, "cpu": cpu, "peak": peak_bytes()}))


if __name__ == "__main__":
    main()
