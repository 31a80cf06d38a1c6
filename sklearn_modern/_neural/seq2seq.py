"""Estimators that map sequences to sequences."""

import copy
from dataclasses import KW_ONLY
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.validation import check_lengths, check_weights
from sklearn_modern._neural.samples import checked_choice
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.target_sequences import TargetSequences
from sklearn_modern._neural.transfer import check_goes_on
from sklearn_modern.networks.beam import Beam
from sklearn_modern.networks.decoding import write
from sklearn_modern.networks.members import make_members
from sklearn_modern.networks.sequences import TokenEmbedding
from sklearn_modern.training.seq2seq import Seq2Seq, TargetWriter

__all__ = ["Seq2SeqEstimator"]

# max_iter="auto": as many epochs as have so many batches, but from and to so many.
_BATCHES, _FEWEST, _MOST = 1500, 10, 60
# Length of a target token's vector.
_EMBEDDING_SIZE = 64


def _exports(estimator):
    raise AttributeError("a network that writes its output token by token is no single module.")


@estimator
class Seq2SeqEstimator(SequenceEstimator):
    """An estimator that maps a sequence to another one.

    Parameters
    ----------
    beam_size : int, default=1
        How many beginnings of an output are followed at once; 1 takes the likeliest token each
        time. Outputs of a larger beam are never less likely than these.
    length_penalty : float, default=0.0
        Of a beam, an output of n tokens, its end included, has the score
        ``log_likelihood / ((5 + n) / 6) ** length_penalty``; so longer ones gain by it.
    max_output_length : int or None, default=None
        Most tokens of an output; None is those of the longest target of the fit.
    target_analyzer : {"auto", "word", "char"}, default="auto"
        What the tokens of y are, if it holds strings: parts between blanks, or characters. "auto"
        is parts if at least half of the strings have a blank, and all come back when the parts are
        joined by blanks.
    dropout : float, default=0.1
        Probability with which a feature, an input of the last layer or of a layer above the first,
        is left out of a training step; "lbfgs" leaves none out.
    token_dropout : float, default=0.0
        Share of tokens of X that are read as the unknown one in a training step, which is how the
        unknown is learned.
    analyzer : {"auto", "word", "char"} or callable, default="auto"
        What the tokens of a text of X are. "auto" cuts words if at least half of the training texts
        contain white space, else characters. A callable makes a list of strings of a text.
    pretrained : FrozenEstimator or None, default=None
        Go on from a fitted estimator, ``FrozenEstimator(fitted)``, of this kind and shape. It keeps
        its vocabularies, how it cuts texts, and also ``embedding_size`` and ``token_dropout``,
        whatever is set here; y must have no other tokens.
    freeze : "body", "none" or int, default="none"
        Which part of ``pretrained`` stays as it is: all but the last layer, nothing, or this many
        blocks from the input on; the decoder is the last one.
    body_learning_rate_factor : float, default=0.1
        Learning rate of ``pretrained``, the last layer included, as a multiple of
        ``learning_rate_init``; not used by "lbfgs".
    gradient_clip : float or None, default=1.0
        Maximum norm of the gradient.
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a thirtieth of the rows, rounded to a power of two
        from 8 to 128.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 1500 batches, but
        10 to 60.

    Attributes
    ----------
    target_vocabulary_ : dict
        The code of each token of y.
    """

    _: KW_ONLY
    beam_size: int = steers(default=1, differs=True)
    length_penalty: float = steers(default=0.0, differs=True)
    max_output_length: int | None = steers(default=None, differs=True)
    target_analyzer: str = shapes(default="auto", differs=False)
    token_dropout: float = shapes(default=0.0, differs=False, needs=BATCHES)
    freeze: int | str = shapes(default="none", differs=False)
    gradient_clip: float | None = steers(default=1.0, differs=True, needs=BATCHES)

    _parameter_constraints = {
        "beam_size": [Interval(Integral, 1, None, closed="left")],
        "length_penalty": [Interval(Real, 0, None, closed="left")],
        "max_output_length": [None, Interval(Integral, 1, None, closed="left")],
        "target_analyzer": [StrOptions({"auto", "word", "char"})],
    }

    _largest_batch = 128
    # Parameters that must be those of ``pretrained``.
    _of_shape: ClassVar[tuple[str, ...]] = ()

    def predict(self, X):
        """Predict the sequence that belongs to each of X, by a beam.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        ndarray of shape (n_samples,)
            What y was: strings or lists of tokens, as objects, or labels. None is empty.
        """
        check_is_fitted(self, "net_")
        return self._targets.named(self._in_chunks(X, self._searched))

    def score(self, X, y, sample_weight=None):
        """Return the share of predictions that are exactly right.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.
        y : like y of ``fit``
            What belongs to them.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        float
            From 0 to 1.
        """
        check_is_fitted(self, "net_")
        check_lengths(X, y)
        truth = self._targets.encode(y)[:, :-1]
        truth = np.where(truth == self._targets.n_codes - 1, 0, truth)
        found = self._in_chunks(X, self._searched)
        width = max(truth.shape[1], found.shape[1])
        truth, found = (np.pad(a, [(0, 0), (0, width - a.shape[1])]) for a in (truth, found))
        weight = check_weights(sample_weight, len(truth), dtype=np.float64)
        return float(np.average((truth == found).all(axis=1), weights=weight))

    def score_samples(self, X, y=None):
        """Return the log-likelihood of each y, given its X.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.
        y : like y of ``fit``, or None, default=None
            What belongs to them; None is what is predicted.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms of probabilities, the end included. That of a y with a token that was
            not in the fit is minus infinity.
        """
        check_is_fitted(self, "net_")
        if y is None:
            codes = self._ended(self._in_chunks(X, self._searched))
        else:
            check_lengths(X, y)
            codes = self._targets.encode(y)
        found = self._in_chunks(X, _log_likelihood, codes).astype(np.float64)
        return np.where((codes == 1).any(axis=1), -np.inf, found)

    def sample(
        self,
        X,
        *,
        temperature=1.0,
        top_k=None,
        top_p=None,
        max_length=None,
        random_state=None,
    ):
        """Draw a sequence for each of X.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.
        temperature : float, default=1.0
            Probabilities are taken to the power of its inverse: below 1 samples are likelier and
            more alike. 0 takes the likeliest token each time.
        top_k : int or None, default=None
            Choose among so many of the likeliest tokens, of which the end is one.
        top_p : float or None, default=None
            Choose among the likeliest tokens that together have this probability.
        max_length : int or None, default=None
            A sample that has so many tokens just stops; None is ``max_output_length``.
        random_state : int, RandomState instance or None, default=None
            Determines the samples.

        Returns
        -------
        ndarray of shape (n_samples,)
            As of :meth:`predict`.
        """
        check_is_fitted(self, "net_")
        n_tokens = len(self._targets.code_of)
        choice = checked_choice(temperature, top_k, top_p, n_tokens=n_tokens)
        if max_length is None:
            self._validate_params()
            max_length = self._length_of_outputs()
        if isinstance(max_length, bool) or not isinstance(max_length, Integral) or max_length < 1:
            raise ValueError(f"max_length={max_length!r} must be None or an int from 1 on.")
        seed = check_random_state(random_state).randint(2**31 - 1)
        generator = torch.Generator().manual_seed(int(seed))
        draw = partial(_sampled, choice=choice, max_length=int(max_length), generator=generator)
        return self._targets.named(self._in_chunks(X, draw))

    @available_if(_exports)
    def to_torch(self):
        """There is none."""

    def transform(self, X):
        """Return what the encoder makes of sequences: last states, or the mean of the steps.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The features, those of several members side by side.
        """
        return super().transform(X)

    # The parts of a fit, in the order of the calls.

    def _make_targets(self, y):
        if self.pretrained is not None:
            return self.pretrained.estimator._targets.kept()
        return TargetSequences(self.target_analyzer)

    def _make_inputs(self):
        check_goes_on(self, self._of_shape)
        return super()._make_inputs()

    def _make_objective(self, random):
        body = make_members(self._make_body, random)
        if self.solver == "lbfgs":
            body.silence()
        if self.pretrained is None:
            head = self._targets.make_head(body.bodies[0].n_step_features, random)
        else:
            head = copy.deepcopy(self.pretrained.estimator.net_.module_.head)
            head = head.cpu().to(self._float_type())
        length = self._targets.mean_length
        return Seq2Seq(body, head, mean_length=length, rate=self._body_rate())

    def _decoder_settings(self, random):
        """Return what decoders need to know of y."""
        target = TokenEmbedding(self._targets.n_codes, _EMBEDDING_SIZE, random, 0.0)
        return {"target": target, "n_target": self._targets.mean_length}

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(_BATCHES / in_epoch), _FEWEST, _MOST))

    # Parts of predictions.

    def _length_of_outputs(self):
        return (
            1 if self._targets.kind == "label" else self.max_output_length or self._targets.longest
        )

    def _searched(self, objective, batch):
        """Return the codes of the best sequences that were found: (rows, max_length)."""
        self._validate_params()  # these may have been set since the fit
        beam = Beam(self.beam_size, self._length_of_outputs(), self.length_penalty)
        with _evaluating(objective):
            network = objective.modules["module"]
            writer = TargetWriter(network, batch, beam.max_length)
            head = network.head
            return beam.search(writer, len(batch), first=head.end, end=head.end).tokens.numpy()

    def _ended(self, codes):
        """Put the end behind codes."""
        lengths = (codes != 0).sum(axis=1)
        codes = np.pad(codes, [(0, 0), (0, 1)])
        codes[np.arange(len(codes)), lengths] = self._targets.n_codes - 1
        return codes

    @property
    def _n_features_out(self):
        return self.body_.bodies[0].n_features_out * self.n_members

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _evaluating(objective):
    """Return the context of predictions."""
    for module in objective.modules.values():
        module.eval()
    return torch.inference_mode()


def _log_likelihood(objective, batch):
    with _evaluating(objective):
        return objective.log_likelihood(objective.modules, batch).cpu().numpy()


def _sampled(objective, batch, *, choice, max_length, generator):
    """Return the codes of samples: (rows, max_length)."""
    with _evaluating(objective):
        network = objective.modules["module"]
        writer = TargetWriter(network, batch, max_length)
        drawn: Any = write(
            writer,
            [torch.empty(0, dtype=torch.int64)] * len(batch),
            choice,
            first=torch.tensor(network.head.end),
            max_length=max_length,
            generator=generator,
        )
        codes = torch.zeros(len(batch), max_length, dtype=torch.int64)
        for row, own in zip(codes, drawn, strict=True):
            row[: len(own)] = own
        return codes.numpy()
