"""Results of reports, as results.json holds them, without a single fit."""

import json

import numpy as np

MODELS = {
    "dummy": "Dummy",
    "mlp": "MLP",
    "boosting": "Boosted trees",
    "forest": "Random forest",
    "linear": "Linear model",
    "coral": "CORAL",
}
METRICS = {"classification": "log-loss", "regression": "RMSE", "ordinal": "mean absolute error"}
SCORINGS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
    "ordinal": "neg_mean_absolute_error",
}
CLASSES = {
    "classification": ["stays", "leaves"],
    "ordinal": ["low", "middle", "high", "very high"],
    "regression": None,
}

# Names that a page has to survive.
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\"quoted\" & 'single'",
    "</style></title><img src=x onerror=alert(1)>",
    "https://example.org/x.js",
    "a very long name " * 30,
    "W" * 400,
    "🦔 price 💶",
    "سعر المنزل",
    "\u202egnp.exe",
    "nul\x00 and half \ud83d",
    "",
]


def make_results(
    kind="classification",
    *,
    seed=0,
    n_models=5,
    n_columns=8,
    n_splits=5,
    n_points=200,
    classes=None,
    names=(),
    findings=True,
    unfinished=0,
):
    """Make the results of a report from random numbers.

    ``names`` replace those of columns, labels, models and the target, as many as there are.
    """
    random = np.random.default_rng(seed)
    named = [*names] or None
    classes = classes or CLASSES[kind]
    models = _models(random, kind, n_models, n_splits, named)
    columns = _columns(random, n_columns, named)
    first, *others = [m for m in models if m["score"] is not None]
    results = {
        "schema_version": 1,
        "created_with": {"sklearn-modern": "0.0.1", "scikit-learn": "1.9.0", "numpy": "2.4.1"},
        "task": {
            "kind": kind,
            "reason": f"y is taken for {kind}, as its values look so.",
            "overrule": "Pass task= to overrule it.",
            "target": named[0] if named else "churn",
            "classes": classes,
        },
        "data": {
            "name": named[0] if named else "customers.csv",
            "n_rows": 1500,
            "n_columns": n_columns,
            "n_groups": None,
            "target": _target(random, classes),
            "columns": columns,
            "dropped": [],
        },
        "evaluation": {
            "outer": f"{n_splits} folds, stratified",
            "inner": "3 folds, stratified",
            "scoring": SCORINGS[kind],
            "metric": METRICS[kind],
            "lower_is_better": True,
            "confidence": 0.9,
            "interval": "corrected-t",
        },
        "answer": _answer(kind, first, others),
        "findings": _findings(columns) if findings else [],
        "models": models + _unfinished(unfinished),
        "comparisons": [_pair(first, other) for other in others],
        "diagnostics": {
            model["name"]: _diagnostics(random, kind, classes, n_points)
            for model in [first, *others]
        },
        "importance": _importance(random, first, kind, columns),
        "timings": {
            "total_seconds": 64.2,
            "fits_seconds": 58.04,
            "page_seconds": None,
            "budget_seconds": 120.0,
        },
        "reproduce": {
            "command": "python -m sklearn_modern report customers.csv --target churn --outer 5",
            "code": "import pandas as pd\n\nfrom sklearn_modern.report import tabular_baselines\n\n"
            'frame = pd.read_csv("customers.csv")\n'
            'report = tabular_baselines(frame.drop(columns="churn"), frame["churn"])\n'
            'if report.best != "dummy" and len(frame) > 100:\n    print(report)\n',
        },
    }
    json.dumps(results, allow_nan=False)
    return results


def _models(random, kind, n_models, n_splits, named):
    scale = 12_000.0 if kind == "regression" else 1.0
    names = [*MODELS, *(f"model{i}" for i in range(len(MODELS), n_models))][:n_models]
    models = []
    for i, name in enumerate(names):
        mean = 0.69 if name == "dummy" else 0.42 + 0.013 * i
        outer = scale * (mean + random.normal(0, 0.02, n_splits))
        inner = outer - scale * random.normal(0.0 if name == "dummy" else 0.01, 0.01, n_splits)
        half = scale * random.uniform(0.015, 0.03)
        label = named[i % len(named)] if named else MODELS.get(name, f"Model {i}")
        models.append(
            {
                "name": name,
                "label": label,
                "status": "done",
                "why": None,
                "score": outer.mean(),
                "interval": [outer.mean() - half, outer.mean() + half],
                "outer_scores": outer.tolist(),
                "inner_scores": inner.tolist(),
                "optimism": (outer - inner).mean(),
                "optimism_interval": [
                    (outer - inner).mean() - half / 2,
                    (outer - inner).mean() + half / 2,
                ],
                "chosen": [
                    {
                        "learning_rate": str(random.choice([0.01, 0.1])),
                        "max_depth": str(random.choice([3, 6, None], p=[0.1, 0.8, 0.1])),
                    }
                    if name != "dummy"
                    else {}
                    for _ in range(n_splits)
                ],
                "n_candidates": 1 if name == "dummy" else 6,
                "fit_seconds": 0.02 if name == "dummy" else random.uniform(1, 200),
                "predicted_seconds": None,
                "is_baseline": name == "dummy",
            }
        )
    return sorted(models, key=lambda model: model["score"])


