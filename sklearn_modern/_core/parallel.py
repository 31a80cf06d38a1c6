"""How many threads a computation takes, and work in one flat queue."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

__all__ = ["one_thread", "results"]


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
        Its arguments. Large arrays are shared among processes.
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
