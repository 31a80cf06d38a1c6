"""What recurrent networks over texts start from."""

import numpy as np
import pytest

from sklearn_modern.neural_network import RNNClassifier

TEXTS = ["".join(chr(97 + (7 * i + j) % 26) for j in range(9)) for i in range(26)]


@pytest.mark.parametrize(("analyzer", "std"), [("char", 1.0), ("word", 0.3), (list, 0.3)])
def test_vectors_of_characters_start_larger_than_those_of_words(analyzer, std):
    clf = RNNClassifier(
        4, analyzer=analyzer, max_iter=1, learning_rate_init=1e-12, device="cpu", random_state=0
    ).fit(TEXTS, np.arange(26) % 2)
    table = clf.body_.bodies[0].embedding.table
    assert table[1:].detach().std().item() == pytest.approx(std, rel=0.1)
