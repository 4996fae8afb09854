"""Amounts of money: integer minor units of their ISO 4217 currency."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from core.values.text import words

#: currencies whose minor unit is not a hundredth (https://www.six-group.com/en/products-services/financial-information/data-standards.html)
_DIGITS = {
    **dict.fromkeys(words("bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf"), 0),
    **dict.fromkeys(words("bhd iqd jod kwd lyd omr tnd"), 3),
    **dict.fromkeys(words("clf uyw"), 4),
}
_LIMIT = 2**63  # what a store keeps as an integer


def digits(currency: str | None) -> int:
    """How many decimals the currency has; 2 when it is not known."""
    return 2 if currency is None else _DIGITS.get(currency.strip().lower(), 2)


def minor(amount: float, currency: str | None) -> int | None:
    """An amount in minor units, halves away from zero: 12.5 EUR is 1250, 12.5 JPY is 13. None beyond all bounds."""
    exact = Decimal(str(amount)).scaleb(digits(currency))
    if not exact.is_finite() or abs(exact) >= _LIMIT:
        return None
    return int(exact.to_integral_value(ROUND_HALF_UP))


def major(amount: int, currency: str | None) -> str:
    """Minor units as people write them: "12,500.00 EUR", without a code when it is not known."""
    places = digits(currency)
    text = f"{Decimal(amount).scaleb(-places):,.{places}f}"
    return f"{text} {currency.strip().upper()}" if currency else text
