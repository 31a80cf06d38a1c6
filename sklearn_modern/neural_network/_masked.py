"""Pretraining on sequences without labels: guess what is hidden."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, field
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._inputs.masking import MASK, MarkingScaler, MaskAnalyzer, MaskVocabulary
from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.text import UNKNOWN
from sklearn_modern._inputs.validation import weighted_rows
from sklearn_modern._neural.masked_inputs import MaskedInputs
from sklearn_modern.networks.masked import MaskedNetwork, NumberGuesses, SideBySide, TokenGuesses
from sklearn_modern.networks.members import make_members
from sklearn_modern.neural_network._transformer import TransformerEstimator
from sklearn_modern.training.masked import MaskedNumbers, MaskedTokens
from sklearn_modern.training.predictions import guesses, scored
from sklearn_modern.training.supervised import Network

__all__ = ["MaskedTransformer"]

# max_iter="auto": as many epochs as have so many batches, but from and to so many. Without labels
# little is learned by heart, since other tokens are hidden in each epoch.
_EPOCHS = {True: (6400, 5, 100), False: (1000, 30, 100)}


def _has_tokens(masked: Any) -> None:
    """Raise if the fit was to numbers."""
    if hasattr(masked, "net_") and not masked._inputs.is_text:
        raise AttributeError("it is of tokens, but X held numbers in fit; fill gives numbers.")


@estimator
class MaskedTransformer(TransformerEstimator):
    """Transformer that learns from sequences without labels, by guessing what is hidden.

    In each step of the training some tokens of each row are hidden, and guessed from all the others
    [1]_. What the network learns by that helps where labels are few:
    ``TransformerClassifier(pretrained=FrozenEstimator(masked))`` starts from it, and keeps its
    vocabulary.

    Of the tokens to guess 80% are shown as "[MASK]", 10% as another token and 10% as they are. Of
    sequences of numbers stretches of three steps are hidden in each channel by itself [2]_, and
    their squared error is minimised; what is hidden looks like what is missing (NaN). The weights
    of the last layer are the vectors of the tokens [3]_.

    X may have holes: the token or text "[MASK]", and missing numbers. They are seen as such, and
    never guessed in a training. :meth:`fill` fills them in.

    Parameters
    ----------
    width : int, default=128
        Width of a step within the network.
    depth : int, default=2
        Number of transformer blocks.
    n_heads : int, default=4
        Number of heads of an attention; it divides ``width``.
    mask_fraction : float, default=0.15
        Share of the known tokens, or numbers, that are guessed.
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a thirtieth of the rows, rounded to a power of two
        from 8 to 64.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 6400 batches, but
        5 to 100; for numbers 1000 batches, but 30 to 100.

    References
    ----------
    .. [1] Devlin, Chang, Lee, Toutanova (2019). BERT: pre-training of deep bidirectional
       transformers for language understanding. NAACL.
    .. [2] Zerveas, Jayaraman, Patel, Bhamidipaty, Eickhoff (2021). A transformer-based framework
       for multivariate time series representation learning. KDD.
    .. [3] Press, Wolf (2017). Using the output embedding to improve language models. EACL.

    Examples
    --------
    >>> from sklearn_modern.neural_network import MaskedTransformer
    >>> texts = ["one two three", "four five six"] * 20
    >>> masked = MaskedTransformer(width=16, max_iter=60, device="cpu", random_state=0)
    >>> masked.fit(texts).fill(["one [MASK] three", "four five [MASK]"])
    ['one two three', 'four five six']
    """

    width: int = shapes(default=128, differs=False)
    depth: int = shapes(default=2, differs=False)
    n_heads: int = shapes(default=4, differs=False)
    _: KW_ONLY
    mask_fraction: float = shapes(default=0.15, differs=False)
    # Parameters of classifiers and regressors that say nothing here.
    pooling: str = field(default="mean", init=False)
    mixup: float = field(default=0.0, init=False)
    scoring: str = field(default="loss", init=False)
    pretrained: Any = field(default=None, init=False)
    freeze: str = field(default="body", init=False)
    body_learning_rate_factor: float = field(default=0.1, init=False)

    # Scores of many tokens of many rows do not fit into a cache, and small batches learn more in
    # an epoch.
    _largest_batch = 64
    # With the usual 1.0 a token's vector stays for long what it happened to be.
    _embedding_std = 0.3

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "mask_fraction": [Interval(Real, 0, 1, closed="neither")],
    }

    def transform(self, X):
        """Return features: the mean over the steps of what the last block gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Sequences, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The features, those of several members side by side.
        """
        return super().transform(X)

    def score(self, X, y=None, sample_weight=None):
        """Return the mean log-likelihood of hidden tokens.

        What is hidden comes from ``random_state`` and from each row itself, is the same in each
        call, and is at least one token of each row; all of it is shown as "[MASK]". In training
        this is the score of validation rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Sequences, as for ``fit``.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows.

        Returns
        -------
        float
            By natural logarithms, of the members' mean probability; unknown tokens do not count.
            For numbers minus the mean squared error, as they are scaled by ``input_scaling``.
        """
        check_is_fitted(self, "net_")
        X, _, weight = weighted_rows(X, None, sample_weight)
        total, count = weight @ self._in_chunks(X, scored).astype(np.float64)
        if not count:
            what = "known token" if self._inputs.is_text else "number"
            raise ValueError(f"X has no {what} that could be hidden, so that there is no score.")
        return float(total / count)

    def fill(self, X):
        """Fill in what is missing.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Sequences, as for ``fit``, with "[MASK]" for what is missing, in a text or as a token;
            numbers with NaN. Some rows may be complete.

        Returns
        -------
        list or ndarray
            As X: a list of texts, of lists of tokens or of arrays, or one array. Each "[MASK]" is
            the likeliest token; where there are several, each is so by itself. What lies beyond
            ``max_length`` stays, as do missing steps at the end of a sequence of numbers, which are
            no part of it.
        """
        checked, found = self._filled(X)
        if not self._inputs.is_text:
            return _like(X, checked, self._numbers(checked, found), self.channels)
        tokens = np.full(len(checked.values), -1)
        for places, probabilities in found:
            tokens[places] = probabilities.argmax(1)
        names = list(self.vocabulary_)
        rows = np.split(tokens, checked.starts[1:])
        named = ([names[token] for token in row[row >= 0]] for row in rows)
        return [_without_masks(row, words) for row, words in zip(X, named, strict=True)]

    @available_if(_has_tokens)
    def fill_proba(self, X):
        """Return the probability of each token in the place of each "[MASK]".

        Parameters
        ----------
        X : array-like of shape (n_samples,)
            Texts or lists of tokens, as for :meth:`fill`.

        Returns
        -------
        list of ndarray of shape (n_masks, n_tokens)
            For each row, those of its masks in their order; tokens are in the order of
            ``vocabulary_``.
        """
        checked, found = self._filled(X)
        found = list(found)
        places = np.concatenate([places for places, _ in found])
        order = places.argsort()
        probabilities = np.concatenate([values for _, values in found])[order]
        ends = np.searchsorted(places[order], checked.starts[1:])
        return np.split(probabilities, ends)

    def to_torch(self) -> torch.nn.Module:
        """Return the fitted network as a bare module, for use outside.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, on the CPU. It maps codes of tokens ``(rows, steps)``, those of
            ``vocabulary_``, with 1 for an unknown token, the one after the last for "[MASK]", and 0
            beyond the end; or numbers ``(rows, steps, channels)``, with NaN beyond the end and
            where they are missing. What is beyond ``max_length`` is left out. It returns what
            :meth:`transform` does.
        """
        check_is_fitted(self, "net_")
        network = Network(self.net_.module_.body, SideBySide())
        return self._inputs.export(network, self._dtype)

    # How it is done.

    def _filled(self, X):
        """Read X, and return what is guessed of its holes."""
        check_is_fitted(self, "net_")
        checked = self._inputs.check(self, X, reset=False)
        longest = self._inputs.reader.max_length
        read = "" if longest is None else f" up to step {longest} (max_length)"
        if self._inputs.is_text:
            if MASK not in checked.tokens:
                raise ValueError(
                    f'X has no "{MASK}" in any of its {len(checked)} rows{read}, so that there is '
                    "nothing to fill in."
                )
        elif not np.isnan(checked.values).any():
            raise ValueError(
                f"X has no missing number (NaN) in any of its {len(checked)} rows{read}, so that "
                "there is nothing to fill in; missing steps at the end of a sequence are no part "
                "of it."
            )
        return checked, self._guesses(checked)

    def _guesses(self, checked: Ragged) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield places among all steps, and what is guessed of them."""
        objective, together = self._net_on_device().objective, self._rows_together(checked)
        for rows in self._inputs.chunks(checked, len(checked), together):
            source = self._source(checked, rows, rows_together=together)
            values, (row, step) = guesses(objective, source.whole())
            yield checked.starts[rows][row] + step, values

    def _numbers(self, checked, found):
        """Return the steps of all rows, completed."""
        scaled = np.zeros(checked.values.shape)
        for places, values in found:
            scaled[places] = values
        guessed = self._inputs.scaler.inverse(scaled, checked)
        return np.where(np.isnan(checked.values), guessed, checked.values)

    def _make_inputs(self):
        reader = super()._make_inputs().reader
        reader.analyzer = MaskAnalyzer(self.analyzer, self.token_pattern, self.lowercase)
        vocabulary = MaskVocabulary(self.max_features, self.min_df)
        return MaskedInputs(reader, vocabulary, MarkingScaler(self.input_scaling))

    def _make_objective(self, random):
        body, inputs = make_members(self._make_body, random), self._inputs
        how = {
            "share": self.mask_fraction,
            "size": inputs.n_steps * (1 if inputs.is_text else len(inputs.scaler.mean)),
            "seed": random.seeds[0],
            "fixed": self.solver == "lbfgs",
        }
        if self.solver == "lbfgs":
            body.silence()
        # Not drawn in each step, as how much shuffling draws depends on the number of rows.
        seeds = [_drawn(generator) for generator in random.generators()]
        first = body.bodies[0]
        if not inputs.is_text:
            guesser = NumberGuesses(first.n_step_features, inputs.scaler.fill, random)
            fill = torch.from_numpy(inputs.scaler.fill)
            return MaskedNumbers(MaskedNetwork(body, guesser), seeds, fill, **how)
        sizes = first.n_step_features, first.embedding.n_out, UNKNOWN + 1
        network = MaskedNetwork(body, TokenGuesses(*sizes, inputs.vocabulary.counts, random))
        return MaskedTokens(network, seeds, inputs.vocabulary.mask_code, **how)

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        n_batches, fewest, most = _EPOCHS[self._inputs.is_text]
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(n_batches / in_epoch), fewest, most))


