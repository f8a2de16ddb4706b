"""Nnrf_NFManagement (TS 29.510 §5.2) and Nnrf_NFDiscovery (§5.3).

An instance that misses two heartbeats in a row is SUSPENDED (§5.2.2.3.2) and no longer discovered; its next
heartbeat brings it back. Lateness is found when somebody looks: no timer runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.nrf.settings import Settings
from cinq.nf.nrf.tokens import Tokens
from cinq.procedure import Clock, Journal, Why
from cinq.sbi import Created, InvalidParam, Problem
from cinq.sbi.models import NFType, Snssai
from cinq.sbi.nf_profile import NFProfile, NFStatus
from cinq.sbi.services.nnrf import NnrfNFDiscovery, NnrfNFManagement, SearchResult
from cinq.sbi.services.nudr_dr import PatchItem
from cinq.sbi.token import SigningKey

INSTANCE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
VENDOR_ID = re.compile(r"[0-9]{6}", re.ASCII)  # TS 29.510 §6.1.6.3.2
NF_TYPE = re.compile(r"[A-Z0-9_]{2,40}", re.ASCII)
MISSED = 2
STATUSES: tuple[NFStatus, ...] = ("REGISTERED", "SUSPENDED", "UNDISCOVERABLE", "CANARY_RELEASE")


@dataclass(slots=True)
class _Instance:
    profile: NFProfile
    heard: float


class NRF:
    """key: with which it signs access tokens; without it there are none. gate: whom policies of eligibility keep out.
    One that is drained serves those that know it, and is not found."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        instance_id: str,
        key: SigningKey | None = None,
        gate: Gate = OPEN,
        journal: Journal | None = None,
    ) -> None:
        self._settings = settings
        self._gate, self._journal = gate, journal or Journal()
        self._clock = clock
        self._instances: dict[str, _Instance] = {}
        self.instance_id = instance_id
        self._tokens = (
            None if key is None else Tokens(key, clock, instance_id, self.registered, settings.access_token_s)
        )

    def services(self) -> list[tuple[type, object]]:
        tokens = [] if self._tokens is None else self._tokens.services()
        return [(NnrfNFManagement, self), (NnrfNFDiscovery, self), *tokens]

    def registered(self) -> list[NFProfile]:
        """The profiles, as they are now."""
        return [self._current(instance) for instance in self._instances.values()]

    async def nf_register(self, nf_instance_id: str, body: NFProfile) -> Created[NFProfile]:
        """§5.2.2.2: a registration replaces an earlier one of the same instance. The NRF sets the timer."""
        identifier = nf_instance_id.lower()
        _check(identifier, body)
        if identifier == self.instance_id:
            raise Problem(403, "MODIFICATION_NOT_ALLOWED", Why("this is the NRF's own instance"))
        self._let_in(identifier, body.vendor_id)
        if identifier not in self._instances and len(self._instances) >= self._settings.max_instances:
            why = Why(f"the NRF holds {len(self._instances)} instances, which is all it may", "stop some")
            raise Problem(503, "INSUFFICIENT_RESOURCES", why)
        profile = msgspec.structs.replace(
            body, nf_instance_id=identifier, heart_beat_timer=self._settings.heart_beat_timer
        )
        self._instances[identifier] = _Instance(profile, self._clock.now())
        return Created(f"/nf-instances/{identifier}", profile)

    async def nf_update(self, nf_instance_id: str, body: list[PatchItem]) -> None:
        """§5.2.2.3: a heartbeat, or a change of status. All of the patch is applied, or nothing."""
        instance = self._known(nf_instance_id)
        profile = instance.profile
        for item in body:
            status = next((s for s in STATUSES if s == item.value), None)
            if item.op != "replace" or item.path != "/nfStatus" or status is None:
                raise Problem(400, "INVALID_MSG_FORMAT", Why(f"cannot {item.op} {item.path[:60]}"))
            profile = msgspec.structs.replace(profile, nf_status=status)
        instance.profile, instance.heard = profile, self._clock.now()

    async def nf_deregister(self, nf_instance_id: str) -> None:
        self._known(nf_instance_id)
        del self._instances[nf_instance_id.lower()]

    async def nf_profile(self, nf_instance_id: str) -> NFProfile:
        return self._current(self._known(nf_instance_id))

    async def search(
        self,
        target_nf_type: NFType,
        requester_nf_type: NFType,
        service_names: list[str] | None,
        snssais: list[Snssai] | None,
        dnn: str | None,
    ) -> SearchResult:
        """§5.3.2.2: instances in status REGISTERED that fit every criterion given."""
        profiles = (self._current(instance) for instance in self._instances.values())
        found = [
            p
            for p in profiles
            if p.nf_type == target_nf_type
            and p.nf_status == "REGISTERED"
            and (not service_names or {s.service_name for s in p.services} & set(service_names))
            and _serves(p, snssais, dnn)
        ]
        return SearchResult(validity_period=self._settings.validity_period, nf_instances=found)

    def _let_in(self, identifier: str, vendor_id: str | None) -> None:
        """Problem: a policy keeps it out."""
        ruling = self._gate.function(identifier, vendor_id)
        self._gate.tell(ruling, "NRF", f"NF {identifier}", self._journal, self._clock)
        if ruling.refuses:
            raise Problem(403, None, ruling.reason)

    def day_has_come(self) -> None:
        """A rule of eligibility may begin to hold: who is refused by now is registered no more."""
        for identifier, instance in list(self._instances.items()):
            ruling = self._gate.function(identifier, instance.profile.vendor_id)
            self._gate.tell(ruling, "NRF", f"NF {identifier}", self._journal, self._clock)
            if ruling.refuses:
                del self._instances[identifier]

    def _known(self, nf_instance_id: str) -> _Instance:
        found = self._instances.get(nf_instance_id.lower())
        if found is None:
            why = Why(f"no NF instance {nf_instance_id[:60]} is registered")
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", why)
        return found

    def _current(self, instance: _Instance) -> NFProfile:
        late = self._clock.now() - instance.heard > MISSED * self._settings.heart_beat_timer
        if late and instance.profile.nf_status == "REGISTERED":
            return msgspec.structs.replace(instance.profile, nf_status="SUSPENDED")
        if self._gate.function(instance.profile.nf_instance_id, instance.profile.vendor_id).drains:
            return msgspec.structs.replace(instance.profile, nf_status="UNDISCOVERABLE")
        return instance.profile


