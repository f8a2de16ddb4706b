"""Names of UEs on a screen: SUPIs shortened, but only as far as no two that are shown become the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cinq.trace.bounded import Bounded

_PLMN = 5
_FEWEST = 3
_TEXTS = 1000  # in which all SUPIs are known to have been met
_SUPI = re.compile(r"imsi-(\d{6,15})(?!\d)")


def supis(text: str) -> list[str]:
    """The SUPIs in a text, as 'imsi-...'."""
    return [found[0] for found in _SUPI.finditer(text)]


class ShortNames:
    """Short names for the SUPIs it has met: the PLMN and the last three digits, or more where two would look alike.

    Where names are printed as they come, one that was short gets longer when its like turns up.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """texts: with all SUPIs that are to be told apart, wherever they stand in them."""
        self._alike: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        self._met: Bounded[str, None] = Bounded(_TEXTS)
        for text in texts:
            self.meet(text)

    def meet(self, text: str) -> None:
        """The SUPIs in a text are to be told apart from those before and after."""
        if "imsi-" not in text or text in self._met:
            return
        self._met[text] = None
        for found in _SUPI.finditer(text):
            imsi = found[1]
            alike = self._alike.setdefault(_short(imsi, _FEWEST), set())
            if imsi not in alike:
                for other in alike:
                    self._names.pop(other, None)
                alike.add(imsi)

    def shorten(self, text: str) -> str:
        """The text with every SUPI in it shortened."""
        if "imsi-" not in text:
            return text
        self.meet(text)
        return _SUPI.sub(lambda found: self._name(found[1]), text)

    def _name(self, imsi: str) -> str:
        name = self._names.get(imsi)
        if name is None:
            alike = self._alike[_short(imsi, _FEWEST)] - {imsi}
            digits = max((_same_digits(imsi, other) + 1 for other in alike), default=_FEWEST)
            name = self._names[imsi] = _short(imsi, digits)
        return name


def _same_digits(one: str, other: str) -> int:
    """How many of their last digits are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (mine, theirs) in enumerate(pairs) if mine != theirs), min(len(one), len(other)))


def _short(imsi: str, digits: int) -> str:
    if _PLMN + digits >= len(imsi):
        return f"imsi-{imsi}"
    return f"imsi-{imsi[:_PLMN]}…{imsi[-digits:]}"