def _drawn(generator):
    return int(torch.randint(2**61, (), generator=generator))


def _without_masks(row, words):
    """Put words in the places of masks, as far as there are words."""
    words = iter(words)
    if isinstance(row, str):
        first, *pieces = row.split(MASK)
        return first + "".join(next(words, MASK) + piece for piece in pieces)
    return [next(words, MASK) if token == MASK else str(token) for token in row]


def _like(X, checked, steps, channels):
    """Return the steps of rows in the form of X; what X has beyond their ends is missing."""
    rows = np.split(steps, checked.starts[1:])
    if hasattr(X, "shape") and len(X.shape) > 1:
        is_first = len(X.shape) == 3 and channels == "first"
        filled = np.full(X.shape, np.nan, _float_type(X))
        view = filled.swapaxes(1, 2) if is_first else filled.reshape(*X.shape[:2], -1)
        for row, own in zip(view, rows, strict=True):
            row[: len(own)] = own
        return filled
    return [_row_like(given, own, channels) for given, own in zip(X, rows, strict=True)]


def _row_like(given, own, channels):
    shape = np.shape(given)
    filled = np.full(shape, np.nan, _float_type(given))
    view = filled.T if len(shape) == 2 and channels == "first" else filled.reshape(shape[0], -1)
    view[: len(own)] = own
    return filled


def _float_type(given):
    """Return the type of numbers that may be missing: that of an array, if it is one of floats."""
    dtype = getattr(given, "dtype", np.dtype(float))
    return dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" else np.dtype(float)
