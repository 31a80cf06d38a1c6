"""Run ``python -m sklearn_modern``."""

from sklearn_modern.report._command import main

if __name__ == "__main__":
    raise SystemExit(main())
