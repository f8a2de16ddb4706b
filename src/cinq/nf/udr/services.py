"""Nudr_DataRepository, TS 29.504 §5.2."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from cinq.nf.udr import changes, records
from cinq.nf.udr.records import Resource
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Bus, Created, Problem
from cinq.sbi.callback import notify
from cinq.sbi.json_patch import PatchItem, patched
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    SdmSubscription,
    SessionManagementSubscriptionData,
    SmfSelectionSubscriptionData,
)
from cinq.sbi.services.nudm_ueau import AuthEvent
from cinq.sbi.services.nudm_uecm import (
    Amf3GppAccessRegistration,
    Amf3GppAccessRegistrationModification,
    SmfRegistration,
)
from cinq.sbi.services.nudr_dr import (
    AuthenticationSubscription,
    ContextDataSets,
    DataChangeNotify,
    IdentityData,
    NudrDataRepository,
    ProvisionedDataSets,
    SubscriptionDataSubscriptions,
    UeSubscribedDataSets,
)
from cinq.sbi.services.nudr_policy import (
    NudrPolicyData,
    OperatorSpecificDataContainer,
    PolicyDataChangeNotification,
    PolicyDataSubscription,
)

log = logging.getLogger("cinq.udr")

T = TypeVar("T")
AT_ONCE = 16  # subscribers of whose changes is told before others have a turn
TURNS = 64
PAUSE = 500  # subscribers that are looked through in one turn
GPSI = re.compile(r"msisdn-\d{5,15}", re.ASCII)
NO_CONTEXT = ContextDataSets()


@dataclass(frozen=True, slots=True)
class _Read:
    """An authentication subscription, as it stood in the store."""

    ue_id: str
    octets: bytes = field(repr=False)
    record: AuthenticationSubscription


class UDR:
    """The repository on a store. Every read of an unknown UE is refused with USER_NOT_FOUND.

    sbi: where it tells of changes; without it nobody hears of them.
    """

    def __init__(self, store: Store, instance_id: str, sbi: Bus | None = None, plmn: str = "") -> None:
        self._store = store
        self._sbi = sbi
        self._plmn = plmn
        self._last: _Read | None = None
        self._subscribers: dict[str, SubscriptionDataSubscriptions] = {}
        self._policy_subscribers: set[str] = set()
        self._telling = False
        self._turns: dict[str, int] = {}
        self.instance_id = instance_id

    def services(self) -> list[tuple[type, object]]:
        return [(NudrDataRepository, self), (NudrPolicyData, self)]

    def profile(self) -> NFProfile:
        return NFProfile(nf_instance_id=self.instance_id, nf_type="UDR", nf_status="REGISTERED")

    async def query_authentication_subscription(self, ue_id: str) -> AuthenticationSubscription:
        self._last = self._authentication_subscription(ue_id)
        return self._last.record

    async def update_authentication_subscription(self, ue_id: str, body: list[PatchItem]) -> None:
        """Durable before it returns: a sequence number must never be given out twice (TS 33.102 §C.1.1).

        What was read last for this UE is not read again: the store replaces it only where it still stands.
        """
        last, self._last = self._last, None
        if last is None or last.ue_id != ue_id:
            last = self._authentication_subscription(ue_id)
        resource = records.AUTHENTICATION_SUBSCRIPTION
        after = resource.encode(changed(last.record, body, AuthenticationSubscription))
        try:
            replaced = await self._store.replace(resource.collection, ue_id, last.octets, after)
        except OSError as error:
            raise Problem(
                503, "INSUFFICIENT_RESOURCES", Why(f"the store cannot be written: {error}")
            ) from error
        if not replaced:
            raise Problem(409, "MODIFICATION_NOT_ALLOWED", Why(f"another has changed {ue_id} meanwhile"))

    async def get_identity_data(self, ue_id: str) -> IdentityData:
        """By a telephone number all subscribers are looked through, in pauses of the other work."""
        if ue_id.startswith("imsi-"):
            found = self._read(records.PROVISIONED_DATA, ue_id)
            gpsis = [] if found.am_data is None else found.am_data.gpsis
            return IdentityData(supi_list=[ue_id], gpsi_list=list(gpsis))
        if GPSI.fullmatch(ue_id):
            sought = f'"{ue_id}"'.encode()
            every = self._store.items(records.PROVISIONED_DATA.collection)
            for number, (supi, octets) in enumerate(list(every), 1):
                if sought in octets:
                    return IdentityData(supi_list=[supi], gpsi_list=[ue_id])
                if number % PAUSE == 0:
                    await asyncio.sleep(0)
        raise Problem(404, "USER_NOT_FOUND", Why("nobody has that number"))

    async def create_authentication_status(self, ue_id: str, body: AuthEvent) -> None:
        records.AUTHENTICATION_STATUS.write(self._store, ue_id, body)

    async def query_authentication_status(self, ue_id: str) -> AuthEvent:
        return self._read(records.AUTHENTICATION_STATUS, ue_id)

    async def query_provisioned_data(
        self, ue_id: str, serving_plmn_id: str, dataset_names: list[str]
    ) -> ProvisionedDataSets:
        found = self._read(records.PROVISIONED_DATA, ue_id)
        am_data = found.am_data if "AM" in dataset_names else None
        smf_sel_data = found.smf_sel_data if "SMF_SEL" in dataset_names else None
        sm_data = found.sm_data if "SM" in dataset_names else None
        if am_data is None and smf_sel_data is None and sm_data is None:
            raise _not_provisioned(", ".join(dataset_names), ue_id)
        return ProvisionedDataSets(am_data=am_data, smf_sel_data=smf_sel_data, sm_data=sm_data)

    async def query_ue_subscribed_data(
        self, ue_id: str, dataset_names: list[str], serving_plmn: str
    ) -> UeSubscribedDataSets:
        provisioned = await self.query_provisioned_data(ue_id, serving_plmn, dataset_names)
        return UeSubscribedDataSets(
            am_data=provisioned.am_data,
            smf_sel_data=provisioned.smf_sel_data,
            sm_data=provisioned.sm_data,
            amf_3gpp=self._serving_amf(ue_id) if "AMF_3GPP" in dataset_names else None,
        )

    async def query_am_data(self, ue_id: str, serving_plmn_id: str) -> AccessAndMobilitySubscriptionData:
        found = self._read(records.PROVISIONED_DATA, ue_id).am_data
        if found is None:
            raise _not_provisioned("am-data", ue_id)
        return found

    async def query_smf_select_data(self, ue_id: str, serving_plmn_id: str) -> SmfSelectionSubscriptionData:
        found = self._read(records.PROVISIONED_DATA, ue_id).smf_sel_data
        if found is None:
            raise _not_provisioned("smf-selection-subscription-data", ue_id)
        return found

    async def query_sm_data(
        self, ue_id: str, serving_plmn_id: str
    ) -> list[SessionManagementSubscriptionData]:
        found = self._read(records.PROVISIONED_DATA, ue_id).sm_data
        if found is None:
            raise _not_provisioned("sm-data", ue_id)
        return found

    async def create_amf_context(
        self, ue_id: str, body: Amf3GppAccessRegistration
    ) -> Created[Amf3GppAccessRegistration]:
        records.AMF_CONTEXT.write(self._store, ue_id, body)
        return Created(f"/subscription-data/{ue_id}/context-data/amf-3gpp-access", body)

    async def query_context_data(self, ue_id: str, context_dataset_names: list[str]) -> ContextDataSets:
        amf = self._serving_amf(ue_id) if "AMF_3GPP" in context_dataset_names else None
        return NO_CONTEXT if amf is None else ContextDataSets(amf_3gpp=amf)

    def _serving_amf(self, ue_id: str) -> Amf3GppAccessRegistration | None:
        octets = self._store.get(records.AMF_CONTEXT.collection, ue_id)
        return None if octets is None else _decoded(records.AMF_CONTEXT, ue_id, octets)

    async def query_amf_context(self, ue_id: str) -> Amf3GppAccessRegistration:
        return self._read(records.AMF_CONTEXT, ue_id)

    async def update_amf_context(self, ue_id: str, body: Amf3GppAccessRegistrationModification) -> None:
        """A purged context goes: the next registration makes it anew."""
        found = self._read(records.AMF_CONTEXT, ue_id)
        if body.purge_flag:
            records.AMF_CONTEXT.remove(self._store, ue_id)
        elif body.pei is not None:
            changed = msgspec.structs.replace(found, pei=body.pei)
            records.AMF_CONTEXT.write(self._store, ue_id, changed)

    async def query_smf_contexts(self, ue_id: str) -> list[SmfRegistration]:
        self._read(records.AUTHENTICATION_SUBSCRIPTION, ue_id)
        keys = (f"{ue_id}/{psi}" for psi in range(1, 16))
        return [one for key in keys if (one := records.SMF_CONTEXT.read(self._store, key)) is not None]

    async def create_smf_context(
        self, ue_id: str, pdu_session_id: int, body: SmfRegistration
    ) -> Created[SmfRegistration]:
        records.SMF_CONTEXT.write(self._store, f"{ue_id}/{pdu_session_id}", body)
        path = f"/subscription-data/{ue_id}/context-data/smf-registrations/{pdu_session_id}"
        return Created(path, body)

    async def delete_smf_context(self, ue_id: str, pdu_session_id: int) -> None:
        records.SMF_CONTEXT.remove(self._store, f"{ue_id}/{pdu_session_id}")

    async def query_sdm_subscriptions(self, ue_id: str) -> list[SdmSubscription]:
        return list((records.SDM_SUBSCRIPTIONS.read(self._store, ue_id) or {}).values())

    async def update_sdm_subscription(self, ue_id: str, subs_id: str, body: SdmSubscription) -> None:
        found = records.SDM_SUBSCRIPTIONS.read(self._store, ue_id) or {}
        if found.get(subs_id) != body:
            records.SDM_SUBSCRIPTIONS.write(self._store, ue_id, {**found, subs_id: body})

    async def remove_sdm_subscription(self, ue_id: str, subs_id: str) -> None:
        found = records.SDM_SUBSCRIPTIONS.read(self._store, ue_id) or {}
        if subs_id not in found:
            raise Problem(404, "SUBSCRIPTION_NOT_FOUND", Why(f"{ue_id} has no subscription {subs_id[:60]}"))
        del found[subs_id]
        if found:
            records.SDM_SUBSCRIPTIONS.write(self._store, ue_id, found)
        else:
            records.SDM_SUBSCRIPTIONS.remove(self._store, ue_id)

    async def subscribe(self, body: SubscriptionDataSubscriptions) -> Created[SubscriptionDataSubscriptions]:
        """One for each callback. It lives as long as the process: the subscriber comes again after a restart."""
        identifier = _identifier(body.callback_reference)
        made = msgspec.structs.replace(body, subscription_id=identifier)
        self._subscribers[identifier] = made
        return Created(f"/subscription-data/subs-to-notify/{identifier}", made)

    async def query_operator_specific_data(self, ue_id: str) -> dict[str, OperatorSpecificDataContainer]:
        return records.POLICY_DATA.read(self._store, ue_id) or {}

    async def subscribe_to_policy_data(self, body: PolicyDataSubscription) -> Created[PolicyDataSubscription]:
        """As subscribe."""
        self._policy_subscribers.add(body.notification_uri)
        return Created(f"/policy-data/subs-to-notify/{_identifier(body.notification_uri)}", body)

    async def tell_changes(self) -> None:
        """Nudr_DM_Notify for what the commands have changed. Called each second; one that runs goes on alone."""
        if self._telling or self._sbi is None:
            return
        self._telling = True
        try:
            for number, (supi, keys, note) in enumerate(changes.pending(self._store), 1):
                if await self._told_or_given_up(self._sbi, supi, keys, note):
                    for key in keys:
                        self._store.delete(changes.COLLECTION, key)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            self._telling = False

    async def _told_or_given_up(self, sbi: Bus, supi: str, keys: list[str], note: changes.Note) -> bool:
        """Who cannot be reached is tried after 1, 2, 4, ... turns, and no more after TURNS: it asks when it is back."""
        turn = self._turns.get(keys[0], 0) + 1
        if turn & (turn - 1) == 0 and await self._told(sbi, supi, note):
            self._turns.pop(keys[0], None)
            return True
        if turn >= TURNS:
            self._turns.pop(keys[0], None)
            log.warning("who serves %s was not told of its changes in %d turns", supi, turn)
            return True
        self._turns[keys[0]] = turn
        return False

    async def _told(self, sbi: Bus, supi: str, note: changes.Note) -> bool:
        """False where a subscriber cannot be reached now: it is told later."""
        letters: list[tuple[str, object]] = []
        if items := changes.items(self._store, supi, self._plmn, note):
            body = DataChangeNotify(ue_id=supi, notify_items=items)
            wanted = (s for s in self._subscribers.values() if s.ue_id in (None, supi))
            letters += [(s.callback_reference, body) for s in wanted]
        if note.policy:
            elements = records.POLICY_DATA.read(self._store, supi) or {}
            policy = [PolicyDataChangeNotification(ue_id=supi, op_spec_data_map=elements)]
            letters += [(uri, policy) for uri in self._policy_subscribers]
        told = True
        for uri, letter in letters:
            try:
                await notify(sbi, "UDR", uri, letter)
            except Problem as problem:
                told = told and problem.status < 500
        return told

    def _authentication_subscription(self, ue_id: str) -> _Read:
        resource = records.AUTHENTICATION_SUBSCRIPTION
        octets = self._octets(resource, ue_id)
        return _Read(ue_id, octets, _decoded(resource, ue_id, octets))

    def _read(self, resource: Resource[T], ue_id: str) -> T:
        return _decoded(resource, ue_id, self._octets(resource, ue_id))

    def _octets(self, resource: Resource[T], ue_id: str) -> bytes:
        octets = self._store.get(resource.collection, ue_id)
        if octets is not None:
            return octets
        if self._store.get(records.AUTHENTICATION_SUBSCRIPTION.collection, ue_id) is not None:
            raise _not_provisioned(resource.collection, ue_id)
        raise Problem(404, "USER_NOT_FOUND", nobody(ue_id))


def _decoded(resource: Resource[T], ue_id: str, octets: bytes) -> T:
    try:
        return resource.decode(octets)
    except msgspec.MsgspecError as error:
        mend = f"cinq subscriber add --replace {ue_id} --k ... --opc ..."
        why = Why(f"the store's {resource.collection} of {ue_id} is damaged: {error}", mend)
        raise Problem(500, "SYSTEM_FAILURE", why) from error


def _identifier(uri: str) -> str:
    return hashlib.sha256(uri.encode()).hexdigest()[:16]


def nobody(ue_id: str) -> Why:
    imsi = ue_id.removeprefix("imsi-")
    return Why(f"{ue_id} is not provisioned", f"cinq subscriber add {imsi} --k ... --opc ...")


def _not_provisioned(what: str, ue_id: str) -> Problem:
    mend = f"cinq subscriber add --replace {ue_id.removeprefix('imsi-')} --k ... --opc ..."
    return Problem(404, "DATA_NOT_FOUND", Why(f"no {what} is provisioned for {ue_id}", mend))


def changed(value: T, patch: list[PatchItem], shape: type[T]) -> T:
    """A record with a JSON Patch. 409 when a test fails, 400 where a path is missing or it is no such record then."""
    try:
        return msgspec.convert(patched(msgspec.to_builtins(value), patch), shape)
    except msgspec.ValidationError as error:
        raise Problem(400, "INVALID_MSG_FORMAT", Why(f"patch: {error}")) from error
