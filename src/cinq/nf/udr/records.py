"""The UDR's records: which resource of TS 29.505 lies in which collection of the store, and its shape."""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from cinq.procedure.store import Store
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    SessionManagementSubscriptionData,
    SmfSelectionSubscriptionData,
)
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, SmfRegistration
from cinq.sbi.services.nudr_dr import AuthenticationSubscription

T = TypeVar("T")


class Resource(Generic[T]):
    """One kind of resource: reads and writes its shape under a key, as JSON.

    common: many subscribers have the same, which is decoded once. What is read is shared: nobody changes it.
    """

    def __init__(self, collection: str, shape: type[T], *, common: bool = False) -> None:
        self.collection = collection
        decode = msgspec.json.Decoder(shape).decode
        self._decode = lru_cache(256)(decode) if common else decode
        self._encoder = msgspec.json.Encoder()

    def read(self, store: Store, key: str) -> T | None:
        octets = store.get(self.collection, key)
        return None if octets is None else self._decode(octets)

    def write(self, store: Store, key: str, value: T) -> None:
        store.put(self.collection, key, self._encoder.encode(value))

    def remove(self, store: Store, key: str) -> None:
        store.delete(self.collection, key)


AUTHENTICATION_SUBSCRIPTION = Resource("authentication-subscription", AuthenticationSubscription)
AUTHENTICATION_STATUS = Resource("authentication-status", AuthEvent)
AM_DATA = Resource("am-data", AccessAndMobilitySubscriptionData, common=True)
SMF_SELECT_DATA = Resource("smf-selection-subscription-data", SmfSelectionSubscriptionData, common=True)
SM_DATA = Resource("sm-data", list[SessionManagementSubscriptionData], common=True)
AMF_CONTEXT = Resource("amf-3gpp-access", Amf3GppAccessRegistration)
SMF_CONTEXT = Resource("smf-registrations", SmfRegistration)
