"""Money as people read it."""

from __future__ import annotations

from decimal import Decimal

from cinq.settings.charging import MINOR


def shown(amount: Decimal, currency: str) -> str:
    """With the digits that the currency has; a rest below them is shown too, since it is there."""
    digits = MINOR.get(currency, 2)
    short = amount.quantize(Decimal(1).scaleb(-digits))
    return f"{short if short == amount else amount.normalize():f} {currency}"
