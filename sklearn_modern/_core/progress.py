"""How far a long computation is."""

import shutil
import sys
from time import perf_counter

__all__ = ["ProgressBar"]

_WIDTH = 20

# Seconds between two drawings of a bar on a terminal, and between two lines elsewhere.
_REDRAW = 0.1
_NEXT_LINE = 10.0


class ProgressBar:
    """A bar with the time left: drawn over itself on a terminal, in plain lines elsewhere.

    A file or a notebook gets a line every ten seconds and one at the end, without carriage returns.
    There are no colours anywhere. The time left is by the mean pace since the bar was made.

    Parameters
    ----------
    stream : {"stderr", "stdout"}, default="stderr"
        Where to write. It is looked up in ``sys`` each time, so that a bar can be pickled.
    """

    def __init__(self, stream: str = "stderr") -> None:
        self.stream = stream
        self._began = self._written = perf_counter()
        self._pending: str | None = None  # what has been said, but not yet written
        self._drawn = 0  # characters of the unfinished line on a terminal

    @property
    def is_drawn(self) -> bool:
        """Whether the stream is a terminal."""
        stream = getattr(sys, self.stream)
        return stream is not None and stream.isatty()

    def left(self, done: int, total: int) -> str:
        """Return the time left, such as "1:05"; until something is done, a question mark."""
        if done <= 0:
            return "?"
        return _clock((perf_counter() - self._began) / done * max(total - done, 0))

    def show(self, done: int, total: int, text: str = "") -> None:
        """Show that so many of a total are done.

        Parameters
        ----------
        done, total : int
            How far the computation is; with ``done >= total`` the bar ends.
        text : str, default=""
            What else there is to say, such as a score.
        """
        ends = done >= total
        filled = _WIDTH if ends else _WIDTH * done // total
        bar = "#" * filled + "-" * (_WIDTH - filled)
        now = perf_counter()
        time = f"in {_clock(now - self._began)}" if ends else f"{self.left(done, total)} left"
        self._pending = f"[{bar}] {done}/{total} {time}" + (f", {text}" if text else "")
        if ends:
            self.close()
        elif now - self._written >= (_REDRAW if self.is_drawn else _NEXT_LINE):
            self._write(now)

    def close(self) -> None:
        """Say what has not been written yet, and end the line; a second call does nothing."""
        if self._pending is not None:
            self._write(perf_counter())
        if self._drawn:
            print(file=getattr(sys, self.stream), flush=True)
            self._drawn = 0

    def _write(self, now):
        line, self._pending, self._written = self._pending, None, now
        stream = getattr(sys, self.stream)
        if not self.is_drawn:
            print(line, file=stream, flush=True)
            return
        line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be redrawn
        print("\r" + line.ljust(self._drawn), end="", file=stream, flush=True)
        self._drawn = len(line)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
