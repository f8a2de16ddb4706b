"""The UEs that the AMF knows: by SUPI, by 5G-TMSI, and in the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from cinq.nf.amf.context import UeContext, decoded, encoded
from cinq.nf.amf.settings import Settings
from cinq.numbering import Guti, PlmnId, STmsi, Supi
from cinq.procedure.kept import Kept
from cinq.procedure.store import Store

log = logging.getLogger("cinq.amf")

COLLECTION = "amf-ue"
MOST_CAPABILITIES = 512  # UE radio capability IDs, one for each model of phone


class Known(Protocol):
    """A UE as the registry sees it. kept: the store has its context."""

    context: UeContext
    kept: bool


U = TypeVar("U", bound=Known)


class Registry(Generic[U]):
    """store: UE contexts by SUPI. entropy(n) gives n random octets."""

    def __init__(self, settings: Settings, store: Store, entropy: Callable[[int], bytes]) -> None:
        self.settings = settings
        self._store = store
        self._entropy = entropy
        self.by_supi: dict[Supi, U] = {}
        self.by_tmsi: dict[int, U] = {}
        self._capabilities: dict[bytes, bytes] = {}

    def known(self, identity: Guti | STmsi | None) -> U | None:
        """The registered UE that an identity of this AMF names."""
        if identity is None:
            return None
        amf, ours = self.settings.amf_id, False
        if isinstance(identity, Guti):
            ours = identity.amf == amf and any(identity.plmn == one.plmn for one in self.settings.served)
        else:
            ours = identity.amf_set == amf.set and identity.amf_pointer == amf.pointer
        return self.by_tmsi.get(identity.tmsi) if ours else None

    def forget(self, ue: U) -> None:
        """Nothing is left of a UE that is not registered."""
        context = ue.context
        if context.supi is not None and self.by_supi.get(context.supi) is ue:
            del self.by_supi[context.supi]
            if ue.kept:
                self._store.delete(COLLECTION, str(context.supi))
        self.forget_guti(ue, context.guti)
        self.forget_guti(ue, context.former_guti)

    def allocate_guti(self, ue: U, plmn: PlmnId) -> Guti:
        """plmn: that serves the UE.

        A random 5G-TMSI that nobody has (TS 33.501 §6.12.3). The former one stays known until `forget_guti`.
        """
        while True:
            tmsi = int.from_bytes(self._entropy(4), "big")
            if tmsi not in self.by_tmsi and tmsi != 0xFFFFFFFF:
                break
        self.by_tmsi[tmsi] = ue
        return Guti(plmn, self.settings.amf_id, tmsi)

    def forget_guti(self, ue: U, guti: Guti | None) -> None:
        if guti is not None and self.by_tmsi.get(guti.tmsi) is ue:
            del self.by_tmsi[guti.tmsi]

    # UE radio capabilities by identity (RACS)

    def learn(self, context: UeContext) -> None:
        """What a UE radio capability ID stands for, as a gNB has told of a UE that has it. The latest are kept."""
        identity, capability = context.radio_capability_id, context.radio_capability
        if identity and capability:
            self._capabilities.pop(identity, None)
            self._capabilities[identity] = capability
            if len(self._capabilities) > MOST_CAPABILITIES:
                del self._capabilities[next(iter(self._capabilities))]

    def radio_capability(self, identity: bytes) -> bytes | None:
        return self._capabilities.get(identity)

    # the store

    def store(self, ue: U) -> None:
        """The context of a registered UE is kept; that of another is not."""
        context = ue.context
        if context.supi is None:
            return
        if context.rm_state == "RM-REGISTERED":
            self._store.put(COLLECTION, str(context.supi), encoded(context))
            ue.kept = True
        elif ue.kept and self.by_supi.get(context.supi) is ue:
            self._store.delete(COLLECTION, str(context.supi))
            ue.kept = False

    def stored(self) -> Iterator[UeContext]:
        """What a restart finds."""
        return iter(Kept(self._store, COLLECTION, decoded, "context of", log))

    def take_back(self, ue: U) -> None:
        """A UE whose context the store had."""
        ue.kept = True
        context = ue.context
        self.learn(context)
        if context.supi is not None:
            self.by_supi[context.supi] = ue
        for guti in (context.guti, context.former_guti):
            if guti is not None:
                self.by_tmsi[guti.tmsi] = ue
