"""Speed of generators: their samples, and their fits beside a bare PyTorch loop.

Seconds of the processor, one thread. "The whole prefix again" is what a network without a memory
does to write a token. The bare loop has the same batches, padded beforehand::

    OMP_NUM_THREADS=1 python benchmarks/generator_speed.py
"""

import numpy as np
import torch
from command_line import command_line, small
from own_process import in_own_process, peak_memory
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import RNNGenerator, TransformerGenerator
from sklearn_modern.training.pieces import PieceBatches
from sklearn_modern.training.ragged import RaggedRows
from sklearn_modern.training.sources import Part

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BATCH, EPOCHS, WIDTH = 64, 3, 256
SETTINGS = {
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "batch_size": BATCH,
    "max_iter": EPOCHS,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def words(n_rows, shortest, longest):
    rng = np.random.default_rng(0)
    lengths = rng.integers(shortest, longest + 1, n_rows)
    return ["".join(rng.choice(list(LETTERS), length)) for length in lengths]


def transformer_samples(n_rows, n_steps):
    """Compare a memory of keys and values with reading the whole prefix again."""
    n_rows, n_steps = small(n_rows, 4), small(n_steps, 4)
    gen = TransformerGenerator(128, 4, **SETTINGS | {"max_iter": 1}).fit(words(64, 3, 9))
    body = gen.body_.bodies[0]

    @torch.inference_mode()
    def again():
        codes = torch.full((n_rows, 1), len(gen.vocabulary_) + 2)
        for _ in range(n_steps):
            features = body.steps(body.embed(codes))[:, -1:]
            scores = gen.net_.module_.head(features[:, 0].unsqueeze(0))[0, :, :-1]
            codes = torch.cat([codes, scores.softmax(-1).multinomial(1) + 2], dim=1)

    def ours():
        # A prompt of all steps is read as they are written; so no row ends early.
        gen.sample(n_rows, prompt="a" * n_steps, max_length=n_steps, random_state=0)

    return compare(ours, again, repeats=3, seconds=of_processor)


def recurrent_samples(n_rows, n_steps):
    """Compare samples side by side with samples one at a time."""
    n_rows, n_steps = small(n_rows, 4), small(n_steps, 4)
    gen = RNNGenerator(WIDTH, **SETTINGS | {"max_iter": 1}).fit(words(64, 3, 9))
    prompt, part = "a" * n_steps, small(16, 2)

    def ours():
        gen.sample(n_rows, prompt=prompt, max_length=n_steps, random_state=0)

    def one_at_a_time():
        for seed in range(part):
            gen.sample(1, prompt=prompt, max_length=n_steps, random_state=seed)

    return compare(ours, one_at_a_time, repeats=3, seconds=of_processor, parts=n_rows / part)


class Plain(nn.Module):
    def __init__(self, n_codes):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, 64, padding_idx=0)
        self.layer = nn.LSTM(64, WIDTH, batch_first=True)
        self.linear = nn.Linear(WIDTH, n_codes)

    def forward(self, codes):
        return self.linear(self.layer(self.embedding(codes))[0])


def fits(n_rows):
    """Compare a fit with a loop over the same batches."""
    X = words(small(n_rows, 100), 3, 60)
    n_codes = len(LETTERS) + 3
    codes = [[LETTERS.index(letter) + 2 for letter in word] + [n_codes - 1] for word in X]
    lengths = torch.tensor([len(row) for row in codes])
    rows = RaggedRows(torch.tensor([code for row in codes for code in row]), lengths)
    part = Part(rows, torch.arange(len(X)))
    batches = []
    for batch in PieceBatches(part, BATCH, MemberRandom([0]), 100):
        begin = torch.full((len(batch), 1), n_codes - 1)
        batches.append((torch.cat([begin, batch.x[0][:, :-1]], dim=1), batch.x[0]))

    def theirs():
        torch.manual_seed(0)
        net = Plain(n_codes)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
        for _ in range(EPOCHS):
            for read, written in batches:
                optimizer.zero_grad()
                scores = net(read).transpose(1, 2)
                nn.functional.cross_entropy(scores, written, ignore_index=0).backward()
                optimizer.step()

    def ours():
        RNNGenerator(WIDTH, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=3, seconds=of_processor)


def memory(n_characters):
    """Return the peak of this process in a fit to one long text, and the bytes of the text."""
    text = "".join(np.random.default_rng(0).choice(list(LETTERS), n_characters))
    RNNGenerator(WIDTH, **SETTINGS | {"max_iter": 1}).fit([text])
    return peak_memory(), len(text)


def memory_of(n_characters):
    """Return the peak of a process of its own, less the text."""
    peak, text = in_own_process("generator_speed", f"memory({n_characters})")
    return peak - text


def main():
    command_line(__doc__).parse_args()
    torch.set_num_threads(1)
    for n_steps in (64, 255):
        ratio = transformer_samples(64, n_steps)
        print(f"64 samples of {n_steps} tokens, the whole prefix again:", ratio, flush=True)
    print("512 samples of 100 tokens, one at a time:", recurrent_samples(512, 100), flush=True)
    print("fit of 2,000 words, bare loop on the same batches:", fits(2000), flush=True)
    short, long = small(100_000, 1000), small(1_000_000, 2000)
    rise = memory_of(long) / memory_of(short)
    print(f"memory of a fit to {long:,} characters / {short:,}, less the text: {rise:.3f}")


if __name__ == "__main__":
    main()
