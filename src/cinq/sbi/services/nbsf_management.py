"""Nbsf_Management, TS 29.521 §4 and §5: which PCF serves a PDU session."""

from __future__ import annotations

from typing import Annotated, Protocol

from msgspec import UNSET, Meta, UnsetType, field

from cinq.sbi.models import Snssai
from cinq.sbi.nf_profile import IpEndPoint
from cinq.sbi.operation import Created, Model, Query, operation, service

MOST_LISTED = 16  # addresses or end points of one binding
Text = Annotated[str, Meta(max_length=256)]
Texts = Annotated[list[Text], Meta(max_length=MOST_LISTED)]
EndPoints = Annotated[list[IpEndPoint], Meta(max_length=MOST_LISTED)]


class PcfBinding(Model):
    """ipv6Prefix: with its length. pcfIpEndPoints: of Npcf_PolicyAuthorization."""

    dnn: Text
    snssai: Snssai
    supi: Text | None = None
    gpsi: Text | None = None
    ipv4_addr: Text | None = None
    ipv6_prefix: Text | None = None
    add_ipv6_prefixes: Texts = []
    ip_domain: Text | None = None
    mac_addr48: Text | None = None
    add_mac_addrs: Texts = []
    pcf_fqdn: Text | None = None
    pcf_ip_end_points: EndPoints = []
    pcf_diam_host: Text | None = None
    pcf_diam_realm: Text | None = None
    supp_feat: Text | None = None
    pcf_id: Text | None = None
    pcf_set_id: Text | None = None
    recovery_time: Text | None = None


class PcfBindingPatch(Model):
    """A merge patch. What is not there stays, null takes away."""

    ipv4_addr: Text | UnsetType | None = UNSET
    ip_domain: Text | UnsetType | None = UNSET
    ipv6_prefix: Text | UnsetType | None = UNSET
    add_ipv6_prefixes: Texts | UnsetType | None = UNSET
    mac_addr48: Text | UnsetType | None = UNSET
    add_mac_addrs: Texts | UnsetType | None = UNSET
    pcf_id: Text | UnsetType = UNSET
    pcf_fqdn: Text | UnsetType = UNSET
    pcf_ip_end_points: EndPoints | UnsetType = UNSET
    pcf_diam_host: Text | UnsetType = UNSET
    pcf_diam_realm: Text | UnsetType = UNSET
    snssai: Snssai | UnsetType = UNSET


class BindingQuery(Query):
    """§5.3.2.3.2. ipv6Prefix: an address of the UE, and '/128'."""

    ipv4_addr: str | None = field(name="ipv4Addr", default=None)
    ipv6_prefix: str | None = field(name="ipv6Prefix", default=None)
    mac_addr48: str | None = field(name="macAddr48", default=None)
    dnn: str | None = None
    supi: str | None = None
    gpsi: str | None = None
    snssai: Snssai | None = None
    ip_domain: str | None = field(name="ipDomain", default=None)
    supp_feat: str | None = None


@service("nbsf-management", "v1")
class NbsfManagement(Protocol):
    @operation("Nbsf_Management_Register", "POST", "/pcfBindings", 201)
    async def register(self, body: PcfBinding) -> Created[PcfBinding]: ...

    @operation("Nbsf_Management_Discovery", "GET", "/pcfBindings")
    async def discover(self, asked: BindingQuery) -> PcfBinding | None:
        """None: no binding is that of the address. 400 MULTIPLE_BINDING_INFO_FOUND: several are."""
        ...

    @operation("Nbsf_Management_Update", "PATCH", "/pcfBindings/{bindingId}")
    async def update(self, binding_id: str, body: PcfBindingPatch) -> PcfBinding: ...

    @operation("Nbsf_Management_Deregister", "DELETE", "/pcfBindings/{bindingId}", 204)
    async def deregister(self, binding_id: str) -> None: ...
