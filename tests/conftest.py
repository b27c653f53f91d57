"""What every test runs under: one thread a process, and property tests that repeat themselves."""

import atexit
import os
import shutil
import signal
import tempfile

from hypothesis import settings

# A shell starts what it puts in the background deaf to Ctrl-C, and processes inherit it: tests that
# interrupt a run would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before numpy, Aer and Qiskit are loaded: two pytest workers share two cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# No deadline: the cores may be shared. The same examples every time: a red run can be repeated.
settings.register_profile("hexmagic", deadline=None, derandomize=True)
settings.load_profile("hexmagic")

# Certificates are kept between runs: here in a folder of this process, not in the user's cache.
os.environ["HEXMAGIC_CACHE"] = tempfile.mkdtemp(prefix="hexmagic-tests-")
atexit.register(shutil.rmtree, os.environ["HEXMAGIC_CACHE"], ignore_errors=True)
