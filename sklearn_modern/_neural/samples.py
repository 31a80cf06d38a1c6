"""What ``sample`` of a generator does: prompts in, sequences out."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils import check_random_state
from torch import Tensor

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._neural.outcomes import tokens_of
from sklearn_modern.networks.decoding import Choice, Draws, write
from sklearn_modern.training.next_token import NetworkWriter, StepWriter

__all__ = ["sample"]

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
    if not (_is_whole(n_samples) and n_samples >= 1):
        raise ValueError(f"n_samples={n_samples!r} must be a number of samples, at least 1.")
    _check_temperature(temperature)
    _check_restrictions(generator, top_k, top_p)
    if max_length is not None and not (_is_whole(max_length) and max_length >= 1):
        raise ValueError(
            f"max_length={max_length!r} must be a number of steps, at least 1, or None."
        )
    longest = max(1, generator._longest) if max_length is None else max_length
    prompts = _prompts(generator, prompt, n_samples)
    _check_lengths(prompts, longest)
    network = generator._net_on_device().module_.eval()
    seed = check_random_state(random_state).randint(2**31 - 1)
    random = torch.Generator().manual_seed(int(seed))
    if is_text:
        writer, choose = NetworkWriter(network), Choice(temperature, top_k, top_p)
        first = torch.tensor(network.head.end)
    else:
        writer = StepWriter(network)
        n_marks = writer.n_numbers - network.head.n_channels
        choose = _Numbers(network.head, temperature, n_marks)
        first = torch.zeros(writer.n_numbers, dtype=generator._dtype)
    written = []
    for start in range(0, n_samples, _TOGETHER):
        written += write(
            writer,
            prompts[start : start + _TOGETHER],
            choose,
            first=first,
            max_length=longest,
            generator=random,
        )
    return _as_users_know(generator, written)


class _Numbers:
    """Choose steps of numbers: scaled, and none of them missing."""

    def __init__(self, head: Any, temperature: float, n_marks: int) -> None:
        self.head, self.temperature, self.n_marks = head, temperature, n_marks

    def __call__(self, predicted: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Draw steps, and which rows end."""
        steps, ends = self.head.draw(predicted, self.temperature, draws)
        return F.pad(steps, (0, self.n_marks)).to(predicted.dtype), ends


def _prompts(generator, prompt, n_samples):
    """Return what each sample begins with, as the network reads it."""
    inputs = generator._inputs
    if prompt is None:
        given = [_nothing(inputs)] * n_samples
    elif _is_one(prompt, inputs.reader):
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
    if reader.kind == "tokens":
        return not isinstance(prompt, str) and all(isinstance(token, str) for token in prompt)
    if isinstance(prompt, str):  # which is refused later
        return True
    axes = 1 if reader.n_channels == 1 else 2
    if isinstance(prompt, np.ndarray):
        return prompt.ndim <= 2 and not (prompt.ndim == 2 and axes == 1 and prompt.shape[1] > 1)
    return all(np.ndim(step) == axes - 1 for step in prompt)


def _read_tokens(generator, prompt):
    reader, code_of = generator._inputs.reader, generator._inputs.vocabulary.code_of
    if reader.kind == "text":
        if not isinstance(prompt, str):
            raise ValueError(f"prompt has {prompt!r}, but this generator was fitted to texts.")
        tokens = next(iter(reader.analyzer.tokens([prompt])))
    else:
        tokens = list(prompt)
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
        return torch.zeros(0, scaler.n_channels_out, dtype=generator._dtype)
    return torch.from_numpy(scaler.transform(Ragged(steps, np.array([len(steps)])), dtype))


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


def _check_restrictions(generator, top_k, top_p):
    """Refuse restrictions that leave nothing, or that have no effect."""
    if not generator._inputs.is_text:
        for name, value in {"top_k": top_k, "top_p": top_p}.items():
            if value is not None:
                raise ValueError(
                    f"{name}={value!r} is about tokens, but this generator was fitted to numbers."
                )
        return
    n = len(generator._inputs.vocabulary.code_of)
    if top_k is not None and not (_is_whole(top_k) and 1 <= top_k <= n + 1):
        raise ValueError(
            f"top_k={top_k!r} must be from 1 to {n + 1}, as there are {n} tokens, and the end."
        )
    if top_p is not None and not (isinstance(top_p, Real) and 0 < top_p <= 1):
        raise ValueError(f"top_p={top_p!r} must be a probability in (0, 1].")


def _check_lengths(prompts, longest):
    place = max(range(len(prompts)), key=lambda row: len(prompts[row]))
    if len(prompts[place]) > longest:
        raise ValueError(
            f"prompt has {len(prompts[place])} steps, but max_length={longest}; raise max_length."
        )
