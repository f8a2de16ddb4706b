"""What the PCF keeps of its associations, in the store: they outlive a restart, as the sessions do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from cinq.procedure.store import Store
from cinq.sbi.services.npcf_ampolicycontrol import PolicyAssociationRequest
from cinq.sbi.services.npcf_policyauthorization import AppSessionContextReqData
from cinq.sbi.services.npcf_smpolicycontrol import (
    PccRule,
    QosData,
    SmPolicyContextData,
    SmPolicyDecision,
    TrafficControlData,
)
from cinq.sbi.services.nudr_policy import AccessPolicy

T = TypeVar("T")
SESSIONS = range(1, 16)  # PDU session identities, TS 24.007 §11.2.3.1b


class AmAssociation(msgspec.Struct, frozen=True, omit_defaults=True):
    """request: with the subscribed values as they were reported last. decided: what the AMF was given."""

    request: PolicyAssociationRequest
    decided: AccessPolicy


class UeRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that the UE asked for, or an application function."""

    pcc_rule: PccRule
    qos: QosData | None = None
    traffic: TrafficControlData | None = None


class SmAssociation(msgspec.Struct, frozen=True, omit_defaults=True):
    """request: with the subscribed values as they were reported last. decided: what is in force at the SMF.

    ue_rules: by rule identity. failed: rules that the SMF could not put in force; not given again until policy changes.
    """

    request: SmPolicyContextData
    decided: SmPolicyDecision
    ue_rules: dict[str, UeRule] = {}
    failed: tuple[str, ...] = ()
    af_rules: dict[str, UeRule] = {}
    """Of application functions, by rule identity."""


class AppSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """association: the SM policy association that it is bound to."""

    association: str
    request: AppSessionContextReqData


class Associations(Generic[T]):
    """One kind of association by its identifier."""

    def __init__(self, store: Store, collection: str, shape: type[T]) -> None:
        self._store = store
        self.collection = collection
        self._decode = msgspec.json.Decoder(shape).decode
        self._encode = msgspec.json.Encoder().encode

    def __iter__(self) -> Iterator[str]:
        """Their identifiers."""
        return (identifier for identifier, _ in self._store.items(self.collection))

    def get(self, identifier: str) -> T | None:
        octets = self._store.get(self.collection, identifier)
        return None if octets is None else self._decode(octets)

    def put(self, identifier: str, association: T) -> None:
        self._store.put(self.collection, identifier, self._encode(association))

    def remove(self, identifier: str) -> bool:
        """False when there was none."""
        if self._store.get(self.collection, identifier) is None:
            return False
        self._store.delete(self.collection, identifier)
        return True
