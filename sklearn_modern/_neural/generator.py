"""Estimators that write sequences, and say how likely sequences are."""

import copy
from dataclasses import KW_ONLY
from numbers import Integral
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions, fit_context
from sklearn_modern._neural.next_steps import (
    ExportedGenerator,
    last_features,
    log_likelihood,
    next_proba,
)
from sklearn_modern._neural.outcomes import as_outcomes, joined, without_nameless
from sklearn_modern._neural.samples import sample
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.transfer import check_goes_on
from sklearn_modern.heads.mixture import NextNumbers
from sklearn_modern.heads.steps import NextToken as NextTokenHead
from sklearn_modern.networks.members import make_members
from sklearn_modern.training.next_token import NextToken
from sklearn_modern.training.pieces import pieces_of
from sklearn_modern.training.ragged import RaggedRows

__all__ = ["SequenceGenerator"]

# max_iter="auto". Texts are soon known by heart, few of them no later than many.
_EPOCHS_OF_TEXTS = 10
# Of numbers as many epochs as have so many batches, but from and to so many.
_BATCHES_OF_NUMBERS, _FEWEST, _MOST = 1000, 30, 100


def _writes_tokens(generator):
    if hasattr(generator, "net_") and not generator._inputs.is_text:
        raise AttributeError("it is about tokens, but this generator was fitted to numbers.")


