import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from support.small_tables import mixed_table, targets

from sklearn_modern.report import _command
from sklearn_modern.report._command import main
from sklearn_modern.report._files import Folder

QUICK = ["--outer", "3", "--inner", "2", "--models", "linear"]
SMALL = ["--drop", "score,level", "--outer", "2", "--inner", "2", "--models", "dummy"]
REPORT = ["index.html", "model.skops", "predictions.csv", "results.json"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = mixed_table().assign(**{one.name: one for one in targets().values()})
    table.to_csv("data.csv", index=False)
    return tmp_path


def report(*words):
    return main(["report", *words])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_command_writes_the_page_the_results_the_predictions_and_a_model(folder, capsys):
    words = ["data.csv", "--target", "answer", "--drop", "score,level", *QUICK]
    assert report(*words) == 0
    out = folder / "report"
    assert names(out) == REPORT
    assert names(folder) == ["data.csv", "report"]
    results = json.loads((out / "results.json").read_text())
    printed = capsys.readouterr().out
    assert results["answer"] in printed
    assert str(out / "index.html") in printed
    assert results["data"]["dropped"] == ["score", "level"]
    predictions = pd.read_csv(out / "predictions.csv")
    assert len(predictions) == 2 * 60
    assert set(predictions["true"]) == {"'=no", "yes"}  # no formula for a spreadsheet
    command = results["reproduce"]["command"]
    assert command == "python -m sklearn_modern report " + " ".join(words)
    values = {}
    exec(results["reproduce"]["code"], values)
    assert values["report"].results["models"][0]["score"] == results["models"][0]["score"]
    assert report(*words) == 0  # a report is replaced
    assert names(folder) == ["data.csv", "report"]


def test_levels_and_groups_and_categories_are_named(folder):
    table = pd.read_csv("data.csv").assign(house=np.arange(60) // 2, code=np.arange(60) % 3)
    table.drop(columns=["answer", "score"]).to_csv("data.csv", index=False)
    words = ["--target", "level", "--levels", "low,middle,high", "--groups", "house"]
    words += ["--categorical", "code", "--models", "boosting", "--outer", "2", "--inner", "2"]
    assert report("data.csv", *words) == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert results["task"]["classes"] == ["low", "middle", "high"]
    assert results["data"]["n_groups"] == 30
    columns = {one["name"]: one["kind"] for one in results["data"]["columns"]}
    assert columns["code"] == "category"
    assert "house" not in columns
    values = {}
    exec(results["reproduce"]["code"], values)
    assert values["report"].results["models"][0]["score"] == results["models"][0]["score"]


def test_parquet_keeps_the_order_of_levels(folder):
    table = mixed_table().assign(level=targets()["ordinal"])
    table.to_parquet("data.parquet")
    assert report("data.parquet", "--target", "level", *QUICK[:4], "--models", "dummy") == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert results["task"]["kind"] == "ordinal"


def test_parquet_may_have_numbers_for_names(folder):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=[3, 4])
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(table), "data.parquet")
    assert report("data.parquet", "--target", "4", *SMALL[2:]) == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert [one["name"] for one in results["data"]["columns"]] == ["3"]
    values = {}
    exec(results["reproduce"]["code"], values)
    assert values["report"].results["answer"] == results["answer"]