def _unfinished(n):
    statuses = ["not started", "stopped", "failed"]
    why = ["the time was over", "Ctrl-C", "ValueError: loss is <NaN> & not a number"]
    return [
        {
            "name": f"left{i}",
            "label": f"Left out {i}",
            "status": statuses[i % 3],
            "why": why[i % 3],
            "score": None,
            "interval": None,
            "outer_scores": [],
            "inner_scores": [],
            "optimism": None,
            "optimism_interval": None,
            "chosen": [],
            "n_candidates": 6,
            "fit_seconds": None,
            "predicted_seconds": None if i % 3 == 2 else 247.0 * (i + 1),
            "is_baseline": False,
        }
        for i in range(n)
    ]


def _answer(kind, first, others):
    low, high = first["interval"]
    begin = f"{first['label']} is best: {METRICS[kind]} {first['score']:,.4g}, 90 % interval "
    end = f"{low:,.4g} to {high:,.4g}"
    if not others:
        return f"{begin}{end}; there is nothing to compare it with."
    return f"{begin}{end}; {others[0]['label']} is not distinguishable from it."


def _pair(first, other):
    difference = first["score"] - other["score"]
    half = (first["interval"][1] - first["interval"][0]) / 3
    p = float(np.exp(-abs(difference) / half * 2))
    told = "is better than" if p < 0.05 else "is not distinguishable from"
    return {
        "first": first["name"],
        "second": other["name"],
        "difference": difference,
        "interval": [difference - half, difference + half],
        "p_value": p,
        "sentence": f"{first['label']} {told} {other['label']} on these data.",
    }


def _columns(random, n_columns, named):
    kept = ["age", "income", "city", "visits", "segment", "discount", "balance", "last_call"]
    kept = (named or kept)[:n_columns]
    columns = []
    for i, name in enumerate([*kept, *(f"x{i}" for i in range(len(kept), n_columns))]):
        missing = [0.0, 0.0004, 0.08, 0.63][i % 4]
        column = {"name": name, "missing": missing, "n_unique": int(random.integers(2, 1500))}
        if i % 3 == 2:
            values = named[:3] if named else ["Berlin", "Hamburg", "München"]
            shares = [0.41, 0.22, 0.07]
            frequent = [[v, s] for v, s in zip(values, shares, strict=False)]
            column |= {"kind": "category", "most_frequent": frequent}
        else:
            mean = float(10.0 ** random.integers(-3, 6) * random.normal())
            column |= {"kind": "number", "mean": mean, "sd": abs(mean) / 3}
            column |= {"min": mean - abs(mean), "max": mean + 2 * abs(mean)}
        columns.append(column)
    return columns


def _target(random, classes):
    if classes:
        shares = random.dirichlet(np.full(len(classes), 5.0))
        counts = random.multinomial(1500, shares).tolist()
        return {"counts": dict(zip(classes, counts, strict=True))}
    y = np.exp(random.normal(10, 0.5, 1500))
    counts, edges = np.histogram(y, bins=24)
    low, q25, median, q75, high = np.quantile(y, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return {
        "mean": y.mean(),
        "sd": y.std(),
        "min": low,
        "q25": q25,
        "median": median,
        "q75": q75,
        "max": high,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def _findings(columns):
    found = [
        {
            "kind": "predicts y",
            "severity": "leak",
            "columns": [columns[0]["name"]],
            "message": "Alone it explains 99.3 % of the errors made without it, on rows that it "
            "was not learned from. Is it known before y is? If not, drop it.",
            "evidence": {"share explained": 0.9932, "rows judged": 1500},
        },
        {
            "kind": "identifier",
            "severity": "warning",
            "columns": [column["name"] for column in columns[-2:]],
            "message": "Each row has a different value; such a column says nothing of new rows.",
            "evidence": {"different values": "1,500 of 1,500"},
        },
    ]
    return found[::-1]


def _diagnostics(random, kind, classes, n_points):
    if kind == "regression":
        predicted = np.exp(random.normal(10, 0.4, n_points))
        residual = random.normal(0, 0.15, n_points) * predicted
        counts, edges = np.histogram(residual, bins=20)
        residuals = {
            "predicted": predicted.tolist(),
            "residual": residual.tolist(),
            "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
        }
        return {"calibration": None, "residuals": residuals, "confusion": None}
    predicted = np.linspace(0.04, 0.96, 10)
    curves = [
        {
            "label": label,
            "predicted": predicted.tolist(),
            "observed": np.clip(predicted + random.normal(0, 0.05, 10), 0, 1).tolist(),
            "counts": random.integers(20, 300, 10).tolist(),
        }
        for label in (classes if len(classes) > 2 else classes[1:])
    ]
    ranks = np.arange(len(classes))
    near = 200 * np.exp(-((ranks[:, None] - ranks) ** 2))
    confusion = {"labels": classes, "counts": random.poisson(near).tolist()}
    return {
        "calibration": curves,
        "residuals": None,
        "confusion": confusion if kind == "ordinal" else None,
    }


def _importance(random, first, kind, columns):
    means = np.sort(random.exponential(0.04, len(columns)))[::-1]
    means[-1] *= -0.1
    features = [
        {"name": column["name"], "mean": mean, "sd": sd}
        for column, mean, sd in zip(
            columns, means.tolist(), (np.abs(means) / 4 + 1e-3).tolist(), strict=True
        )
    ]
    return {"model": first["name"], "metric": METRICS[kind], "features": features}
