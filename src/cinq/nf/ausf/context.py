"""What the AUSF keeps of an authentication between challenge and answer. Never stored."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from cinq.crypto.eap_aka import SessionKeys
from cinq.procedure import Why

LIMIT = 16_384  # authentications that nobody has answered, four times what an AMF has half open: the oldest give way
LIMIT_OF_ONE = 2048  # of one subscriber: at a thousand strangers a second its UE has two seconds to answer
LIFETIME_S = 60.0  # T3560 runs five times 6 s (TS 24.501 §10.2)


@dataclass(frozen=True, slots=True)
class AkaContext:
    """5G AKA. serving_network: the name that the keys are bound to. kausf: 32 octets. xres_star: 16 octets."""

    supi: str
    serving_network: str
    xres_star: bytes = field(repr=False)
    kausf: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EapContext:
    """EAP-AKA'. identifier: of the last EAP request. rand: of the last challenge. xres: 4 to 16 octets.

    resynchronised: a synchronisation failure was answered already. failing: why the UE was notified of a failure,
    and no more than its answer is awaited.
    """

    supi: str
    serving_network: str
    identifier: int
    rand: bytes
    xres: bytes = field(repr=False)
    keys: SessionKeys = field(repr=False)
    resynchronised: bool = False
    failing: Why | None = None


AuthenticationContext = AkaContext | EapContext


class Contexts:
    """By authCtxId. A subscriber may have many at once, and none touches another: who they are for only the answers
    tell. So strangers who claim to be a subscriber fill a share of their own, and the oldest in it gives way. One that
    is not answered within LIFETIME_S is forgotten."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[float, AuthenticationContext]] = OrderedDict()
        self._of_one: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, identifier: str, context: AuthenticationContext, now: float) -> None:
        while self._found:
            first = next(iter(self._found))
            if len(self._found) < LIMIT and now - self._found[first][0] < LIFETIME_S:
                break
            self._forget(first)
        if self._of_one[context.supi] >= LIMIT_OF_ONE:
            # Where it matters, in a storm of one subscriber, the oldest are all of it.
            self._forget(next(key for key, (_, each) in self._found.items() if each.supi == context.supi))
        self._found[identifier] = now, context
        self._of_one[context.supi] += 1

    def take(self, identifier: str, now: float) -> AuthenticationContext | None:
        """Each challenge is answered once: taking it removes it."""
        since, context = self._forget(identifier) or (now, None)
        return context if now - since < LIFETIME_S else None

    def _forget(self, identifier: str) -> tuple[float, AuthenticationContext] | None:
        found = self._found.pop(identifier, None)
        if found is not None:
            supi = found[1].supi
            self._of_one[supi] -= 1
            if not self._of_one[supi]:
                del self._of_one[supi]
        return found
