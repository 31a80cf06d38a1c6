"""Where the data of a report come from, and what reproduces it."""

import shlex
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """Where the data come from.

    Parameters
    ----------
    name : str, default="data"
        What they are called.
    load : str, default=...
        Python code that makes X and y.
    words : list of str or None, default=None
        The words of the command line, without the program.
    dropped : list of str, default=[]
        Columns that were left out.
    """

    name: str = "data"
    load: str = "# X and y are the table and the target that were given."
    words: list[str] | None = None
    dropped: list[str] = field(default_factory=list)

    @property
    def command(self) -> str | None:
        """The command line, ready to be pasted."""
        if self.words is None:
            return None
        return shlex.join(["python", "-m", "sklearn_modern", *self.words])

    def code(self, settings: dict[str, Any], given: dict[str, Any]) -> str:
        """Return Python code that makes the report again.

        Parameters
        ----------
        settings : dict
            Arguments that have a text of their own.
        given : dict
            Arguments that only their names can stand for, such as groups.
        """
        arguments = [f"{name}={value!r}" for name, value in settings.items()]
        arguments += [f"{name}={name}" for name, value in given.items() if value is not None]
        lines = "".join(f"    {argument},\n" for argument in ["X", "y", *arguments])
        return (
            "from sklearn_modern.report import tabular_baselines\n\n"
            f"{self.load}\nreport = tabular_baselines(\n{lines})\nprint(report)\n"
        )