@pytest.mark.parametrize("error", [KeyError("b"), RuntimeError("All candidates\nfailed.")])
def test_an_error_of_any_kind_is_one_line(folder, monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(_command, "make_report", fail)
    assert report("data.csv", "--target", "answer") == 2
    printed = capsys.readouterr().err
    assert printed in ("error: KeyError: 'b'\n", "error: All candidates failed.\n")


def test_cells_of_a_csv_file_stay_what_they_are(folder, capsys):
    n = 20
    table = pd.DataFrame(
        {
            "label": ["None", "NA", "some"] * n,
            "zip": ["00501", "10115", "02134"] * n,
            "price": ["1,037", "2,500", "999"] * n,
            "gap": ["1.5", "NA", "2"] * n,
            "land": ["NA", "DE", ""] * n,
            "gone": ["NA", "DE", "FR"] * n,
            "code": ["01", "2", "NA"] * n,
        }
    )
    mixed = np.random.default_rng(0).permutation
    table = table.apply(mixed)  # each column by itself, or they would give the label away
    table.to_csv("data.csv", index=False)
    words = ["--target", "label", "--outer", "2", "--inner", "2", "--models", "dummy"]
    assert report("data.csv", *words, "--drop", "gone", "--categorical", "code") == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert results["data"]["target"]["counts"] == {"NA": n, "None": n, "some": n}
    columns = {one["name"]: one for one in results["data"]["columns"]}
    assert columns["gap"]["kind"] == "number"
    assert columns["gap"]["missing"] == columns["land"]["missing"] == pytest.approx(1 / 3)
    codes = {label for label, share in columns["code"]["most_frequent"]}
    assert codes == {"01", "2", "NA"}
    found = {}
    for one in results["findings"]:
        if one["kind"] == "column":
            found[one["columns"][0]] = one["message"]
    assert list(found) == ["label", "zip", "price", "land", "code"]
    assert "(--categorical zip)" in found["zip"]
    assert "'1,037'" in found["price"]
    assert "the text 'NA' (rows: 20)" in found["land"]
    assert f"! {found['price']}\n" in capsys.readouterr().err
    values = {}
    exec(results["reproduce"]["code"], values)
    again = values["report"].results["data"]
    assert again["target"] == results["data"]["target"]
    assert again["columns"] == results["data"]["columns"]


def test_names_of_models_and_of_our_scorers_are_known(folder):
    words = ["--target", "level", "--levels", "low,middle,high", "--drop", "answer,score"]
    words += [*SMALL[2:-1], " dummy ,", "--scoring", "quadratic_weighted_kappa"]
    assert report("data.csv", *words) == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert {one["name"] for one in results["models"]} == {"dummy"}


def test_leaks_are_an_exit_code_if_asked(folder, capsys):
    table = pd.read_csv("data.csv")
    table["after"] = (table["answer"] == "yes") * 1.0
    table.to_csv("data.csv", index=False)
    words = ["data.csv", "--target", "answer", "--drop", "score,level", *QUICK]
    assert report(*words) == 0
    assert report(*words, "--strict") == 3
    assert "predicts y 'after'" in capsys.readouterr().err
    assert (folder / "report" / "index.html").exists()


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (None, ["none.csv"], "none.csv is not there"),
        (None, ["."], ". is a folder"),
        (None, [], "--target COLUMN is missing"),
        (None, ["--target", "awnser"], "did you mean 'answer'?"),
        (None, ["--target", "answer", "--drop", "zzz"], "--drop names 'zzz'"),
        (None, ["--target", "answer", "--drop", "answer"], "cannot be dropped"),
        (None, ["--target", "answer", "--categorical", "answer"], "names 'answer', which is no"),
        (None, ["--target", "answer", "--drop", "level", "--categorical", "level"], "or dropped"),
        (None, ["--target", "answer", "--groups", "level", "--categorical", "level"], "the groups"),
        (None, ["--target", "answer", "--models", "slow"], "'slow'"),
        (None, ["--target", "answer", "--models", " , "], "--models is empty"),
        (None, ["--target", "answer", "--scoring", "zzz"], "is no scorer; such as r2, accuracy"),
        (None, ["--target", "answer", "--scoring", "log_loss"], "did you mean 'neg_log_loss'?"),
        (None, ["none.csv", "--n-jobs", "0"], "--n-jobs is 0; 1 is one process"),
        (None, ["--target", "answer", "--scoring", "r2"], "'r2' cannot score this classification"),
        (None, ["--target", "answer", "--device", "gpu"], "gpu"),
        (None, ["--target", "answer", "--outer", "1"], "must be 2 folds at least"),
        (None, ["--target", "level", "--levels", "low,high"], "--levels lacks 'middle'"),
        (None, ["--target", "answer", "--task", "regression"], "labels such as"),
        (b"", ["--target", "a"], "is empty"),
        (b"a,b\n", ["--target", "a"], "no rows"),
        (b"a,b\n1,2\n", ["--target", "a"], "There is 1 row"),
        (b"a,b\n" + b"1,2\n1,3\n" * 9, ["--target", "a"], "one value only"),
        (b"a,a\n1,2\n3,4\n", ["--target", "a"], "several columns called 'a'"),
        (b"a,b\n1,2\n3,4,5\n", ["--target", "a"], "ragged"),
        (b"a,b\n1,2,3\n4,5,6\n", ["--target", "a"], "line 2 has 3 cells"),
        (b"a,b\n1,2\n4\n", ["--target", "a"], "line 3 has 1 cells"),
        (b'a,b\n1,"x\n', ["--target", "a"], "cannot be read as CSV"),
        (b"a;b\n1;2\n3;4\n", ["--target", "a"], "separated by commas"),
        ("a,b\n\xe9,2\n".encode("latin-1"), ["--target", "a"], "not UTF-8"),
        (b"a,b\n" + b"1,2020-01-31\n2,2020-02-28\n" * 20, ["--target", "a"], "'b' has dates"),
        (b"a,b,g\n" + b"1,3,4\n2,4,\n" * 20, ["--target", "a", "--groups", "g"], "in 20 of 40"),
        (b"a,b\n" + b"1,\n2,\n" * 20, ["--target", "a"], "'b' has no value"),
        (b"a\n" + b"1\n2\n" * 20, ["--target", "a"], "no column besides"),
        (b"a,b\n" + b"1,2\n,3\n" * 20, ["--target", "a"], "missing in 20 of 40 rows"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, capsys, content, words, message):
    if content is not None:
        (folder / "data.csv").write_bytes(content)
    before = names(folder)
    data = [] if words and not words[0].startswith("--") else ["data.csv"]
    target = ["--target", "answer"] if not data else []
    assert report(*data, *words, *target) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert names(folder) == before


def test_other_files_are_left_alone(folder, capsys):
    out = folder / "report"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    words = ["data.csv", "--target", "answer", *SMALL, "--checkpoint", "report/fits"]
    assert report(*words) == 0
    assert report(*words) == 0
    assert (out / "thesis.txt").read_text() == "mine"
    assert set(names(out)) == {*REPORT, "thesis.txt", "fits"}
    assert report(*words, "--out", "data.csv") == 2
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["index.html", "results.json", "model.joblib"])
def test_a_file_of_a_report_s_name_that_is_none_is_refused(folder, capsys, name):
    (folder / "report").mkdir()
    (folder / "report" / name).write_text("{}")
    assert report("data.csv", "--target", "answer", *SMALL) == 2
    assert f"no report, and would be replaced: {name}" in capsys.readouterr().err
    assert names(folder / "report") == [name]


