"""Estimators over sequences of tokens or numbers."""

from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.sequences import SequenceReader
from sklearn_modern._inputs.step_scaling import StepScaler
from sklearn_modern._inputs.text import Analyzer, Vocabulary
from sklearn_modern._neural.sequence_inputs import SequenceInputs
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.transfer import TransferEstimator
from sklearn_modern.networks.sequences import ForeignSequenceBody, TokenEmbedding

__all__ = ["SequenceEstimator"]

# max_iter="auto": as many epochs as have so many batches, but from and to so many. Of texts a few
# epochs are learned by heart.
_EPOCHS = {True: (200, 4, 30), False: (1000, 30, 100)}

# Length of a token's vector, unless vectors are given.
_EMBEDDING_SIZE = 64


@estimator
class SequenceEstimator(TransferEstimator):
    """An estimator over sequences of any length.

    Parameters
    ----------
    analyzer : {"auto", "word", "char"} or callable, default="auto"
        What the tokens of a text are. "auto" cuts words if at least half of the training texts
        contain white space, else characters. A callable makes a list of strings of a text.
    token_pattern : str, default=r"\\w+|[^\\w\\s]"
        What a word is, as a regular expression: by default letters and digits in a row, or one
        punctuation mark.
    lowercase : "auto" or bool, default="auto"
        Whether texts become lower-case before they are cut; "auto" is so for words only.
    max_features : int or None, default=20000
        How many tokens to keep, the most frequent ones; all others are one unknown token.
    min_df : int or float, default=1
        In how many texts, or in which share of them, a token must occur to be kept. A text of
        sample weight 2 counts as two; for a number of texts none counts as less than one.
    embedding_size : int or None, default=None
        Length of a token's learned vector; None is that of ``token_vectors``, or else 64.
    token_vectors : mapping or None, default=None
        Vectors of tokens, from which theirs start.
    token_dropout : float, default=0.1
        Share of tokens that are replaced by the unknown one in a training step, which is how the
        unknown is learned.
    max_length : int or None, default=None
        Longer sequences lose their ends.
    channels : {"first", "last"}, default="last"
        Whether a sequence of numbers is (channels, length) or (length, channels).
    input_scaling : {"standard", "per_sequence"} or None, default="standard"
        Whether channels are brought to mean 0 and variance 1: those of all sequences, or of each by
        itself.

    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a thirtieth of the rows, rounded to a power of two
        from 8 to 256.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 1000 batches, but
        30 to 100; for texts, which are soon learned by heart, 200 batches, but 4 to 30.
    n_iter_no_change : int, default=50
        Epochs without improvement after which training stops. Fewer would end trainings of few rows
        while the learning rate is still high.

    Attributes
    ----------
    analyzer_ : "word", "char", callable or None
        What tokens are, if X holds texts.
    n_channels_ : int or None
        Numbers of a step, if X holds numbers.
    """

    _: KW_ONLY
    analyzer: Any = shapes(default="auto", differs=False)
    token_pattern: str = shapes(default=r"\w+|[^\w\s]", differs=False)
    lowercase: bool | str = shapes(default="auto", differs=False)
    max_features: int | None = shapes(default=20000, differs=False)
    min_df: float = shapes(default=1, differs=False)
    embedding_size: int | None = shapes(default=None, differs=False)
    token_vectors: Any = shapes(default=None, packs_with=(None,))
    token_dropout: float = shapes(default=0.1, differs=False, needs=BATCHES)
    max_length: int | None = shapes(default=None, differs=False)
    channels: str = shapes(default="last", differs=False)
    input_scaling: str | None = shapes(default="standard", differs=False)
    batch_size: int | str = steers(default="auto", differs=False, needs=BATCHES)
    max_iter: int | str = steers(default="auto", differs=True)
    n_iter_no_change: int = steers(default=50, differs=True)

    _parameter_constraints = {
        "analyzer": [StrOptions({"auto", "word", "char"}), callable],
        "token_pattern": [str],
        "lowercase": [StrOptions({"auto"}), "boolean"],
        "max_features": [None, Interval(Integral, 1, None, closed="left")],
        "min_df": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="both"),
        ],
        "embedding_size": [None, Interval(Integral, 1, None, closed="left")],
        "token_vectors": "no_validation",  # Vocabulary says what is wrong
        "token_dropout": [Interval(Real, 0, 1, closed="left")],
        "max_length": [None, Interval(Integral, 1, None, closed="left")],
        "channels": [StrOptions({"first", "last"})],
        "input_scaling": [StrOptions({"standard", "per_sequence"}), None],
    }

    _smallest_batch = 8
    # Standard deviation of the numbers from which a token's vector starts.
    _embedding_std = 1.0
    # How many codes there are after those of the vocabulary.
    _n_more_codes = 0

    @property
    def vocabulary_(self) -> dict[str, int]:
        """The code of each token that is known, the most frequent first; if X holds texts."""
        check_is_fitted(self, "net_")
        if not self._inputs.is_text:
            raise AttributeError(f"This {type(self).__name__} was fitted to numbers.")
        return self._inputs.vocabulary.code_of

    def to_torch(self) -> torch.nn.Module:
        """Return the fitted network as a bare module, for use outside.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, on the CPU. It maps codes of tokens ``(rows, steps)``, those of
            ``vocabulary_``, with 1 for an unknown token and 0 beyond the end; or numbers ``(rows,
            steps, channels)``, with NaN beyond the end and where they are missing. What is beyond
            ``max_length`` is left out. It returns the probabilities of a classifier, or the values
            of a regressor.
            :func:`torch.export.export` takes it, for any number of rows and of steps; of a
            recurrent network for the number of steps in its example only.
        """
        check_is_fitted(self, "net_")
        return self._inputs.export(self.net_.module_, self._dtype)

    def _make_inputs(self):
        given = getattr(self.pretrained, "estimator", self.pretrained)
        if isinstance(self.pretrained, FrozenEstimator) and isinstance(given, SequenceEstimator):
            check_is_fitted(given, msg="pretrained holds a %(name)s that is not fitted yet.")
            return given._inputs.kept()
        # Numbers keep their precision until they are scaled.
        dtype = None if self.input_scaling else np.float32
        dtype = np.float64 if self.precision == "float64" else dtype
        analyzer = Analyzer(self.analyzer, self.token_pattern, self.lowercase)
        return SequenceInputs(
            SequenceReader(analyzer, self.channels, self.max_length, dtype),
            Vocabulary(self.max_features, self.min_df),
            StepScaler(self.input_scaling),
        )

    def _body_of_module(self, random):
        return ForeignSequenceBody(
            self.pretrained,
            random,
            step_shape=self._inputs.step_shape,
            n_steps=self._inputs.n_steps,
            dropout=self.dropout,
            dtype=self._float_type(),
        )

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        n_batches, fewest, most = _EPOCHS[self._inputs.is_text]
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(n_batches / in_epoch), fewest, most))

    def _sequence_settings(self, random):
        """Return what bodies over sequences need to know of X."""
        return {
            "embedding": self._make_embedding(random) if self._inputs.is_text else None,
            "n_channels": 0 if self._inputs.is_text else self._inputs.scaler.n_channels_out,
            "n_steps": self._inputs.n_steps,
            "dropout": self.dropout,
        }

    def _make_embedding(self, random):
        vocabulary, size, start = self._inputs.vocabulary, self.embedding_size, ()
        if self.token_vectors is not None:
            start = vocabulary.vectors(self.token_vectors, size)
            size = start[1].shape[1]
        size = size or _EMBEDDING_SIZE
        n_codes, std = len(vocabulary) + self._n_more_codes, self._embedding_std
        return TokenEmbedding(n_codes, size, random, self.token_dropout, *start, std=std)

    @property
    def _row_shape(self):
        return self._inputs.step_shape

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags
