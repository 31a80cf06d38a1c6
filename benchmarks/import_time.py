"""Importing sklearn_modern next to importing scikit-learn, each in a fresh interpreter.

python benchmarks/import_time.py
"""

import subprocess
import sys

from command_line import command_line
from ratio import compare

TIMED_IMPORT = """
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""


def import_seconds(module: str) -> float:
    code = TIMED_IMPORT.format(module=module)
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    ratio = compare("sklearn_modern", "sklearn", repeats=21, seconds=import_seconds)
    print(f"import sklearn / import sklearn_modern: {ratio}")
