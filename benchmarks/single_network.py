"""One plain network, trained to the end: what speed is compared by."""

__all__ = ["SINGLE"]

SINGLE = {
    "n_members": 1,
    "numerical_embedding": None,
    "early_stopping": False,
    "max_iter": 40,
}
