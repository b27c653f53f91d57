"""Numbers as people read them: as many digits as the interval earns, and a unit."""

from __future__ import annotations

from math import floor, isfinite, isnan, log10

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
THIN = "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def is_missing(value: object) -> bool:
    """Return whether a table's cell holds nothing: None, NaN or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and isnan(value)


def interval_digits(low: float, high: float) -> int:
    """Return the decimals that show two digits of half an interval's width: 1 to 6."""
    half = (high - low) / 2
    if not isfinite(half) or half <= 0:
        return 4
    return min(max(1 - floor(log10(half)), 1), 6)


def scientific_digits(value: float, low: float, high: float) -> int:
    """Return the decimals in scientific notation that show two digits of half the width: 1 to 4.

    Of a value of 0 they are those of its upper end.
    """
    half, size = (high - low) / 2, abs(value) or high
    if not (isfinite(half) and half > 0 and isfinite(size) and size > 0):
        return 2
    return min(max(floor(log10(size)) - floor(log10(half)) + 1, 1), 4)


def scientific(value: float, digits: int) -> str:
    """Return a number in scientific notation: a mantissa times 10⁻⁷; 0 as it is."""
    if is_missing(value) or value == 0:
        return NOTHING if is_missing(value) else "0"
    mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
    return f"{mantissa.replace('-', MINUS)}{TIMES}{power_of_ten(int(exponent))}"


def scientific_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """Return a value and its "[low, high]" in scientific notation."""
    digits = scientific_digits(value, low, high)
    return scientific(value, digits), f"[{scientific(low, digits)}, {scientific(high, digits)}]"


def with_interval(
    value: float, low: float, high: float, *, scale: float = 1, most: int = 6
) -> tuple[str, str]:
    """Return a value and its "[low, high]" in matching digits, a dash for a missing value.

    Args:
        value: the value.
        low: lower end of its interval.
        high: upper end.
        scale: what all three are multiplied by.
        most: no more decimals than that.
    """
    digits = min(interval_digits(scale * low, scale * high), most)
    ends = f"[{signed(scale * low, digits)}, {signed(scale * high, digits)}]"
    return (NOTHING if isnan(value) else signed(scale * value, digits), ends)


def signed(value: float, digits: int) -> str:
    """Return a number with a true minus sign, and no minus before zero."""
    written = f"{value:.{digits}f}"
    if float(written) == 0:
        written = written.lstrip("-")
    return written.replace("-", MINUS)


def grouped(count: int) -> str:
    """Return a count with thin spaces between thousands: 20 000."""
    return f"{count:,}".replace(",", THIN)


def power_of_ten(exponent: int) -> str:
    """Return 10 to an integer power: 10⁻³."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def percent(value: float, digits: int = 2) -> str:
    """Return a share of one in per cent."""
    return NOTHING if is_missing(value) else f"{signed(100 * value, digits)}{THIN}%"


def seconds(value: float) -> str:
    """Return a duration in the unit that fits, three significant digits: 7.21 µs."""
    if is_missing(value):
        return NOTHING
    if value == 0:
        return "0 s"
    size, unit = next((pair for pair in _SECONDS if abs(value) >= pair[0]), _SECONDS[-1])
    digits = min(max(0, 2 - floor(log10(abs(value / size)))), 3)
    return f"{value / size:.{digits}f}{THIN}{unit}"
