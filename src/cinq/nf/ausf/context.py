"""What the AUSF keeps of an authentication between challenge and confirmation. Never stored."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

LIMIT = 100_000  # challenges that nobody has confirmed: the oldest give way


@dataclass(frozen=True, slots=True)
class AuthenticationContext:
    """serving_network: the name that the keys are bound to. kausf: 32 octets. xres_star: 16 octets."""

    supi: str
    serving_network: str
    xres_star: bytes = field(repr=False)
    kausf: bytes = field(repr=False)


class Contexts:
    """By authCtxId. One for each SUPI: a second challenge replaces the first."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, AuthenticationContext] = OrderedDict()
        self._id_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, identifier: str, context: AuthenticationContext) -> None:
        former = self._id_of.get(context.supi)
        if former is not None:
            del self._by_id[former]
        elif len(self._by_id) >= LIMIT:
            _, oldest = self._by_id.popitem(last=False)
            del self._id_of[oldest.supi]
        self._by_id[identifier] = context
        self._id_of[context.supi] = identifier

    def take(self, identifier: str) -> AuthenticationContext | None:
        """Each challenge is answered once: taking it removes it."""
        context = self._by_id.pop(identifier, None)
        if context is not None:
            del self._id_of[context.supi]
        return context
