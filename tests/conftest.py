import os
import signal

import pytest
from hypothesis import settings

# Test workers share the cores, so each takes one. The libraries read these when they are imported,
# which neither pytest nor hypothesis does.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# A shell lets its background jobs ignore Ctrl-C, which some tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A deadline per example would measure the machine's load, not the code.
settings.register_profile("sklearn_modern", deadline=None, derandomize=True, database=None)
settings.load_profile("sklearn_modern")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        # Imported here because it loads torch, which most tests do not need.
        from sklearn_modern.device import available_devices

        if not any(name.startswith("cuda") for name in available_devices()):
            pytest.skip("needs a CUDA device")


@pytest.fixture(scope="module")
def two_workers():
    """A client of dask with two workers, which are threads."""
    # Imported here because most tests do not need it.
    from distributed import Client, LocalCluster

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    )
    with cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def client(two_workers):
    """The same, for a test that fails where workers wait for each other for ever."""

    def give_up(*_):
        raise TimeoutError("the workers do not get on")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    yield two_workers
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
