"""What `--executor` says is checked at once: its form, the scheduler, and its workers."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import dask
import pytest
from distributed.security import Security
from fakes.cluster import SHORT, Cluster, cluster, fake_distribution, wait_until
from fakes.engine import sample

import hexmagic
from hexmagic.driver.dask.worker import differing, run_with_kit, software, source_digest
from hexmagic.driver.executors import pool_factory, shards_in_flight
from hexmagic.driver.workers import Kit, make_process_pool
from hexmagic.experiments.errors import RefusedError, UsageError

IMPATIENT = replace(SHORT, scheduler=0.5, workers=0.5)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler; what a test adds to it, it ends."""
    with cluster(tmp_path_factory.mktemp("empty") / "cluster", workers=0) as made:
        yield made


def refusal(made: Cluster, **worker: object) -> str:
    """Return why a cluster with one such worker is refused, in one line."""
    process = made.add_worker(**worker)  # type: ignore[arg-type]
    try:
        made.wait_for_workers(1)
        with pytest.raises(RefusedError) as refused:
            pool_factory(made.address, patience=SHORT)
    finally:
        process.kill()
        wait_until(lambda: made.count_workers() == 0)
    assert refused.value.exit_code == 3
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"--executor {made.address}: ")
    return line


def test_processes_are_worker_processes() -> None:
    assert pool_factory("processes") is make_process_pool


def test_processes_have_a_shard_in_flight_for_each_worker() -> None:
    pool = make_process_pool(2, Kit(sample=sample, tasks={}))
    assert shards_in_flight(pool, 2) == 2
    pool.shutdown()


@pytest.mark.parametrize(
    "executor",
    [
        "",
        "threads",
        "Processes",
        "tcp://",
        "tcp://host",
        "tcp://host:",
        "tcp://host:port",
        "tcp://host:0",
        "tcp://host:65536",
        "tcp://:8786",
        "tcp://host:8786/path",
        "tcp://host:8786?password=1",
        "tcp://one two:8786",
        "ucx://host:8786",
        "http://host:8786",
        "host:8786",
        "tcp://host:8786\n",
    ],
)
def test_what_is_neither_is_a_usage_error(executor: str) -> None:
    with pytest.raises(UsageError) as wrong:
        pool_factory(executor)
    assert str(wrong.value).startswith(f"--executor {executor!r}: neither `processes` nor")
    assert len(str(wrong.value).splitlines()) == 1


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="run folder would hold it") as wrong:
        pool_factory("tcp://me:secret@host:8786")
    assert "secret" not in str(wrong.value)


def test_without_distributed_it_says_what_to_install() -> None:
    script = (
        "import sys\n"
        "sys.modules['distributed'] = None\n"
        "from hexmagic.driver.executors import pool_factory\n"
        "pool_factory('processes')\n"
        "try:\n"
        "    pool_factory('tcp://host:8786')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == (
        "--executor tcp://host:8786: needs the package distributed; pip install 'hexmagic[dask]'\n"
    )


def test_processes_do_not_load_dask() -> None:
    script = (
        "import sys\n"
        "from hexmagic.driver.executors import pool_factory\n"
        "pool_factory('processes')\n"
        "print([name for name in ('dask', 'distributed') if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("listens", "why"), [(False, "Connection refused"), (True, "TimeoutError")]
)
def test_a_scheduler_that_does_not_answer_is_a_usage_error(listens: bool, why: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UsageError, match=r"no Dask scheduler answered within 0\.5 s") as wrong:
            pool_factory(address, patience=IMPATIENT)
    assert wrong.value.exit_code == 2
    assert why in str(wrong.value) or "TimeoutError" in str(wrong.value)  # on a busy machine
    assert len(str(wrong.value).splitlines()) == 1


def test_a_scheduler_without_workers_is_refused(empty: Cluster) -> None:
    with pytest.raises(RefusedError, match=r"no worker came within 0\.5 s; start .*--nthreads 1"):
        pool_factory(empty.address, patience=replace(SHORT, workers=0.5))


