import traceback

import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_modern.model_selection._outcomes import named_error


def raised(error):
    try:
        raise error
    except type(error) as found:
        return "".join(traceback.format_exception(found))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("It is so.", "ValueError: It is so."),
        ("It is so.\nSee also:\n    a page", "ValueError: It is so."),
        ("It is so (1):\n\nTHIS.\nSee also", "ValueError: It is so (1): THIS."),
        ("\nfirst\nsecond", "ValueError: first"),
        ("Cannot read\n  File a.csv", "ValueError: Cannot read"),
        ("", "ValueError"),
    ],
)
def test_the_line_of_a_traceback_that_names_the_error(message, expected):
    error = ValueError(message)
    assert named_error(raised(error)) == expected
    error.add_note("It was raised by the member of fold 0.")
    error.__cause__ = KeyError("before")
    assert named_error(raised(error)).startswith(expected)


def test_warnings_that_are_errors_have_the_name_of_their_module():
    text = raised(ConvergenceWarning("Did not converge:\nSTOP.\n  See a page."))
    assert named_error(text) == "sklearn.exceptions.ConvergenceWarning: Did not converge: STOP."


@pytest.mark.parametrize(("text", "expected"), [("", ""), ("Plain.", "Plain."), ("  in", "in")])
def test_what_is_no_traceback_stays(text, expected):
    assert named_error(text) == expected
