"""The UDR's records: which resource of TS 29.505 lies in which collection of the store, and its shape."""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from cinq.procedure.store import Store
from cinq.sbi.services.nudm_sdm import SdmSubscription
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, SmfRegistration
from cinq.sbi.services.nudr_dr import AuthenticationSubscription, ProvisionedDataSets
from cinq.sbi.services.nudr_policy import OperatorSpecificDataContainer

T = TypeVar("T")


class Resource(Generic[T]):
    """One kind of resource: reads and writes its shape under a key, as JSON.

    common: many subscribers have the same, which is decoded once. What is read is shared: nobody changes it.
    """

    def __init__(self, collection: str, shape: type[T], *, common: bool = False) -> None:
        self.collection = collection
        decode = msgspec.json.Decoder(shape).decode
        self.decode = lru_cache(256)(decode) if common else decode
        self.encode = msgspec.json.Encoder().encode

    def read(self, store: Store, key: str) -> T | None:
        octets = store.get(self.collection, key)
        return None if octets is None else self.decode(octets)

    def write(self, store: Store, key: str, value: T) -> None:
        store.put(self.collection, key, self.encode(value))

    def remove(self, store: Store, key: str) -> None:
        store.delete(self.collection, key)


AUTHENTICATION_SUBSCRIPTION = Resource("authentication-subscription", AuthenticationSubscription)
AUTHENTICATION_STATUS = Resource("authentication-status", AuthEvent)
PROVISIONED_DATA = Resource("provisioned-data", ProvisionedDataSets, common=True)
AMF_CONTEXT = Resource("amf-3gpp-access", Amf3GppAccessRegistration)
SMF_CONTEXT = Resource("smf-registrations", SmfRegistration)
SDM_SUBSCRIPTIONS = Resource("sdm-subscriptions", dict[str, SdmSubscription])
POLICY_DATA = Resource("policy-data", dict[str, OperatorSpecificDataContainer])