def test_a_worker_with_another_hexmagic_is_refused(empty: Cluster, tmp_path: Path) -> None:
    other = fake_distribution(tmp_path, "hexmagic", "99.0")
    line = refusal(empty, PYTHONPATH=str(other))
    ours = software()["hexmagic"]
    theirs = ours.replace(ours.split()[0], "99.0")
    assert f"has hexmagic {theirs}, here it is hexmagic {ours}: its results would not be" in line


def test_a_worker_without_hexmagic_is_refused(empty: Cluster, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['hexmagic'] = None\n")
    line = refusal(empty, PYTHONPATH=str(tmp_path))
    assert "cannot run hexmagic (" in line
    assert "ModuleNotFoundError" in line


def test_a_worker_with_several_threads_is_refused(empty: Cluster) -> None:
    assert "has 3 threads and Aer needs a process for itself" in refusal(empty, threads=3)


def test_a_worker_with_several_threads_that_joins_later_runs_one_shard_at_a_time() -> None:
    running, most = [0], [0]

    def look() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.01)
        running[0] -= 1

    kit = Kit(sample=sample, tasks={})
    with ThreadPoolExecutor(4) as threads:
        shards = [threads.submit(run_with_kit, kit, software(), look, ()) for _ in range(8)]
    assert [shard.exception() for shard in shards] == [None] * 8
    assert most == [1]


def test_software_that_differs_is_named_on_both_sides() -> None:
    ours = {"hexmagic": "1", "numpy": "2", "clifft": "3"}
    assert differing(ours, ours) is None
    assert differing(ours | {"numpy": "9"}, ours) == ("numpy 9", "numpy 2")
    theirs = {"hexmagic": "0", "numpy": "2"}
    assert differing(theirs, ours) == ("hexmagic 0, clifft unknown", "hexmagic 1, clifft 3")


def test_a_changed_source_is_other_software(tmp_path: Path) -> None:
    folder = tmp_path / "hexmagic"
    for name in ("experiments", "backends", "analysis", "driver"):
        (folder / name).mkdir(parents=True)
        (folder / name / "code.py").write_text("x = 1\n")
    before = source_digest(folder)
    assert source_digest(folder) == before
    (folder / "backends" / "code.py").write_text("x = 2\n")
    assert source_digest(folder) != before
    (folder / "analysis" / "code.py").unlink()
    with pytest.raises(ValueError, match="no sources of hexmagic"):
        source_digest(folder)


def test_the_digest_is_of_the_sources_that_run() -> None:
    folder = Path(hexmagic.__file__).parent
    assert software()["hexmagic"].endswith(f"(sources {source_digest(folder)})")


def test_there_is_no_digest_of_sources_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"experiments: no sources of hexmagic$"):
        source_digest(tmp_path)


@pytest.mark.slow
def test_a_cluster_may_be_encrypted(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("ca.pem", "key.pem")}
    credentials = Security.temporary()
    files["ca.pem"].write_text(credentials.tls_ca_file)
    files["key.pem"].write_text(credentials.tls_client_key)
    certificate, key = map(str, files.values())
    options = ("--tls-ca-file", certificate, "--tls-cert", certificate, "--tls-key", key)
    ours = {"ca-file": certificate, "client.cert": certificate, "client.key": key}
    with cluster(tmp_path / "cluster", workers=0, tls=options) as made:
        assert made.address.startswith("tls://")
        with pytest.raises(UsageError, match="no Dask scheduler answered"):
            pool_factory(made.address, patience=IMPATIENT)
        made.add_worker()
        with dask.config.set({f"distributed.comm.tls.{name}": ours[name] for name in ours}):
            pool = pool_factory(made.address, patience=SHORT)(1, Kit(sample=sample, tasks={}))
            assert pool.submit(abs, -3).result(timeout=60) == 3
            pool.shutdown()
