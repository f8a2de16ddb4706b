"""Nbsf_Management, TS 29.521 §4.2: PCFs say which PDU sessions they serve; by a UE's address its PCF is found."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from cinq.nf.bsf import addresses
from cinq.nf.bsf.addresses import Address, of_binding
from cinq.nf.bsf.bindings import Bindings
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Created, InvalidParam, Problem
from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import BsfInfo, NFProfile
from cinq.sbi.services.nbsf_management import BindingQuery, NbsfManagement, PcfBinding, PcfBindingPatch

MOST = 200_000  # bindings
SD = re.compile(r"[0-9a-fA-F]{6}", re.ASCII)
NONE_IS_EMPTY = ("add_ipv6_prefixes", "add_mac_addrs")


class BSF:
    """dnns: whose sessions it knows of, as its profile says; all where none is named."""

    def __init__(
        self,
        store: Store,
        entropy: Callable[[int], bytes],
        instance_id: str,
        dnns: tuple[str, ...] = (),
        most: int = MOST,
    ) -> None:
        self._bindings = Bindings(store)
        self._entropy = entropy
        self._dnns = dnns
        self._most = most
        self.instance_id = instance_id

    def services(self) -> list[tuple[type, object]]:
        return [(NbsfManagement, self)]

    def profile(self) -> NFProfile:
        return NFProfile(
            nf_instance_id=self.instance_id,
            nf_type="BSF",
            nf_status="REGISTERED",
            bsf_info=BsfInfo(dnn_list=list(self._dnns)),
        )

    async def register(self, body: PcfBinding) -> Created[PcfBinding]:
        """§4.2.2.2. An address is one session's at a time: what another binding says of it has become old, be its PCF
        there or not."""
        _checked(body)
        if not of_binding(body):
            why = Why("a binding without any address of the UE: ipv4Addr, ipv6Prefix or macAddr48 is wanted")
            raise Problem(400, "MANDATORY_IE_MISSING", why)
        old = self._same_session(body)
        if len(self._bindings) - len(old) >= self._most:
            raise Problem(500, "INSUFFICIENT_RESOURCES", Why(f"there are {self._most} bindings"))
        for name in old:
            self._bindings.remove(name)
        name, kept = self._entropy(12).hex(), replace(body, supp_feat=None)
        self._bindings.put(name, kept)
        return Created(f"/pcfBindings/{name}", kept)

    async def discover(self, asked: BindingQuery) -> PcfBinding | None:
        """§4.2.4.2."""
        address = _asked(asked)
        found = [one for one in self._bindings.with_address(address).values() if _fits(one, asked)]
        if len(found) > 1:
            why = Why(
                f"{len(found)} bindings have the address", "say the DNN, the S-NSSAI or the ipDomain too"
            )
            raise Problem(400, "MULTIPLE_BINDING_INFO_FOUND", why)
        return found[0] if found else None

    async def update(self, binding_id: str, body: PcfBindingPatch) -> PcfBinding:
        """§4.2.5."""
        known = self._known(binding_id)
        changes: dict[str, object] = {}
        for name in PcfBindingPatch.__struct_fields__:
            value = getattr(body, name)
            if value is not msgspec.UNSET:
                changes[name] = [] if value is None and name in NONE_IS_EMPTY else value
        made = replace(known, **changes)
        _checked(made)
        if not of_binding(made):
            raise Problem(400, "MANDATORY_IE_INCORRECT", Why("no address of the UE would be left"))
        for name in self._same_session(made):
            if name != binding_id:
                self._bindings.remove(name)
        self._bindings.put(binding_id, made)
        return made

    async def deregister(self, binding_id: str) -> None:
        """§4.2.3.2."""
        self._known(binding_id)
        self._bindings.remove(binding_id)

    def _known(self, binding_id: str) -> PcfBinding:
        found = self._bindings.get(binding_id)
        if found is None:
            why = Why(f"there is no binding {binding_id[:60]}")
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", why)
        return found

    def _same_session(self, binding: PcfBinding) -> list[str]:
        """Bindings of one of its addresses, in the same address domain, DNN and slice."""
        names: dict[str, None] = {}
        for address in of_binding(binding):
            for name, one in self._bindings.with_address(address).items():
                if address in of_binding(one) and _place(one) == _place(binding):
                    names[name] = None
        return list(names)


def _place(binding: PcfBinding) -> tuple[object, ...]:
    return binding.ip_domain, binding.dnn.lower(), _slice(binding.snssai)


def _slice(snssai: Snssai) -> tuple[int, str | None]:
    return snssai.sst, None if snssai.sd is None else snssai.sd.lower()


def _checked(binding: PcfBinding) -> None:
    """Problem 400: one that leads to no PCF. In one process the instance says it all."""
    reached = binding.pcf_fqdn or binding.pcf_ip_end_points or binding.pcf_diam_host or binding.pcf_id
    if not reached:
        raise Problem(
            400, "MANDATORY_IE_MISSING", Why("none of pcfFqdn, pcfIpEndPoints, pcfDiamHost is there")
        )
    snssai = binding.snssai
    if not 0 <= snssai.sst <= 255 or (snssai.sd is not None and SD.fullmatch(snssai.sd) is None):
        invalid = InvalidParam(
            param="/snssai", reason="wanted an SST of 0 to 255, an SD of six hexadecimal digits"
        )
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why("snssai: it is none"), invalid)
    for i, end in enumerate(binding.pcf_ip_end_points):
        addresses.end_point(end, f"/pcfIpEndPoints/{i}")


def _asked(asked: BindingQuery) -> Address:
    """Problem 400: no address, or more than one."""
    given = [
        read(text, name)
        for read, text, name in (
            (addresses.ipv4, asked.ipv4_addr, "ipv4Addr"),
            (addresses.ipv6, asked.ipv6_prefix, "ipv6Prefix"),
            (addresses.mac, asked.mac_addr48, "macAddr48"),
        )
        if text is not None
    ]
    if not given:
        why = Why("no address of the UE: ipv4Addr, ipv6Prefix or macAddr48 is wanted")
        raise Problem(400, "MANDATORY_QUERY_PARAM_MISSING", why)
    if len(given) > 1:
        raise Problem(400, "OPTIONAL_QUERY_PARAM_INCORRECT", Why("more than one address of the UE"))
    return given[0]


def _fits(binding: PcfBinding, asked: BindingQuery) -> bool:
    """A DNN counts without regard to case (TS 23.003 §9.1)."""
    return (
        (asked.dnn is None or asked.dnn.lower() == binding.dnn.lower())
        and (asked.supi is None or asked.supi == binding.supi)
        and (asked.gpsi is None or asked.gpsi == binding.gpsi)
        and (asked.snssai is None or _slice(asked.snssai) == _slice(binding.snssai))
        and (asked.ip_domain is None or asked.ip_domain == binding.ip_domain)
    )
