"""How many threads a computation takes, and work in one flat queue."""

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

from joblib import effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

__all__ = ["for_workers", "one_thread", "results"]

# What dask's workers have of things that are still in use here.
_on_workers: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def one_thread() -> AbstractContextManager:
    """Keep the calling thread's numerical work in one thread.

    Threads that share a small operation wait for each other by spinning. With the cores to
    themselves they win little, and beside another process they can lose a hundredfold. The limit is
    one of OpenMP's, which holds for the calling thread alone; what a user has set by
    ``torch.set_num_threads`` stays in force for matrix products.
    """
    return threadpool_limits(limits=1, user_api="openmp")


def results(
    function: Callable[..., Any],
    tasks: Iterable[tuple],
    n_jobs: int | None,
    pre_dispatch: int | str = "2*n_jobs",
) -> Iterator[Any]:
    """Yield what a function returns of each task, in their order, as soon as it is there.

    Parameters
    ----------
    function : callable
        What to do.
    tasks : iterable of tuple
        Its arguments. Large arrays are shared among the processes of a machine; an object that
        holds some goes through :func:`for_workers` before.
    n_jobs : int or None
        How many run at the same time, as joblib understands it.
    pre_dispatch : int or str, default="2*n_jobs"
        How many are handed out beforehand.
    """
    calls = [delayed(function)(*task) for task in tasks]
    if not calls:
        return
    found = Parallel(n_jobs=n_jobs, pre_dispatch=pre_dispatch, return_as="generator")(calls)
    try:
        for _ in range(len(calls) - 1):
            yield next(found)
        yield from list(found)  # to the end, or joblib warns that it has dropped something
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.close()


def for_workers(shared: Any) -> Any:
    """Return what tasks are given in the place of an object with large data, such as their folds.

    Dask's workers get it once, in whatever many queues it takes part; without dask it is the object
    itself.

    joblib lays large arrays where all processes of this machine can read them, and sends all else
    with each task. To dask's workers it sends large arrays apart from the tasks, for each queue
    again; an object that holds such arrays goes with each task.
    """
    backend, _ = get_active_backend()
    client = getattr(backend, "client", None)  # which dask's backend has
    if client is None or effective_n_jobs() == 1:  # of one thread joblib makes no use
        return shared
    held = _on_workers.get(shared)
    if held is None or held.client is not client or held.status != "finished":
        # To all workers, or tasks would wait for the one that has it. A copy, as workers that are
        # threads would keep the object itself in use. With a hash, workers that send something
        # would cancel what others have of the same.
        held = client.scatter(copy.copy(shared), broadcast=True, hash=False)
        _on_workers[shared] = held
    return held
