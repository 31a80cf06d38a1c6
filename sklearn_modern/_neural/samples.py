"""What ``sample`` of a generator does: prompts in, sequences out."""

from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils import check_random_state
from torch import Tensor

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.validation import check_count
from sklearn_modern._neural.outcomes import tokens_of
from sklearn_modern.networks.decoding import Choice, Draws, write
from sklearn_modern.training.next_token import NetworkWriter, StepWriter

__all__ = ["checked_choice", "sample"]

# Rows that are written together.
_TOGETHER = 1024

_SHOWN = 5


def sample(
    generator: Any,
    n_samples: int,
    *,
    prompt: Any,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    max_length: int | None,
    random_state: Any,
) -> list:
    """Write sequences with a fitted generator; see its method of this name."""
    is_text = generator._inputs.is_text
    check_count(n_samples, "n_samples")
    choose: Any
    if is_text:
        choose = checked_choice(
            temperature, top_k, top_p, n_tokens=len(generator._inputs.vocabulary.code_of)
        )
    else:
        _check_temperature(temperature)
        _refuse_restrictions(top_k=top_k, top_p=top_p)
    if max_length is not None and not (_is_whole(max_length) and max_length >= 1):
        raise ValueError(
            f"max_length={max_length!r} must be a number of steps, at least 1, or None."
        )
    longest = max(1, generator._longest) if max_length is None else max_length
    prompts = _prompts(generator, prompt, n_samples)
    _check_lengths(prompts, longest)
    objective = generator._net_on_device().objective
    network = objective.modules["module"].eval()
    head = network.head
    seed = check_random_state(random_state).randint(2**31 - 1)
    random = torch.Generator().manual_seed(int(seed))
    if is_text:
        writer = NetworkWriter(network)
        like = torch.zeros(1, 1, dtype=torch.int64)
    else:
        n_numbers = generator._inputs.scaler.n_channels_out
        writer = StepWriter(network)
        choose = _Numbers(head, temperature, n_numbers - head.n_channels)
        like = torch.zeros(1, 1, n_numbers + 1, dtype=generator._dtype)
    order = objective.order(like)
    writer, choose = order.over(writer, choose, longest)
    turns = {id(prompt): order.laid(head.read(prompt)) for prompt in prompts}
    written = []
    for start in range(0, n_samples, _TOGETHER):
        written += write(
            writer,
            [turns[id(prompt)] for prompt in prompts[start : start + _TOGETHER]],
            choose,
            first=head.read(head.beginning(1, like))[0, 0],
            max_length=order.n_turns(longest),
            generator=random,
        )
    written = [order.gathered(row) for row in written]
    return _as_users_know(generator, written)


def checked_choice(temperature: Any, top_k: Any, top_p: Any, *, n_tokens: int) -> Choice:
    """Return how tokens are chosen; refuse restrictions that leave nothing, or have no effect."""
    _check_temperature(temperature)
    if top_k is not None and not (_is_whole(top_k) and 1 <= top_k <= n_tokens + 1):
        raise ValueError(
            f"top_k={top_k!r} must be from 1 to {n_tokens + 1}, as there are {n_tokens} tokens, "
            "and the end."
        )
    if top_p is not None and not (isinstance(top_p, Real) and 0 < top_p <= 1):
        raise ValueError(f"top_p={top_p!r} must be a probability in (0, 1].")
    return Choice(temperature, top_k, top_p)


