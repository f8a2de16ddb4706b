"""Which slices a UE may use, TS 23.501 §5.15.5.2.1, TS 24.501 §4.6.2: what is asked of the NSSF, and what it says."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from msgspec import Struct

from cinq.nf.amf import journal
from cinq.nf.amf.context import shared
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.procedures.gmm.subscription import Subscribed, sbi_slices
from cinq.nf.amf.ue import Ue
from cinq.numbering import SNssai
from cinq.procedure import Refused, Why
from cinq.sbi import Problem
from cinq.sbi import models as sbi
from cinq.sbi.services.nnssf_nsselection import (
    AuthorizedNetworkSliceInfo,
    SliceInfoForRegistration,
    SubscribedSnssai,
)
from cinq.wire import nas
from cinq.wire.nas import GmmCause, GmmFeature, RejectedCause


class Slices(Struct, frozen=True, gc=False):
    """configured: of the subscription and of this network, in the order of the NSSF. defaults: of those allowed."""

    allowed: tuple[SNssai, ...]
    rejected: tuple[nas.RejectedSNssai, ...]
    configured: tuple[SNssai, ...]
    defaults: tuple[SNssai, ...] = ()

    @property
    def absent(self) -> tuple[SNssai, ...]:
        """Those that the registration area has not."""
        area = RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA
        return shared(tuple(one.s_nssai for one in self.rejected if one.cause == area))


async def select_slices(
    ue: Ue, requested: tuple[SNssai, ...], subscribed: Subscribed, capability: nas.Capability5gmm
) -> Slices:
    """Nnssf_NSSelection_Get. Refused with #62 when nothing is left (TS 24.501 §5.5.1.2.5)."""
    try:
        answer = await ask_nssf(ue, requested, subscribed)
    except Problem as problem:
        if problem.cause != "SNSSAI_NOT_SUPPORTED":
            raise
        here_not = tuple(_rejected(s, RejectedCause.NOT_AVAILABLE_IN_PLMN) for s in requested)
        raise Refused(_no_slice(here_not, capability), problem.why) from None
    if elsewhere(ue, answer) is not None:
        why = Why(
            f"AMF set {answer.target_amf_set} serves the slices of the UE, which has a security association here: its "
            "context would have to go along, and there is no way to that AMF (TS 23.502 §4.2.2.2.3 step 7A)",
            "switch the phone off and on: with a new registration it is rerouted",
        )
        raise Refused(_no_slice((), capability), why)
    slices = _authenticated(_said(answer), subscribed, capability)
    if not slices.allowed:
        names = ", ".join(map(str, subscribed.own_authentication))
        why = Why(
            f"slices {names} need an authentication of their own, and this network has no NSSAAF",
            f"cinq subscriber set {ue.context.supi} --slices ...",
        )
        raise Refused(_no_slice(slices.rejected, capability), why)
    _explained(ue, slices, subscribed)
    defaults = tuple(s for s, default in subscribed.nssai if default and s in slices.allowed)
    return msgspec.structs.replace(slices, defaults=shared(defaults))


async def ask_nssf(
    ue: Ue, requested: tuple[SNssai, ...], subscribed: Subscribed
) -> AuthorizedNetworkSliceInfo:
    """Nnssf_NSSelection_Get. Problem: as the NSSF refuses."""
    info = _slice_info(subscribed.nssai, requested)
    tai = None if ue.connection is None else elements.sbi_tai(ue.tai)
    return await ue.ports.nnssf.get("AMF", ue.ports.instance_id, info, tai)


def elsewhere(ue: Ue, answer: AuthorizedNetworkSliceInfo) -> int | None:
    """The AMF set that is to serve the UE, where that is another (TS 29.531 §6.1.6.2.7)."""
    name, amf = answer.target_amf_set, ue.ports.settings.amf_id
    if name is None:
        return None
    region, number = (int(part, 16) for part in name.split("-")[2:])
    return None if (region, number) == (amf.region, amf.set) else number


def _said(answer: AuthorizedNetworkSliceInfo) -> Slices:
    allowed = tuple(
        item.allowed_snssai.numbering()
        for access in answer.allowed_nssai_list
        for item in access.allowed_snssai_list
    )
    rejected = [
        *(
            _rejected(s.numbering(), RejectedCause.NOT_AVAILABLE_IN_PLMN)
            for s in answer.rejected_nssai_in_plmn
        ),
        *(
            _rejected(s.numbering(), RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA)
            for s in answer.rejected_nssai_in_ta
        ),
    ]
    configured = tuple(c.configured_snssai.numbering() for c in answer.configured_nssai)
    return Slices(shared(allowed[:8]), tuple(rejected[:8]), shared(configured[:16]))


