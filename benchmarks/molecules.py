"""Molecules as SMILES: how well RNNGenerator predicts them, and what those are like that it writes.

Strings of MOSES (Polykovskiy et al. 2020), the first ones after a shuffle with seed 0; the next
ones are to test. With rdkit samples are checked::

    pip download --no-deps molsets --dest wheels
    unzip "wheels/molsets*.whl" "*.csv.gz" -d molecules
    pip install rdkit
    python benchmarks/molecules.py --smiles molecules
    python benchmarks/molecules.py --smiles molecules --directions both --seeds 1 --rows 5000

``--smiles`` is a folder with a train.csv.gz, or a file with a string in each line. Without it the
installed package is looked up.
"""

import gzip
import random
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from command_line import command_line, few, installed, is_quick, setting, small
from skorch.callbacks import Callback

from sklearn_modern.neural_network import RNNGenerator

N_TEST, N_PROMPTS, PROMPT_LENGTH = 2000, 1000, 5
TEMPERATURES = (1.0, 0.7)
DIRECTIONS = {
    "forward": {"direction": "forward"},
    "both": {"direction": "both"},
    "anywhere": {"direction": "both", "start": "random"},
}


def load(where):
    """Return all strings, in a random order."""
    if is_quick():
        draw = random.Random(0)
        return ["C" * draw.randint(1, 4) + "(=O)" + "N" * draw.randint(1, 3) for _ in range(300)]
    lines = read(found(where))
    lines = lines[1:] if lines[0].upper().startswith("SMILES") else lines
    texts = [line.split(",")[0].strip() for line in lines if line.strip()]
    random.Random(0).shuffle(texts)
    return texts


def found(where):
    """Return the file of the strings."""
    if where is None:
        package = find_spec("moses")
        where = Path(package.origin).parent if package else Path()
    if where.is_file():
        return where
    paths = sorted(where.rglob("train.csv.gz"))
    if not paths:
        raise SystemExit(f"There is no train.csv.gz in {where}; see the head of this script.")
    return paths[0]


def read(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


class Progress(Callback):
    """Print the loss of every epoch."""

    def on_epoch_end(self, net, **kwargs):
        print(f"  epoch {len(net.history)}: {net.history[-1, 'train_loss']:.4f}", flush=True)


def molecules(texts):
    """Return the canonical form of each string that is a molecule."""
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")
    found = [Chem.MolFromSmiles(text) if text else None for text in texts]
    return [Chem.MolToSmiles(one) for one in found if one is not None]


def study(direction, seed, texts, arguments):
    """Fit one generator, and print what it is worth."""
    n_train, n_test = small(arguments.rows, 200), small(N_TEST, 20)
    train, test = texts[:n_train], texts[n_train : n_train + n_test]
    settings = {"hidden_layer_sizes": small(arguments.states, 16), **DIRECTIONS[direction]}
    settings |= {"analyzer": "char", "device": "cpu", "callbacks": [Progress()]}
    if arguments.epochs or is_quick():
        settings["max_iter"] = small(arguments.epochs or 1, 1)
    print(f"{direction}, seed {seed}: {len(train)} strings", flush=True)
    started = time.perf_counter()
    model = RNNGenerator(random_state=seed, **settings | dict(arguments.set)).fit(train)
    seconds = time.perf_counter() - started
    line = {"minutes": seconds / 60, "bits per character": model.bits_per_token(test)}
    n_samples = small(arguments.samples, 50)
    for temperature in TEMPERATURES:
        samples = model.sample(n_samples, temperature=temperature, random_state=seed)
        if arguments.check:
            line |= checked(samples, train, temperature)
    line["has its prompt"] = with_prompts(model, test, seed)
    print("  " + ", ".join(f"{name} {value:.4f}" for name, value in line.items()), flush=True)
    return line


def checked(samples, train, temperature):
    """Return the share of molecules; of these, of different ones; and of these, of new ones."""
    valid = molecules(samples)
    different = set(valid)
    line = {f"valid at {temperature}": len(valid) / len(samples)}
    if temperature == 1.0 and valid:
        line["unique"] = len(different) / len(valid)
        line["novel"] = len(different - set(molecules(train))) / len(different)
    return line


def with_prompts(model, test, seed):
    """Return the share of samples that have their prompt, five tokens of a string to test."""
    draw, prompts = random.Random(seed), []
    for _ in range(small(N_PROMPTS, 20)):
        text = draw.choice(test)
        start = draw.randint(0, max(len(text) - PROMPT_LENGTH, 0))
        prompts.append(text[start : start + PROMPT_LENGTH])
    found = model.sample(len(prompts), prompt=prompts, random_state=seed)
    return np.mean([prompt in text for prompt, text in zip(prompts, found, strict=True)])


def main():
    parser = command_line(__doc__, rows=50_000, samples=10_000, states=256, seeds=3)
    parser.add_argument("--smiles", type=Path, help="folder or file of the strings")
    parser.add_argument("--epochs", type=int, help="by default as many as the generator takes")
    parser.add_argument(
        "--directions", nargs="*", default=["forward", "both"], choices=list(DIRECTIONS)
    )
    parser.add_argument("--set", type=setting, nargs="*", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    arguments.check = installed("rdkit", "which samples are molecules")
    texts = load(arguments.smiles)
    for direction in arguments.directions:
        lines = [study(direction, seed, texts, arguments) for seed in few(range(arguments.seeds))]
        means = {name: np.mean([line[name] for line in lines if name in line]) for name in lines[0]}
        print(f"{direction}, mean of {len(lines)}:", flush=True)
        for name, value in means.items():
            print(f"  {name}: {value:.4f}", flush=True)


if __name__ == "__main__":
    main()
