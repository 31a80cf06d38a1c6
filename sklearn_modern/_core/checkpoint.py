"""Records of finished work, which a killed process leaves behind for the next."""

import json
import os
import zlib
from collections.abc import Iterable
from contextlib import contextmanager
from errno import ENOENT
from pathlib import Path
from time import monotonic
from typing import Any

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no locks that end with a killed process
    fcntl = None

__all__ = ["Checkpoint"]

# A killed process loses nothing that it has written: the operating system has it. Lest that ends,
# too, it is asked this often to write to the disk, which takes longer than many a fit.
_SYNC_SECONDS = 1.0


class Checkpoint:
    """A file to which records are added.

    Each line has its checksum, so that one which a killed process has half written is seen, and
    left out. The first line says what the work is made of; a file of other work is refused, and so
    is one that cannot be read, or that another fit writes to. Nothing is written before
    :meth:`append`, which raises an OSError that names the file where the disk refuses.

    Parameters
    ----------
    path : str or path-like
        The file; it need not be there.
    made_of : dict of str to str
        What decides the results, such as "the data", with a fingerprint of each.

    Attributes
    ----------
    records : list of dict
        What the file had.
    """

    def __init__(self, path: str | os.PathLike, made_of: dict[str, str]) -> None:
        self._path, self._header = Path(path), {"made_of": made_of}
        lines, self._whole, self._size = self._read()
        if lines:
            self._compare(lines[0], made_of)
        elif not self._path.parent.is_dir():
            raise FileNotFoundError(ENOENT, "The folder of the checkpoint is not there", str(path))
        self.records = lines[1:]
        self._file, self._synced = None, monotonic()
        if lines and os.access(self._path, os.W_OK):
            self._open()

    def append(self, records: Iterable[dict[str, Any]]) -> None:
        """Add records; when this returns, the process may be killed."""
        with self._named_errors():
            self._prepare()
            self._file.write(b"".join(map(_line, records)))
            self._file.flush()
            if monotonic() - self._synced >= _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = monotonic()

    def close(self) -> None:
        """Let other fits write to the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _prepare(self):
        """Write the first line, or cut off a half of the last one, once."""
        if self._file is None:
            self._open()
        if self._size is None:
            return
        if self._path.stat().st_size != self._size:
            self._refuse_second()
        os.truncate(self._path, self._whole)
        if self._whole == 0:
            self._file.write(_line(self._header))
        self._size = None

    def _open(self):
        """Open the file to write, and lock it until it is closed or the process ends."""
        self._file = self._path.open("ab")
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._refuse_second()

    def _refuse_second(self):
        self.close()
        raise ValueError(
            f"Another fit writes to the checkpoint {self._path} at this moment; wait for its end, "
            "or give another path."
        )

    @contextmanager
    def _named_errors(self):
        """Name the checkpoint in errors of the disk: that of a full one names no file."""
        try:
            yield
        except OSError as error:
            reason = f"The checkpoint {self._path} cannot be written: {error.strerror}"
            raise type(error)(error.errno, reason, str(self._path)) from error

    def _read(self):
        """Return what the lines hold, how many bytes of the file are whole lines, and its size."""
        if not self._path.exists():
            return [], 0, 0
        lines, whole, content = [], 0, self._path.read_bytes()
        for line in content.splitlines(keepends=True):
            checksum, _, text = line.partition(b" ")
            if checksum.decode(errors="replace") != _checksum(text):
                break
            lines.append(json.loads(text))
            whole += len(line)
        if not lines and not _line(self._header).startswith(content):
            raise ValueError(f"{self._path} is not a checkpoint; give another path.")
        return lines, whole, len(content)

    def _compare(self, header, made_of):
        before = header.get("made_of", {})
        other = [name for name in made_of if before.get(name) != made_of[name]]
        if other:
            raise ValueError(
                f"The checkpoint {self._path} is of other work, which differs in "
                f"{' and '.join(other)}. Remove it, or give another path."
            )


def _line(record):
    text = json.dumps(record).encode() + b"\n"
    return f"{_checksum(text)} ".encode() + text


def _checksum(text):
    return f"{zlib.crc32(text):08x}"
