"""How many threads a computation takes."""

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager:
    """Keep the calling thread's numerical work in one thread.

    Threads that share a small operation wait for each other by spinning. With the cores to
    themselves they win little, and beside another process they can lose a hundredfold. The limit is
    one of OpenMP's, which holds for the calling thread alone; what a user has set by
    ``torch.set_num_threads`` stays in force for matrix products.
    """
    return threadpool_limits(limits=1, user_api="openmp")