@pytest.mark.parametrize("name", ["predictions.csv", "results.json"])
def test_what_is_read_is_not_replaced(folder, capsys, monkeypatch, name):
    words = ["--target", "answer", *SMALL]
    assert report("data.csv", *words) == 0
    capsys.readouterr()
    table = Path("data.csv").read_text()
    monkeypatch.setattr(_command, "make_report", None)
    (folder / "report" / name).write_text(table)
    (folder / "link").symlink_to("report")
    (folder / "link.csv").symlink_to(f"report/{name}")
    for data, out in [(f"report/{name}", "link"), (f"link/{name}", "report"), ("link.csv", "link")]:
        assert report(data, *words, "--out", out) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert f"DATA is {data}, which the report would replace" in error
    assert report("data.csv", *words, "--checkpoint", f"report/{name}") == 2
    assert "--checkpoint is report/" in capsys.readouterr().err
    assert (folder / "report" / name).read_text() == table


def test_a_report_is_written_to_where_one_is_and_through_a_link(folder, monkeypatch):
    words = ["data.csv", "--target", "answer", *SMALL, "--out"]
    assert report(*words, ".") == 0
    assert names(folder) == sorted(["data.csv", *REPORT])
    (folder / "far").mkdir()
    (folder / "link").symlink_to("far")
    assert report(*words, "link") == 0
    assert (folder / "link").is_symlink()
    assert names(folder / "far") == REPORT
    monkeypatch.setattr("sklearn_modern.report._files.find_spec", lambda name: None)
    assert report(*words, "link") == 0
    assert names(folder / "far") == sorted({*REPORT, "model.joblib"} - {"model.skops"})


def test_a_place_that_cannot_be_written_to(folder, capsys, monkeypatch):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # root may write everywhere
    assert report("data.csv", "--target", "answer", *QUICK) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert names(folder) == ["data.csv"]


def test_a_folder_that_cannot_be_made(folder, capsys):
    assert report("data.csv", "--target", "answer", *QUICK, "--out", "data.csv/report") == 2
    assert "cannot be written" in capsys.readouterr().err
    assert names(folder) == ["data.csv"]


