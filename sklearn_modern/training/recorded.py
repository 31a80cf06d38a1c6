"""Work of a GPU that is started as a whole."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor

from sklearn_modern.device import is_cuda
from sklearn_modern.training.pack_size import is_out_of_memory

__all__ = ["Recorded", "own_stream"]

# Calls before the recording: the first ones choose kernels, and make what they need.
_CALLS_BEFORE = 3


class Recorded:
    """A call whose kernels on a GPU are recorded, and then started all at once.

    A step of a small network is some hundred kernels, and Python takes longer to start them than
    the GPU to run them. Where a function cannot be recorded, as it waits for the GPU, it is called
    each time, and nothing is recorded any more in this process: what torch keeps of a recording
    that went wrong is little, but for good.
    """

    def __init__(self) -> None:
        self._n_calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(
        self,
        function: Callable[..., Tensor],
        argument: Tensor,
        *others: Tensor,
        generators: Sequence[torch.Generator] = (),
    ) -> Tensor:
        """Do what the function does; it is the same function each time.

        Parameters
        ----------
        function : callable
            What it reads besides its arguments stays where it is in memory.
        argument : Tensor
            Its first argument, of the same shape each time.
        *others : Tensor
            More arguments, the same tensors each time.
        generators : sequence of torch.Generator
            Those on the GPU that it draws from.

        Returns
        -------
        Tensor
            What the function gives; the next call overwrites it.
        """
        if self._n_calls == _CALLS_BEFORE and not _failed:
            self._record(function, argument, others, generators)
        self._n_calls += 1
        if self._graph is None:
            return function(argument, *others)
        self._argument.copy_(argument)
        self._graph.replay()
        return self._result

    def _record(self, function, argument, others, generators):
        self._argument = argument.clone()
        torch.cuda.synchronize(argument.device)
        torch.cuda.empty_cache()  # of what earlier recordings had, too
        graph = _begin(generators)
        try:
            self._result = function(self._argument, *others)
            graph.capture_end()
        except BaseException as error:
            with suppress(RuntimeError):  # as what was recorded is of no use
                graph.capture_end()
            _failed.append(graph)  # torch still has its address
            # The generators believe that they are recorded until a recording has gone well.
            graph = _begin(generators)
            self._argument.clone()
            graph.capture_end()
            if not isinstance(error, RuntimeError) or is_out_of_memory(error):
                raise
        else:
            self._graph = graph


# Recordings that went wrong in this process.
_failed: list[torch.cuda.CUDAGraph] = []


def _begin(generators):
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    graph.capture_begin(capture_error_mode="thread_local")  # other threads may do what they like
    return graph


# A thread's stream on each device: memory that torch keeps for a stream is of use to no other.
_streams = threading.local()


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """Work in a stream of one's own, which recording needs."""
    if not is_cuda(device):
        yield
        return
    streams = vars(_streams)
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)
    stream = streams[device]
    stream.wait_stream(torch.cuda.current_stream(device))
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        torch.cuda.current_stream(device).wait_stream(stream)
