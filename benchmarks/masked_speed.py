"""Speed of MaskedTransformer beside a bare PyTorch loop that computes scores of all tokens.

Seconds of the processor, one thread, sentences of 1 to 60 words. The bare loop has the same
batches, padded beforehand, and the same network of torch's layers with tied weights; it computes
the scores of all steps, and ignores those of steps that are not to be guessed, as recipes do::

    OMP_NUM_THREADS=1 python benchmarks/masked_speed.py
"""

import numpy as np
import torch
from command_line import command_line, small
from ratio import compare, of_processor
from recurrent_speed import BATCH, batches_of, make_data
from torch import nn

from sklearn_modern.neural_network import MaskedTransformer

WIDTH, DEPTH, HEADS, EMBEDDING, EPOCHS = 128, 2, 4, 64, 1
SETTINGS = {
    "width": WIDTH,
    "depth": DEPTH,
    "n_heads": HEADS,
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "batch_size": BATCH,
    "max_iter": EPOCHS,
    "early_stopping": False,
    "token_dropout": 0.0,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


class Plain(nn.Module):
    """The same network, of torch's layers."""

    def __init__(self, n_codes, longest):
        super().__init__()
        self.embedding = nn.Embedding(n_codes + 1, EMBEDDING, padding_idx=0)
        self.enter = nn.Linear(EMBEDDING, WIDTH)
        self.places = nn.Parameter(torch.randn(longest, WIDTH), requires_grad=False)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            layer, DEPTH, nn.LayerNorm(WIDTH), enable_nested_tensor=False
        )
        self.project = nn.Linear(WIDTH, EMBEDDING)
        self.bias = nn.Parameter(torch.zeros(n_codes + 1))

    def forward(self, codes):
        x = self.enter(self.embedding(codes)) + self.places[: codes.shape[1]]
        steps = self.blocks(x, src_key_padding_mask=codes == 0)
        projected = self.project(steps) / EMBEDDING**0.5
        return projected @ self.embedding.weight.t() + self.bias


def corrupted(codes, n_codes):
    """Hide 15% of the tokens; the others are no targets."""
    hidden = (torch.rand(codes.shape) < 0.15) & (codes > 1)
    kind = torch.rand(codes.shape)
    other = torch.randint(2, n_codes, codes.shape)
    shown = torch.where(kind < 0.8, n_codes, torch.where(kind < 0.9, other, codes))
    return torch.where(hidden, shown, codes), torch.where(hidden, codes, -100)


def bare_loop(batches, n_codes):
    longest = max(codes.shape[1] for codes, _, _ in batches)
    module = Plain(n_codes, longest)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS):
        for codes, _, _ in batches:
            optimizer.zero_grad()
            shown, targets = corrupted(codes, n_codes)
            scores = module(shown)
            nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
            optimizer.step()


if __name__ == "__main__":
    parser = command_line(__doc__, repeats=5)
    arguments = parser.parse_args()
    texts, _ = make_data()
    batches, n_codes = batches_of(texts, np.zeros(len(texts), dtype=int), sort=True)
    model = MaskedTransformer(**SETTINGS)
    ratio = compare(
        lambda: model.fit(texts),
        lambda: bare_loop(batches, n_codes),
        repeats=small(arguments.repeats, 1),
        seconds=of_processor,
    )
    print(
        f"masks, {n_codes} tokens, bare loop with the scores of all tokens / ours: {ratio}; "
        f"ours / bare loop: {1 / ratio.median:.3f}",
        flush=True,
    )