def _check(identifier: str, profile: NFProfile) -> None:
    faults = {
        "nfInstanceId": not INSTANCE_ID.fullmatch(identifier) or profile.nf_instance_id.lower() != identifier,
        "nfType": not NF_TYPE.fullmatch(profile.nf_type),
        "heartBeatTimer": profile.heart_beat_timer is not None and profile.heart_beat_timer < 1,
        "vendorId": profile.vendor_id is not None and not VENDOR_ID.fullmatch(profile.vendor_id),
        "plmnList": len(profile.plmn_list) > 100,
        "nfServices": len(profile.services) > 100,
    }
    wrong = [InvalidParam(param=name) for name, fault in faults.items() if fault]
    if wrong:
        names = ", ".join(w.param for w in wrong)
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"profile of {identifier[:60]}: {names}"), *wrong)


def _serves(profile: NFProfile, snssais: list[Snssai] | None, dnn: str | None) -> bool:
    """Slices and DNN of an SMF's info; of another NF its list of slices, where it has one."""
    wanted = {s.numbering() for s in snssais or []}
    if profile.smf_info is not None:
        return any(
            (not wanted or item.s_nssai.numbering() in wanted)
            and (dnn is None or any(d.dnn == dnn for d in item.dnn_smf_info_list))
            for item in profile.smf_info.s_nssai_smf_info_list
        )
    offered = {s.numbering() for s in profile.s_nssais}
    return not wanted or not offered or bool(offered & wanted)
