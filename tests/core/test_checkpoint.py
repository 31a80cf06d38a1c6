"""Files of records that outlive the process."""

import json
from contextlib import closing

import pytest

from sklearn_modern._core.checkpoint import Checkpoint

MADE_OF = {"the data": "1", "the settings": "2"}
RECORDS = [{"number": number} for number in range(3)]


def written(path):
    """Return the bytes of a checkpoint with three records."""
    checkpoint = Checkpoint(path, MADE_OF)
    checkpoint.append(RECORDS[:1])
    checkpoint.append(RECORDS[1:])
    checkpoint.close()
    return path.read_bytes()


def records_of(path):
    """Return what a checkpoint has."""
    with closing(Checkpoint(path, MADE_OF)) as checkpoint:
        return checkpoint.records


def test_whatever_a_killed_process_left_the_next_one_goes_on(tmp_path):
    whole = written(tmp_path / "whole")
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    path = tmp_path / "part"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        checkpoint = Checkpoint(path, MADE_OF)
        n_lines = sum(end <= length for end in ends)
        assert checkpoint.records == RECORDS[: max(0, n_lines - 1)]
        checkpoint.append(RECORDS[len(checkpoint.records) :])
        checkpoint.close()
        assert path.read_bytes().splitlines()[-1:] == whole.splitlines()[-1:]
        assert records_of(path) == RECORDS


def test_what_is_no_checkpoint_stays_as_it_is(tmp_path):
    path = tmp_path / "letter"
    for content in (b"Dear reader", json.dumps({"made_of": MADE_OF}).encode()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="letter is not a checkpoint"):
            Checkpoint(path, MADE_OF)
        assert path.read_bytes() == content


def test_of_two_that_begin_a_file_at_once_one_is_refused(tmp_path):
    first, second = (Checkpoint(tmp_path / "new", MADE_OF) for _ in range(2))
    first.append([])
    for _ in range(2):
        with pytest.raises(ValueError, match="Another fit writes to the checkpoint"):
            second.append([])
    first.append(RECORDS)
    first.close()
    with pytest.raises(ValueError, match="Another fit writes"):  # it knows nothing of the records
        second.append([])
    assert records_of(tmp_path / "new") == RECORDS
