"""Write numbers as people read them."""

import math
from collections.abc import Iterable

__all__ = [
    "UNKNOWN",
    "count",
    "decimals_for",
    "duration",
    "fixed",
    "p_value",
    "percent",
    "short",
    "signed",
    "span",
]

UNKNOWN = "\N{EN DASH}"
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def decimals_for(spreads: Iterable[float | None]) -> int:
    """Return the decimals that numbers with these spreads need, so that two digits of them show.

    The spread in the middle counts: numbers of one column have the same decimals.
    """
    known = sorted(s for s in spreads if s is not None and 0 < s < math.inf)
    if not known:
        return 3
    return min(max(1 - math.floor(math.log10(known[len(known) // 2])), 0), 6)


def fixed(value: float | None, decimals: int) -> str:
    """Write a number with so many decimals; one that needs an exponent gets it."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "infinite" if value > 0 else f"{_MINUS}infinite"
    if abs(value) >= 1e9 or 0 < abs(value) < 0.5 * 10.0**-decimals:
        return _minus(_scientific(value))
    return _minus(f"{value:,.{decimals}f}")


def signed(value: float | None, decimals: int) -> str:
    """Write a difference, with its sign; so small a one that no digit is left is zero."""
    if value is None or not math.isfinite(value) or abs(value) >= 1e9:
        return fixed(value, decimals)
    written = _minus(f"{value:+,.{decimals}f}")
    return written if written.strip("+-0.,") else written.lstrip("+")


def short(value: float | None, digits: int = 4) -> str:
    """Write a number with so many digits in all."""
    if value is None or not math.isfinite(value):
        return fixed(value, 0)
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e9:
        return _minus(_scientific(value))
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    written = f"{value:,.{decimals}f}"
    return _minus(written.rstrip("0").rstrip(".") if "." in written else written)


def span(pair: Iterable[float | None] | None, decimals: int, *, sign: bool = False) -> str:
    """Write an interval."""
    low, high = pair or (None, None)
    if low is None or high is None:
        return UNKNOWN
    write = signed if sign else fixed
    return f"{write(low, decimals)} to {write(high, decimals)}"


def count(value: int | None) -> str:
    """Write a whole number."""
    return UNKNOWN if value is None else _minus(f"{value:,.0f}")


def percent(share: float | None) -> str:
    """Write a share in percent; what is not nothing does not look like nothing."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    if 0 < share < 0.001:
        return f"< 0.1{_SPACE}%"
    if 0.999 < share < 1:
        return f"> 99.9{_SPACE}%"
    return f"{100 * share:.{0 if share in (0, 1) or 0.1 <= share <= 0.99 else 1}f}{_SPACE}%"


def p_value(p: float | None) -> str:
    """Write a p-value with two digits; a tiny one is only said to be so."""
    if p is None or not math.isfinite(p):
        return UNKNOWN
    return "< 0.001" if p < 0.001 else f"{p:.{3 if p < 0.1 else 2}f}"


def duration(seconds: float | None) -> str:
    """Write a time in the two units that matter."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if 0 < seconds < 0.01:
        return f"< 0.01{_SPACE}s"
    if seconds < 59.5:
        return f"{seconds:.{2 if seconds < 1 else 1 if seconds < 10 else 0}f}{_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min" + (f" {rest}{_SPACE}s" if rest else "")
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours:,}{_SPACE}h" + (f" {rest}{_SPACE}min" if rest else "")


def _scientific(value):
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _minus(written):
    """Set a minus where a hyphen was, but not before a zero that only looks like one."""
    if written.startswith("-") and not written.strip("-0.,"):
        return written[1:]
    return written.replace("-", _MINUS)
