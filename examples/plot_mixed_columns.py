"""
Text, gaps and numbers in one table
===================================

What has to happen to a table of text, gaps and numbers before a model can take it? For most
estimators of scikit-learn a ``ColumnTransformer``; for those here nothing. Both ways are compared,
and so is the easiest one: to leave out all columns that are not numbers.
"""

# %%
# Flats
# -----
# Rents are drawn, so that the truth is known: they depend on the area, the district and the state
# of the flat, with a noise of 10 %. A sixth of the years is unknown, and two districts are rare.
# ``SKLEARN_MODERN_QUICK=1`` draws fewer rows and trains for fewer epochs, as the
# checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.dummy import DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_modern.ensemble import GradientBoostingRegressor
from sklearn_modern.neural_network import MLPRegressor
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, EPOCHS = (300, 15) if QUICK else (2000, "auto")

rng = np.random.default_rng(0)
districts = ["Centre", "North", "River", "Station", "Hill", "Harbour"]
flats = pd.DataFrame(
    {
        "area": rng.gamma(9, 8, N).round(),
        "rooms": rng.integers(1, 6, N),
        "year": rng.integers(1890, 2024, N).astype(float),
        "district": rng.choice(districts, N, p=[0.3, 0.3, 0.2, 0.16, 0.02, 0.02]),
        "heating": rng.choice(["gas", "oil", "pump"], N),
        "lift": rng.random(N) < 0.4,
    }
)
of_district = flats["district"].map(dict(zip(districts, [3, 0, 2, -2, 5, 4], strict=True)))
of_year = 3 * (flats["year"] > 2000) - 2 * ((flats["year"] > 1950) & (flats["year"] < 1980))
per_metre = 12 + of_district + of_year + 2 * flats["lift"] * (flats["district"] == "Hill")
rent = flats["area"] * per_metre * rng.lognormal(sigma=0.1, size=N)
flats.loc[rng.random(N) < 1 / 6, "year"] = np.nan
print(flats.assign(rent=rent.round()).head(4).to_string(index=False))

X_train, X_test, y_train, y_test = train_test_split(flats, rent, random_state=0)

# %%
# With a ColumnTransformer, and without one
# -----------------------------------------
# Logarithms of rents are predicted, since errors grow with the rent. What a step of the Pipeline
# learns, such as the median that fills a gap, it learns from training rows only.

numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
columns = ColumnTransformer(
    [
        ("numbers", numbers, make_column_selector(dtype_include="number")),
        ("words", words, make_column_selector(dtype_exclude="number")),
    ]
)
only_numbers = ColumnTransformer(
    [("numbers", numbers, make_column_selector(dtype_include="number"))]
)
network = MLPRegressor(max_iter=EPOCHS, random_state=0)
models = {
    "always the median": DummyRegressor(strategy="median"),
    "numbers only, linear": make_pipeline(only_numbers, RidgeCV()),
    "transformed, linear": make_pipeline(columns, RidgeCV()),
    "transformed, MLP": make_pipeline(columns, network),
    "as it is, MLP": network,
    "as it is, boosting": GradientBoostingRegressor(random_state=0),
}
errors = {}
for name, model in models.items():
    on_logs = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp)
    predicted = on_logs.fit(X_train, y_train).predict(X_test)
    errors[name] = mean_absolute_error(y_test, predicted)
    print(f"{name:>22}: {errors[name]:4.0f} off on average")
noise = np.mean(np.abs(y_test - y_test.index.map(flats["area"] * per_metre)))
print(f"{'the truth itself':>22}: {noise:4.0f}")

# %%
# A picture of that
# -----------------
# No model can be left of the dotted line, where the noise is.

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.barh(list(errors), list(errors.values()), color="tab:blue")
axes.axvline(noise, linestyle=":", color="tab:orange", label="noise of the rents")
axes.invert_yaxis()
axes.set(xlabel="mean absolute error of new flats")
axes.legend(loc="lower right")
show_figures("mixed_columns")

# %%
# A new flat may be of a district that no training row had; it is treated as "none of the known".

new = X_test.head(2).assign(district="Airport")
print(np.exp(network.fit(X_train, np.log(y_train)).predict(new)).round())
