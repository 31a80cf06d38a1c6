"""Every second row of iris, by name."""

import numpy as np
from sklearn.datasets import load_iris


def measures():
    """A DataFrame, of which two columns tell nothing."""
    frame, _ = load_iris(return_X_y=True, as_frame=True)
    frame.columns = ["sepal length", "sepal width", "petal length", "petal width"]
    return frame[::2].reset_index(drop=True)


def species():
    return np.array(["setosa", "versicolor", "virginica"])[load_iris().target[::2]]