class _Numbers:
    """Choose steps of numbers: scaled, and none of them missing."""

    def __init__(self, head: Any, temperature: float, n_marks: int) -> None:
        self.head, self.temperature, self.n_marks = head, temperature, n_marks

    def __call__(self, predicted: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Draw steps, and which rows end."""
        steps, ends = self.head.draw(predicted, self.temperature, draws)
        # Nothing is missing, and all are steps.
        outcomes = F.pad(steps, (0, self.n_marks + 1)).to(predicted.dtype)
        return self.head.read(outcomes), ends


def _prompts(generator, prompt, n_samples):
    """Return the outcomes that each sample has, whatever follows."""
    inputs = generator._inputs
    if prompt is None:
        prompt = _nothing(inputs)
    elif not isinstance(prompt, Iterable) or isinstance(prompt, Set | Mapping | bytes):
        raise TypeError(
            f"prompt={prompt!r} must be a sequence like those of the fit, or a list of one for "
            "each sample."
        )
    elif hasattr(prompt, "to_numpy"):
        prompt = prompt.to_numpy()
    elif not isinstance(prompt, (str, np.ndarray)):
        prompt = list(prompt)
    if _is_one(prompt, inputs.reader):
        given = [prompt] * n_samples
    else:
        given = list(prompt)
        if len(given) != n_samples:
            raise ValueError(
                f"prompt has {len(given)} sequences, but n_samples={n_samples}; pass one for all, "
                "or one for each."
            )
    read = _read_tokens if inputs.is_text else _read_numbers
    known: dict[int, Tensor] = {}
    for one in given:
        if id(one) not in known:
            known[id(one)] = read(generator, one)
    return [known[id(one)] for one in given]


def _nothing(inputs):
    if inputs.is_text:
        return "" if inputs.reader.kind == "text" else []
    return np.zeros((0, inputs.reader.n_channels))


def _is_one(prompt, reader):
    if reader.kind == "text":
        return isinstance(prompt, str)
    if isinstance(prompt, str):  # which is refused later
        return True
    if reader.kind == "tokens":
        return all(isinstance(token, str) for token in prompt)
    axes = 1 if reader.n_channels == 1 else 2
    if isinstance(prompt, np.ndarray) and prompt.ndim == 2 and axes == 1:
        # A row of a table is a sequence; else there is an axis of channels.
        channels = prompt.shape[0 if reader.channels == "first" else 1]
        return not reader.is_table and channels == 1
    return all(np.ndim(step) == axes - 1 for step in prompt)


def _read_tokens(generator, prompt):
    reader, code_of = generator._inputs.reader, generator._inputs.vocabulary.code_of
    if reader.kind == "text":
        if not isinstance(prompt, str):
            raise ValueError(f"prompt has {prompt!r}, but this generator was fitted to texts.")
        tokens = next(iter(reader.analyzer.tokens([prompt])))
    elif isinstance(prompt, (list, tuple, np.ndarray)) and all(
        isinstance(token, str) for token in prompt
    ):
        tokens = list(prompt)
    else:
        raise ValueError(
            f"prompt has {prompt!r}, but this generator was fitted to lists of tokens, which are "
            "strings."
        )
    unknown = sorted({token for token in tokens if token not in code_of})
    if unknown:
        raise ValueError(
            f"prompt={prompt!r} has tokens that the fit has not kept: {unknown[:_SHOWN]}. The "
            "known ones are in vocabulary_."
        )
    return torch.tensor([code_of[token] for token in tokens], dtype=torch.int64)


def _read_numbers(generator, prompt):
    reader, scaler = generator._inputs.reader, generator._inputs.scaler
    try:
        steps = np.asarray(prompt, dtype=np.float64)
    except (TypeError, ValueError):
        steps = np.empty((0, 0, 0))
    if steps.ndim == 1 and reader.n_channels == 1:
        steps = steps[:, np.newaxis]
    elif steps.ndim == 2 and reader.channels == "first" and len(steps):
        steps = steps.T
    if steps.ndim != 2 or steps.shape[1] != reader.n_channels:
        raise ValueError(
            f"prompt={prompt!r} must be numbers (length, {reader.n_channels}), as this generator "
            "was fitted to sequences of numbers."
        )
    if not np.isfinite(steps).all():
        raise ValueError(f"prompt={prompt!r} must be finite.")
    dtype = torch.empty((), dtype=generator._dtype).numpy().dtype
    if not len(steps):
        return torch.zeros(0, scaler.n_channels_out + 1, dtype=generator._dtype)
    scaled = scaler.transform(Ragged(steps, np.array([len(steps)])), dtype)
    return F.pad(torch.from_numpy(scaled), (0, 1))


def _as_users_know(generator, written: Sequence[Tensor]) -> list:
    """Return tokens by their names, or numbers in their units."""
    inputs = generator._inputs
    if inputs.is_text:
        names = tokens_of(inputs)
        tokens = [names[row.numpy()].tolist() for row in written]
        if inputs.reader.kind == "tokens":
            return tokens
        return [generator._glue.join(row) for row in tokens]
    scaler, reader = inputs.scaler, inputs.reader
    found = []
    for row in written:
        steps = row[:, : reader.n_channels].double().numpy()
        if scaler.kind is not None:
            steps = steps * scaler.scale + scaler.mean
        if reader.is_table:
            steps = steps[:, 0]
        elif reader.channels == "first":
            steps = steps.T
        found.append(steps)
    return found


def _is_whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_temperature(temperature):
    if not isinstance(temperature, Real) or not 0 <= temperature < np.inf:
        raise ValueError(
            f"temperature={temperature!r} must be 0, for the likeliest, or a positive number."
        )


def _refuse_restrictions(**restrictions):
    """Refuse what is about tokens."""
    for name, value in restrictions.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r} is about tokens, but this generator was fitted to numbers."
            )


def _check_lengths(prompts, longest):
    place = max(range(len(prompts)), key=lambda row: len(prompts[row]))
    if len(prompts[place]) > longest:
        raise ValueError(
            f"prompt has {len(prompts[place])} steps, but max_length={longest}; raise max_length."
        )