def _authenticated(slices: Slices, subscribed: Subscribed, capability: nas.Capability5gmm) -> Slices:
    """Slices with an authentication of their own (NSSAA, TS 23.501 §5.15.10) cannot be had without an NSSAAF: they are
    rejected as failed, and to a UE that does not know NSSAA as not available (TS 24.501 §5.5.1.2.4)."""
    own = subscribed.own_authentication
    if not own:
        return slices
    knows = GmmFeature.NSSAA in capability
    cause = RejectedCause.AUTHENTICATION_FAILED_OR_REVOKED if knows else RejectedCause.NOT_AVAILABLE_IN_PLMN
    gone = tuple(_rejected(s, cause) for s in slices.allowed if s in own)
    allowed = tuple(s for s in slices.allowed if s not in own)
    if not allowed:
        defaults = [s for s, default in subscribed.nssai if default and s not in own]
        allowed = tuple(s for s in defaults if s in slices.configured)
    return Slices(shared(allowed), (*slices.rejected, *gone)[:8], slices.configured)


def _explained(ue: Ue, slices: Slices, subscribed: Subscribed) -> None:
    """A UE is registered, and not for all that it asks for: the operator hears why, as of a reject."""
    own = {s for s, _ in subscribed.nssai}
    for one in slices.rejected:
        if one.s_nssai in subscribed.own_authentication:
            reason, mend = "it needs an authentication of its own, and there is no NSSAAF", _OTHER_SLICES
        elif one.cause == RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA:
            reason, mend = f"tracking area {ue.tai} has it not", "`slices` of the gNBs of this area"
        elif one.s_nssai in own:
            reason, mend = "this network does not serve it", "`slices` of the core's settings"
        else:
            reason, mend = "it has not subscribed to it", _OTHER_SLICES
        journal.note(ue, Why(f"slice rejected: the UE asks for {one.s_nssai.words}; {reason}", mend))


_OTHER_SLICES = "cinq subscriber set IMSI --slices ..., or the slices that the phone asks for"


def rejections(
    rejected: tuple[nas.RejectedSNssai, ...], capability: nas.Capability5gmm
) -> tuple[list[nas.RejectedSNssai] | None, list[nas.RejectedGroup] | None]:
    """Rejected NSSAI, or Extended rejected NSSAI for a UE that knows it (TS 24.501 §5.5.1.2.4)."""
    if not rejected:
        return None, None
    if GmmFeature.EXTENDED_REJECTED_NSSAI in capability:
        return None, [nas.RejectedGroup(rejected)]
    return list(rejected), None


def capability_of(ue: Ue, request: nas.RegistrationRequest | None = None) -> nas.Capability5gmm:
    """The 5GMM capability of this request, or as last sent."""
    sent = None if request is None else request.capability_5gmm
    return nas.Capability5gmm(ue.context.capability_5gmm or b"\0") if sent is None else sent


@lru_cache(maxsize=1024)
def _slice_info(
    subscribed: tuple[tuple[SNssai, bool], ...], requested: tuple[SNssai, ...]
) -> SliceInfoForRegistration:
    """What is asked of the NSSF: the same for all UEs of one subscription that request the same."""
    return SliceInfoForRegistration(
        subscribed_nssai=[
            SubscribedSnssai(subscribed_snssai=sbi.Snssai.of(s), default_indication=default)
            for s, default in subscribed
        ],
        requested_nssai=sbi_slices(requested),
    )


def _rejected(s_nssai: SNssai, cause: RejectedCause) -> nas.RejectedSNssai:
    return nas.RejectedSNssai(SNssai(s_nssai.sst, s_nssai.sd), cause)


def _no_slice(
    rejected: tuple[nas.RejectedSNssai, ...], capability: nas.Capability5gmm
) -> nas.RegistrationReject:
    plain, extended = rejections(rejected[:8], capability)
    return nas.RegistrationReject(
        cause=GmmCause.NO_NETWORK_SLICES_AVAILABLE, rejected_nssai=plain, extended_rejected_nssai=extended
    )
