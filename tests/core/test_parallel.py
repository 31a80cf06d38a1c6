import _thread
import gc
import time

import numpy as np
import pytest
from joblib import parallel_config

from sklearn_modern._core.parallel import for_workers, results


class Data:
    """Something with large data, which counts how often it is pickled."""

    pickled = 0

    def __init__(self):
        self.numbers = np.arange(1000.0)

    def __getstate__(self):
        type(self).pickled += 1
        return vars(self)


def scaled(data, factor):
    return factor * data.numbers.sum()


def fail_at_two(number):
    time.sleep(0.02)
    if number == 2:
        raise LookupError("the second")
    return number


def interrupt(done, number):
    done.append(number)
    if number == 2:
        _thread.interrupt_main()
    time.sleep(0.05)


def test_dask_gets_what_is_shared_once(client, monkeypatch):
    sent, scatter = [], client.scatter
    monkeypatch.setattr(client, "scatter", lambda *a, **k: sent.append(1) or scatter(*a, **k))
    data, Data.pickled = Data(), 0
    with parallel_config(backend="dask"):
        for n_tasks in (5, 3):
            shared = for_workers(data)
            found = list(results(scaled, [(shared, i) for i in range(n_tasks)], None))
            assert found == [i * data.numbers.sum() for i in range(n_tasks)]
    # Once it has been copied; with each of the tasks it would have been pickled.
    assert (len(sent), Data.pickled) == (1, 1)
    del data, shared
    gc.collect()
    for _ in range(100):
        if not any("Data" in str(key) for keys in client.has_what().values() for key in keys):
            break
        time.sleep(0.02)
    else:
        pytest.fail("workers keep what is not in use any more")


def test_what_is_shared_is_sent_again_to_another_state_of_the_cluster(client):
    data = Data()
    with parallel_config(backend="dask"):
        (found,) = results(scaled, [(for_workers(data), 1)], None)
        assert found == data.numbers.sum()
        client.cancel([f for f in client.futures if "Data" in f])
        (found,) = results(scaled, [(for_workers(data), 2)], None)
        assert found == 2 * data.numbers.sum()


def test_a_failing_task_ends_a_queue_on_dask(client):
    with parallel_config(backend="dask"):
        queue = results(fail_at_two, [(i,) for i in range(8)], None)
        with pytest.raises(LookupError, match="the second"):
            list(queue)
        assert list(results(fail_at_two, [(5,)], None)) == [5]


def test_an_interrupt_ends_a_queue_on_dask(client):
    done = []
    with parallel_config(backend="dask"):
        tasks = [(i,) for i in range(60)]
        with pytest.raises(KeyboardInterrupt):
            list(results(Interrupting(done), tasks, None))
        assert list(results(fail_at_two, [(7,)], None)) == [7]
    assert len(done) < 30


class Interrupting:
    def __init__(self, done):
        self.id = id(done)
        _DONE[self.id] = done

    def __call__(self, number):
        interrupt(_DONE[self.id], number)


_DONE = {}