@estimator
class SequenceGenerator(SequenceEstimator):
    """An estimator that writes sequences like those of the fit.

    Parameters
    ----------
    n_components : int, default=5
        Of how many Gaussians the distribution of the next step is mixed, if X holds numbers.
    dropout : float, default=0.2
        Probability with which a feature, an input of the last layer, is left out of a training
        step; "lbfgs" leaves none out.
    token_dropout : float, default=0.0
        Share of tokens that are read as the unknown one in a training step, which is how the
        unknown is learned.
    max_length : int or None, default=None
        Longer sequences lose their ends. That they end is not learned, nor does it count in
        likelihoods.
    input_scaling : "standard" or None, default="standard"
        Whether channels are brought to mean 0 and variance 1. Likelihoods are in the units of X.
    pretrained : FrozenEstimator or None, default=None
        Go on from a fitted generator, ``FrozenEstimator(fitted)``, of this kind and shape. It keeps
        its vocabulary and how it cuts texts, or its scales, and also ``max_length``,
        ``embedding_size``, ``n_components`` and ``token_dropout``, whatever is set here.
    freeze : "body", "none" or int, default="none"
        Which part of ``pretrained`` stays as it is: all but the last layer, nothing, or this many
        blocks from the input on: the vectors of tokens, a layer, a transformer block.
    body_learning_rate_factor : float, default=0.1
        Learning rate of ``pretrained``, the last layer included, as a multiple of
        ``learning_rate_init``; not used by "lbfgs".
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is 10 for tokens, which are soon
        known by heart; for numbers as many as have 1000 batches, but 30 to 100.
    alpha : "auto" or float, default="auto"
        As for other networks, but "auto" is 0.02 with "adamw".
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a thirtieth of the rows, rounded to a power of two from
        8 to 64.
    """

    _: KW_ONLY
    n_components: int = shapes(default=5, differs=False)
    dropout: float = shapes(default=0.2, differs=True, needs=BATCHES)
    token_dropout: float = shapes(default=0.0, differs=False, needs=BATCHES)
    freeze: int | str = shapes(default="none", differs=False)

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "input_scaling": [StrOptions({"standard"}), None],
    }

    # Parameters that must be those of ``pretrained``.
    _of_shape: ClassVar[tuple[str, ...]] = ()
    # The parameter that says how many steps a training piece has at most.
    _pieces_by: ClassVar[str]
    _n_more_codes = 1
    _largest_batch, _auto_decay = 64, 0.02

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, X_val=None):
        """Learn to write sequences.

        Parameters
        ----------
        X : sequence of str, of lists of str or of arrays; or array-like
            The sequences: texts, lists of tokens, arrays (length, channels) or a table. One long
            text is ``[text]``.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val : like X, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return super().fit(X, None, sample_weight, X_val)

    def sample(
        self,
        n_samples=1,
        *,
        prompt=None,
        temperature=1.0,
        top_k=None,
        top_p=None,
        max_length=None,
        random_state=None,
    ):
        """Write sequences.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        prompt : a sequence like those of X, a list of ``n_samples`` of them, or None, default=None
            How all of them begin, or each. With ``direction="both"`` what is in them.
        temperature : float, default=1.0
            Probabilities are taken to the power of its inverse: below 1 samples are likelier and
            more alike. 0 takes the likeliest token each time, or the mean of the likeliest
            Gaussian.
        top_k : int or None, default=None
            Choose among so many of the likeliest tokens, of which the end is one.
        top_p : float or None, default=None
            Choose among the likeliest tokens that together have this probability [1]_.
        max_length : int or None, default=None
            A sample that has so many steps just stops; None is the longest of the fit.
        random_state : int, RandomState instance or None, default=None
            Determines the samples.

        Returns
        -------
        list of str, of lists of str, or of ndarray
            What X was. Tokens of a text have blanks between them, unless the training texts come
            back without. Numbers are (length, channels), or (length,) if X was a table.

        References
        ----------
        .. [1] Holtzman, Buys, Du, Forbes, Choi (2020). The curious case of neural text
           degeneration. ICLR.
        """
        check_is_fitted(self, "net_")
        return sample(
            self,
            n_samples,
            prompt=prompt,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            max_length=max_length,
            random_state=random_state,
        )

    def score_samples(self, X):
        """Return the log-likelihood of each sequence, its end included.

        Unknown tokens have none, and are left out. Of numbers it is the logarithm of a density, in
        the units of X; steps with missing numbers count by their existence only.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms.
        """
        return self._scored(X)[:, 0]

    def score(self, X, y=None):
        """Return the mean log-likelihood of sequences.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.
        y : None
            Ignored.

        Returns
        -------
        float
            The mean of :meth:`score_samples`.
        """
        return float(self.score_samples(X).mean())

    def perplexity(self, X):
        """Return the inverse of the geometric mean of the probabilities of all tokens and ends.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        float
            1 at best. Of numbers it is made of densities, and depends on the units of X.
        """
        return float(np.exp(self._nats_per_step(X)))

    def bits_per_token(self, X):
        """Return how many bits a token takes on average, ends included.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        float
            The binary logarithm of :meth:`perplexity`.
        """
        return float(self._nats_per_step(X) / np.log(2))

    @available_if(_writes_tokens)
    def next_proba(self, X):
        """Return the probabilities of the next token after each sequence.

        With ``direction="both"`` each sequence is a fragment, as a prompt is, and the token is the
        next one to its right. Of a sequence longer than the parameter ``max_length`` it is the
        token after the part that counts.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences of tokens.

        Returns
        -------
        ndarray of shape (n_samples, n_tokens + 1)
            One column for each token, in the order of ``vocabulary_``; the last one is the end.
        """
        return self._in_chunks(X, next_proba)

    def transform(self, X):
        """Return the last state: the features after the last step, of which the next one is made.

        With ``direction="both"`` the last states of the right and the left network, which begin in
        the middle.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The features, those of several members side by side.
        """
        return self._in_chunks(X, last_features)

    @available_if(_writes_tokens)
    def to_torch(self):
        """Return the fitted network as a bare module, for use outside.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, on the CPU. It maps codes of tokens ``(rows, steps)``, those of
            ``vocabulary_``, with 1 for an unknown token and 0 beyond the end, to what
            :meth:`next_proba` returns of rows that ``max_length`` does not cut.
        """
        check_is_fitted(self, "net_")
        return ExportedGenerator(self.net_.objective)

    # The parts of a fit, in the order of the calls.

    def _check(self, X, y, sample_weight, *, reset, **how):
        found = super()._check(X, y, sample_weight, reset=reset, **how)
        if reset:
            self._longest = int(without_nameless(found[0]).lengths.max())
            if self._inputs.reader.kind == "text":
                given = self.pretrained
                self._glue = joined(self._inputs, X) if given is None else given.estimator._glue
        return found

    def _start(self, checked, y, weight, training, random, **how):
        lengths, own = without_nameless(checked).lengths[training], weight[training]
        n_pieces = self._pieces_of(torch.from_numpy(lengths + 1)).numpy()
        if self.solver == "lbfgs" and n_pieces.max() > 1:
            raise ValueError(
                "solver='lbfgs' looks at all rows at once and several times, so that they cannot "
                f"be trained in pieces, but the longest has {lengths.max()} steps and "
                f"{self._pieces_by}={self._steps_of_piece}; raise it, or take another solver."
            )
        lengths = lengths + self._n_ends
        self._mean_length = float(np.average(lengths, weights=own))
        self._mean_piece = float(own @ lengths / (own @ n_pieces))
        self._n_pieces = float(np.average(n_pieces, weights=own))
        super()._start(checked, y, weight, training, random, **how)

    def _make_objective(self, random):
        body = make_members(self._make_body, random)
        if self.solver == "lbfgs":
            body.silence()
        return self._objective_of(
            body,
            self._make_head(body.bodies[0].n_step_features, random),
            n_steps=self._steps_of_piece,
            mean_length=self._mean_length,
            mean_piece=self._mean_piece,
            rate=self._body_rate(),
        )

    def _make_head(self, n_features, random):
        if self.pretrained is not None:
            head = copy.deepcopy(self.pretrained.estimator.net_.module_.head)
            return head.cpu().to(self._float_type())
        if self._inputs.is_text:
            return NextTokenHead(n_features, len(self._inputs.vocabulary) + 1, random)
        scaler = self._inputs.scaler
        scale = np.ones_like(scaler.scale) if scaler.kind is None else scaler.scale
        return self._head_of_numbers(n_features, torch.from_numpy(scale), self.n_components, random)

    # What differs if sequences are not read from their beginning on.

    _n_ends = 1

    def _head_of_numbers(self, *settings):
        return NextNumbers(*settings)

    def _objective_of(self, body, head, **sizes):
        return NextToken(body, head, **sizes)

    @property
    def _steps_of_piece(self):
        return getattr(self, self._pieces_by)

    def _pieces_of(self, lengths):
        """Return in how many pieces rows of these lengths, with an end, are trained."""
        return pieces_of(lengths, self._steps_of_piece)

    def _make_inputs(self):
        check_goes_on(self, self._of_shape)
        return super()._make_inputs()

    def _source(self, checked, rows, **rest):
        outcomes = as_outcomes(
            self._inputs, checked.select(rows), self._inputs.reader.max_length, self._dtype
        )
        values, lengths = (torch.from_numpy(part) for part in (outcomes.values, outcomes.lengths))
        return RaggedRows(values.to(self.device_), lengths.to(self.device_), **rest)

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        if self._inputs.is_text:
            return _EPOCHS_OF_TEXTS
        in_epoch = self._n_pieces * n_rows / self._rows_in_a_batch(n_rows)
        return int(np.clip(round(_BATCHES_OF_NUMBERS / max(in_epoch, 1)), _FEWEST, _MOST))

    # Parts of predictions.

    def _scored(self, X):
        return self._in_chunks(X, log_likelihood).astype(np.float64)

    def _nats_per_step(self, X):
        total, n_steps = self._scored(X).sum(axis=0)
        if n_steps == 0:
            raise ValueError("X has no token that this generator knows, and no end that counts.")
        return -total / n_steps
