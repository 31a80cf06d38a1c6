"""Small tables of mixed columns with gaps, and targets of each kind."""

import numpy as np
import pandas as pd

__all__ = ["mixed_table", "targets"]

N_ROWS = 60


def mixed_table():
    """Return numbers, text, categories and booleans, of which some are missing."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(N_ROWS, 2)), columns=["size", "<b>weight</b>"])
    table["colour"] = rng.choice(["red", "green", "blue"], N_ROWS)
    table["sort"] = pd.Categorical(rng.choice(["x", "y"], N_ROWS))
    table["new"] = rng.random(N_ROWS) < 0.5
    table.loc[::7, "size"] = np.nan
    table.loc[::9, "colour"] = None
    return table


def targets():
    """Return a target of each kind, which depends on the table."""
    table = mixed_table()
    score = table["<b>weight</b>"] + (table["colour"] == "red") + 0.3 * table["size"].fillna(0)
    levels = pd.cut(score, [-np.inf, -0.3, 0.8, np.inf], labels=["low", "middle", "high"])
    return {
        "classification": pd.Series(np.where(score > 0.3, "yes", "=no"), name="answer"),
        "regression": score.rename("score"),
        "ordinal": levels.rename("level"),
    }