def test_an_error_while_writing_leaves_the_old_report(folder, monkeypatch):
    words = ["data.csv", "--target", "answer", "--drop", "score,level", *QUICK]
    assert report(*words) == 0
    before = (folder / "report" / "results.json").read_text()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sklearn_modern.report._files._store", fail)
    assert report(*words) == 2
    assert (folder / "report" / "results.json").read_text() == before
    assert names(folder) == ["data.csv", "report"]


def test_ctrl_c_writes_what_is_there(folder, monkeypatch, capsys):
    fit = Ridge.fit

    def press(self, *given, **more):
        os.kill(os.getpid(), signal.SIGINT)
        return fit(self, *given, **more)

    monkeypatch.setattr(Ridge, "fit", press)
    words = ["data.csv", "--target", "score", "--drop", "answer,level", *QUICK]
    assert report(*words) == 0
    results = json.loads((folder / "report" / "results.json").read_text())
    assert [one["status"] for one in results["models"]] == ["done", "stopped"]
    assert "linear: stopped" in capsys.readouterr().err


def test_ctrl_c_before_anything_is_done(folder, monkeypatch, capsys):
    def press(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(DummyClassifier, "fit", press)
    assert report("data.csv", "--target", "answer", *QUICK) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert names(folder) == ["data.csv"]


def test_ctrl_c_during_the_last_fit_leaves_out_the_model_only(folder, monkeypatch, capsys):
    def press(*_, **__):
        raise KeyboardInterrupt

    words = ["data.csv", "--target", "answer", *SMALL]
    assert report(*words) == 0
    monkeypatch.setattr("sklearn_modern.report._report.TabularReport.final_estimator", press)
    assert report(*words) == 0
    assert "without the fitted model" in capsys.readouterr().err
    assert names(folder / "report") == sorted({*REPORT} - {"model.skops"})
    assert "No model was stored" in (folder / "report" / "index.html").read_text()


def test_the_page_says_how_long_the_model_took_and_how_it_is_read(folder, monkeypatch):
    def fit(*_):
        time.sleep(0.3)
        return Ridge().fit([[0.0], [1.0]], [0.0, 1.0])

    monkeypatch.setattr("sklearn_modern.report._report.TabularReport.final_estimator", fit)
    words = ["data.csv", "--target", "answer", *SMALL]
    assert report(*words) == 0
    timings = json.loads((folder / "report" / "results.json").read_text())["timings"]
    assert timings["model_seconds"] >= 0.3
    assert timings["total_seconds"] >= timings["fits_seconds"] + 0.3
    assert "Fit of the best model to all rows" in (folder / "report" / "index.html").read_text()


def unreadable(*_, **__):
    raise AttributeError("nothing reads this")


@pytest.mark.parametrize("stored", ["skops", "joblib"])
def test_the_lines_on_the_page_read_the_model(folder, monkeypatch, stored):
    if stored == "joblib":
        monkeypatch.setattr("skops.io.load", unreadable)
    words = ["data.csv", "--target", "answer", *SMALL[:-1], "linear"]
    assert report(*words) == 0
    assert (folder / "report" / f"model.{stored}").exists()
    monkeypatch.chdir("report")
    code = json.loads(Path("results.json").read_text())["reproduce"]["model"]
    assert "Read the stored model" in Path("index.html").read_text()
    values = {}
    exec(code, values)
    X = pd.read_csv("../data.csv").drop(columns=["answer", "score", "level"])
    assert set(values["model"].predict(X)) == {"yes", "=no"}


def test_without_data_it_says_what_it_takes(folder, capsys):
    assert report("--models", "dummy", "--outer", "2", "--out", "of_diabetes") == 0
    assert "scikit-learn's diabetes data" in capsys.readouterr().out
    results = json.loads((folder / "of_diabetes" / "results.json").read_text())
    assert {one["name"]: one["kind"] for one in results["data"]["columns"]}["sex"] == "category"
    values = {}
    exec(results["reproduce"]["code"], values)
    assert values["report"].results["answer"] == results["answer"]


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sklearn_modern", "report", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "--time-budget MINUTES" in done.stdout


def test_a_folder_of_a_report_is_made_with_its_parents(tmp_path):
    with Folder(tmp_path / "a" / "b"):
        assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == []
    assert _command._names("a, b,") == ["a", "b"]
