"""Who asks, where a request came over the wire: TS 33.501 §13.3.

A producer that has to know reads `caller()` while it serves the request; None: a function of this process.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims
from cinq.transport.http2 import Secured

URN = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Caller:
    """tls: whether both ends have shown certificates. instances: NF instances that the other end's is for.

    claims: of the access token; None where the service asks for none.
    """

    tls: bool = False
    instances: frozenset[str] = frozenset()
    claims: AccessTokenClaims | None = None

    def may_be(self, instance: str) -> bool:
        """Whether it may speak for this NF instance. In cleartext nobody is told apart (TS 33.501 §13.3.2.1)."""
        return not self.tls or instance.lower() in self.instances


_CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller | None:
    """Of the request that is being served."""
    return _CALLER.get()


def called_by(who: Caller) -> None:
    """For the rest of this task."""
    _CALLER.set(who)


@lru_cache(1024)
def instances_of(names: tuple[str, ...]) -> frozenset[str]:
    """The NF instances of a certificate's subjectAltName URIs, in small letters: TS 33.310 §6.1.3c."""
    return frozenset(name[len(URN) :].lower() for name in names if name.lower().startswith(URN))


def shown_by(peer: Secured) -> Caller:
    return Caller(peer.tls, instances_of(peer.names))
