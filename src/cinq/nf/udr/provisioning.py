"""Provisioning: a subscriber as an operator writes it, to and from the UDR's records of TS 29.505."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

import msgspec

from cinq.crypto.aka import functions
from cinq.nf.udr import access, changes, records
from cinq.nf.udr.access import Access, words
from cinq.nf.udr.fault import ProvisioningError
from cinq.numbering import NumberingError, SNssai, Supi
from cinq.operator_identifier import network_identifier
from cinq.procedure.store import Store
from cinq.sbi.models import (
    Ambr,
    Arp,
    IpAddress,
    Snssai,
    SscMode,
    SubscribedDefaultQos,
    UpSecurity,
    UpSecurityPolicy,
    bits_per_second,
)
from cinq.sbi.services.nausf_ueauthentication import AuthType
from cinq.sbi.services.nudm_sdm import (
    AccessAndMobilitySubscriptionData,
    DnnConfiguration,
    DnnInfo,
    FrameRouteInfo,
    Nssai,
    PduSessionTypes,
    SessionManagementSubscriptionData,
    SmfSelectionSubscriptionData,
    SnssaiInfo,
    SscModes,
)
from cinq.sbi.services.nudr_dr import AuthenticationSubscription, ProvisionedDataSets, SequenceNumber
from cinq.settings import table

Algorithm = Literal["milenage", "tuak"]
METHODS: dict[str, AuthType] = {"5g-aka": "5G_AKA", "eap-aka-prime": "EAP_AKA_PRIME"}
HEX = re.compile(r"[0-9a-fA-F]*")
COLUMNS = (
    "imsi",
    "k",
    "opc",
    "op",
    "amf",
    "sqn",
    "algorithm",
    "auth_method",
    "slices",
    "dnns",
    "static_ip",
    "static_prefix",
    "ambr_uplink",
    "ambr_downlink",
    "five_qi",
    "arp",
    "ssc_modes",
    "up_integrity",
    "up_ciphering",
    "framed_routes",
    *access.COLUMNS,
)
Network = IPv4Network | IPv6Network
MOST_ROUTES = 32
UP_SECURITY: tuple[UpSecurityPolicy, ...] = ("REQUIRED", "PREFERRED", "NOT_NEEDED")
SSC_MODES: tuple[SscMode, ...] = ("SSC_MODE_1", "SSC_MODE_2", "SSC_MODE_3")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscriber. opc: OPc of Milenage (16 octets) or TOPc of TUAK (32). sqn: last one used.

    slices: subscribed S-NSSAIs, the first being the default where `access` names no others. dnns: the first is the
    default. AMBR as '1 Gbps'. ssc_modes: the first is the default. up_security: integrity and ciphering of user data;
    None: as the network does it. framed_routes: networks behind the UE, in the default DNN. access: what the AMF is
    told.
    """

    supi: Supi
    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    amf: bytes = b"\x80\x00"
    sqn: int = 0
    algorithm: Algorithm = "milenage"
    auth_method: AuthType = "5G_AKA"
    slices: tuple[SNssai, ...] = (SNssai(1),)
    dnns: tuple[str, ...] = ("internet",)
    static_ip: IPv4Address | None = None
    static_prefix: IPv6Network | None = None
    ambr_uplink: str = "1 Gbps"
    ambr_downlink: str = "1 Gbps"
    five_qi: int = 9
    arp: int = 8
    ssc_modes: tuple[SscMode, ...] = ("SSC_MODE_1",)
    up_security: UpSecurity | None = None
    framed_routes: tuple[Network, ...] = ()
    access: Access = field(default_factory=Access)

    def __post_init__(self) -> None:
        wanted = {"milenage": ((16,), 16), "tuak": ((16, 32), 32)}[self.algorithm]
        if len(self.k) not in wanted[0]:
            digits = " or ".join(str(2 * n) for n in wanted[0])
            raise ProvisioningError("k", f"found {2 * len(self.k)} hexadecimal digits, wanted {digits}")
        if len(self.opc) != wanted[1]:
            raise ProvisioningError(
                "opc", f"found {2 * len(self.opc)} hexadecimal digits, wanted {2 * wanted[1]}"
            )
        if len(self.amf) != 2:
            raise ProvisioningError("amf", f"found {2 * len(self.amf)} hexadecimal digits, wanted 4")
        if not 0 <= self.sqn < 1 << 48:
            raise ProvisioningError("sqn", "wanted at most 12 hexadecimal digits")
        if not self.slices or not self.dnns:
            raise ProvisioningError("slices", "wanted at least one slice and one DNN")
        if not 1 <= self.five_qi <= 254:
            raise ProvisioningError("five_qi", f"found {self.five_qi}, wanted 1 to 254")
        if not 1 <= self.arp <= 15:
            raise ProvisioningError("arp", f"found {self.arp}, wanted 1 to 15")
        for key in ("default_slices", "nssaa_slices"):
            other = next((s for s in getattr(self.access, key) if s not in self.slices), None)
            if other is not None:
                subscribed = ", ".join(map(str, self.slices))
                raise ProvisioningError(key, f"found {other}, wanted some of the slices {subscribed}")
        for key, rate in (("ambr_uplink", self.ambr_uplink), ("ambr_downlink", self.ambr_downlink)):
            try:
                bits_per_second(rate)
            except ValueError as error:
                raise ProvisioningError(key, str(error)) from None


def put(store: Store, subscriber: Subscriber) -> None:
    """Writes all records of the subscriber. An existing one is replaced, its contexts kept."""
    put_subscription(store, subscriber)
    records.AUTHENTICATION_SUBSCRIPTION.write(store, str(subscriber.supi), _authentication(subscriber))


def put_subscription(store: Store, subscriber: Subscriber) -> None:
    """Writes what is subscribed, and neither keys nor sequence number. Whom it concerns hears of a change."""
    supi = str(subscriber.supi)
    before, after = records.PROVISIONED_DATA.read(store, supi), _provisioned(subscriber)
    if before is not None and before != after:
        changes.leave(store, supi, changes.Note(before))
    records.PROVISIONED_DATA.write(store, supi, after)


def _provisioned(subscriber: Subscriber) -> ProvisionedDataSets:
    snssais = [Snssai.of(s) for s in subscriber.slices]
    ambr = Ambr(uplink=subscriber.ambr_uplink, downlink=subscriber.ambr_downlink)
    defaults = subscriber.access.default_slices or subscriber.slices[:1]
    nssai = Nssai(
        default_single_nssais=[Snssai.of(s) for s in defaults],
        single_nssais=[Snssai.of(s) for s in subscriber.slices if s not in defaults],
    )
    am_data = AccessAndMobilitySubscriptionData(subscribed_ue_ambr=ambr, nssai=nssai)
    infos = [DnnInfo(dnn=d, default_dnn_indicator=d == subscriber.dnns[0]) for d in subscriber.dnns]
    selection = {str(s): SnssaiInfo(dnn_infos=infos) for s in subscriber.slices}
    configurations = {d: _configuration(subscriber, ambr, d) for d in subscriber.dnns}
    return ProvisionedDataSets(
        am_data=access.written(subscriber.access, am_data),
        smf_sel_data=SmfSelectionSubscriptionData(subscribed_snssai_infos=selection),
        sm_data=[
            SessionManagementSubscriptionData(single_nssai=s, dnn_configurations=configurations)
            for s in snssais
        ],
    )


def _authentication(subscriber: Subscriber) -> AuthenticationSubscription:
    tuak = subscriber.algorithm == "tuak"
    opc = subscriber.opc.hex()
    return AuthenticationSubscription(
        authentication_method=subscriber.auth_method,
        enc_permanent_key=subscriber.k.hex(),
        sequence_number=SequenceNumber(sqn=f"{subscriber.sqn:012x}"),
        authentication_management_field=subscriber.amf.hex(),
        algorithm_id=subscriber.algorithm,
        enc_opc_key=None if tuak else opc,
        enc_topc_key=opc if tuak else None,
    )


def _configuration(subscriber: Subscriber, ambr: Ambr, dnn: str) -> DnnConfiguration:
    routes = subscriber.framed_routes if dnn == subscriber.dnns[0] else ()
    static = [IpAddress(ipv4_addr=str(subscriber.static_ip))] if subscriber.static_ip else []
    if subscriber.static_prefix is not None:
        static.append(IpAddress(ipv6_prefix=str(subscriber.static_prefix)))
    return DnnConfiguration(
        pdu_session_types=PduSessionTypes(
            default_session_type="IPV4", allowed_session_types=["IPV4", "IPV6", "IPV4V6", "ETHERNET"]
        ),
        ssc_modes=SscModes(
            default_ssc_mode=subscriber.ssc_modes[0], allowed_ssc_modes=list(subscriber.ssc_modes)
        ),
        qos_profile_5g=SubscribedDefaultQos(
            five_qi=subscriber.five_qi, arp=Arp(priority_level=subscriber.arp)
        ),
        session_ambr=ambr,
        static_ip_address=static,
        up_security=subscriber.up_security,
        ipv4_frame_route_list=[FrameRouteInfo(ipv4_mask=str(r)) for r in routes if r.version == 4],
        ipv6_frame_route_list=[FrameRouteInfo(ipv6_prefix=str(r)) for r in routes if r.version == 6],
    )


def get(store: Store, supi: Supi) -> Subscriber | None:
    """The subscriber as provisioned, or None."""
    key = str(supi)
    authentication = records.AUTHENTICATION_SUBSCRIPTION.read(store, key)
    if authentication is None:
        return None
    data_sets = records.PROVISIONED_DATA.read(store, key) or ProvisionedDataSets()
    sm_data, am_data = data_sets.sm_data or [], data_sets.am_data
    number = authentication.sequence_number
    algorithm: Algorithm = "tuak" if authentication.algorithm_id == "tuak" else "milenage"
    opc = authentication.enc_topc_key if algorithm == "tuak" else authentication.enc_opc_key
    found = Subscriber(
        supi=supi,
        k=bytes.fromhex(authentication.enc_permanent_key or ""),
        opc=bytes.fromhex(opc or ""),
        amf=bytes.fromhex(authentication.authentication_management_field or "8000"),
        sqn=int(number.sqn, 16) if number else 0,
        algorithm=algorithm,
        auth_method=authentication.authentication_method,
        slices=tuple(d.single_nssai.numbering() for d in sm_data) or (SNssai(1),),
    )
    if am_data is not None and am_data.subscribed_ue_ambr is not None:
        ambr = am_data.subscribed_ue_ambr
        found = replace(found, access=access.read(am_data, found.slices))
        found = replace(found, ambr_uplink=ambr.uplink, ambr_downlink=ambr.downlink)
    if not sm_data or not sm_data[0].dnn_configurations:
        return found
    first = next(iter(sm_data[0].dnn_configurations.values()))
    static = next((a.ipv4_addr for a in first.static_ip_address if a.ipv4_addr), None)
    prefix = next((a.ipv6_prefix for a in first.static_ip_address if a.ipv6_prefix), None)
    return replace(
        found,
        dnns=tuple(sm_data[0].dnn_configurations),
        static_ip=IPv4Address(static) if static else None,
        static_prefix=IPv6Network(prefix) if prefix else None,
        five_qi=first.qos_profile_5g.five_qi if first.qos_profile_5g else 9,
        arp=first.qos_profile_5g.arp.priority_level if first.qos_profile_5g else 8,
        ssc_modes=tuple(first.ssc_modes.allowed_ssc_modes or [first.ssc_modes.default_ssc_mode]),
        up_security=first.up_security,
        framed_routes=_framed_routes(first),
    )


def _framed_routes(found: DnnConfiguration) -> tuple[Network, ...]:
    four = [each.ipv4_mask for each in found.ipv4_frame_route_list]
    six = [each.ipv6_prefix for each in found.ipv6_frame_route_list]
    return tuple(ip_network(text) for text in (*four, *six) if text is not None)


async def set_auth_method(store: Store, supi: Supi, method: AuthType) -> None:
    """Beside a running core: the sequence number that it has given out meanwhile is kept."""
    resource, key = records.AUTHENTICATION_SUBSCRIPTION, str(supi)
    while (before := store.get(resource.collection, key)) is not None:
        after = msgspec.structs.replace(resource.decode(before), authentication_method=method)
        if await store.replace(resource.collection, key, before, resource.encode(after)):
            return


def changed(subscriber: Subscriber, cell: dict[str, str]) -> Subscriber:
    """The subscriber with what is given in place of what was subscribed. ProvisioningError names the column."""
    return _with_subscription(subscriber, cell)


def subscribers(store: Store) -> Iterator[Supi]:
    """Every subscriber, in the order of the IMSI."""
    for key, _ in store.items(records.AUTHENTICATION_SUBSCRIPTION.collection):
        yield Supi.parse(key)


def remove(store: Store, supi: Supi) -> bool:
    """Deletes all that is provisioned of the subscriber. False when there was none.

    Who serves it is kept until the AMF has heard that the subscription is withdrawn.
    """
    key = str(supi)
    if store.get(records.AUTHENTICATION_SUBSCRIPTION.collection, key) is None:
        return False
    changes.leave(store, key, changes.Note(records.PROVISIONED_DATA.read(store, key)))
    for resource in (
        records.AUTHENTICATION_SUBSCRIPTION,
        records.AUTHENTICATION_STATUS,
        records.PROVISIONED_DATA,
        records.POLICY_DATA,
    ):
        resource.remove(store, key)
    for psi in range(1, 16):
        records.SMF_CONTEXT.remove(store, f"{key}/{psi}")
    return True


def parse(row: dict[str, str]) -> Subscriber:
    """A subscriber from texts by column name (COLUMNS). ProvisioningError names the column."""
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        raise ProvisioningError(unknown[0][:40], f"unknown column; known: {', '.join(COLUMNS)}")
    cell = {name: (value or "").strip() for name, value in row.items()}
    if cell.get("static_ip", "").lower() == "dynamic":
        del cell["static_ip"]
    if cell.get("algorithm", "").lower() == "mil":
        cell["algorithm"] = "milenage"
    try:
        supi = Supi.parse(cell.get("imsi", ""))
    except NumberingError as error:
        raise ProvisioningError("imsi", str(error)) from None
    algorithm = _algorithm(cell.get("algorithm") or "milenage")
    k = _hex("k", cell.get("k", ""))
    opc = _opc(algorithm, k, cell)
    made = Subscriber(supi, k, opc, algorithm=algorithm)
    amf, sqn = cell.get("amf"), cell.get("sqn")
    if amf:
        made = replace(made, amf=_hex("amf", amf))
    if sqn:
        made = replace(made, sqn=int.from_bytes(_hex("sqn", table.hexadecimal(sqn).zfill(12)), "big"))
    return _with_subscription(made, cell)


def _with_subscription(made: Subscriber, cell: dict[str, str]) -> Subscriber:
    if method := cell.get("auth_method"):
        made = replace(made, auth_method=_method(method))
    try:
        if slices := cell.get("slices"):
            made = replace(made, slices=tuple(dict.fromkeys(SNssai.parse(s) for s in words(slices))))
    except NumberingError as error:
        raise ProvisioningError("slices", str(error)) from None
    try:
        if dnns := cell.get("dnns"):
            made = replace(made, dnns=tuple(dict.fromkeys(network_identifier(d) for d in words(dnns))))
    except NumberingError as error:
        raise ProvisioningError("dnns", str(error)) from None
    try:
        if address := cell.get("static_ip"):
            made = replace(made, static_ip=None if address == access.NOTHING else IPv4Address(address))
    except AddressValueError:
        raise ProvisioningError("static_ip", f"found {address!r}, wanted an IPv4 address") from None
    if prefix := cell.get("static_prefix"):
        made = replace(made, static_prefix=_static_prefix(prefix))
    if routes := cell.get("framed_routes"):
        made = replace(made, framed_routes=_networks("framed_routes", routes))
    if uplink := cell.get("ambr_uplink"):
        made = replace(made, ambr_uplink=uplink)
    if downlink := cell.get("ambr_downlink"):
        made = replace(made, ambr_downlink=downlink)
    if five_qi := cell.get("five_qi"):
        made = replace(made, five_qi=access.number("five_qi", five_qi))
    if arp := cell.get("arp"):
        made = replace(made, arp=access.number("arp", arp))
    if modes := cell.get("ssc_modes"):
        made = replace(made, ssc_modes=_ssc_modes(modes))
    made = replace(made, up_security=_up_security(made.up_security, cell))
    return replace(made, access=access.changed(made.access, cell))


def _static_prefix(text: str) -> IPv6Network | None:
    """What a session of IPv6 has: 64 bits (TS 23.501 §5.8.2.2.1)."""
    if text == access.NOTHING:
        return None
    try:
        found = IPv6Network(text)
    except ValueError:
        found = None
    if found is None or found.prefixlen != 64:
        raise ProvisioningError(
            "static_prefix", f"found {text[:45]!r}, wanted 64 bits such as 2001:db8:45:7::/64"
        )
    return found


def _networks(column: str, text: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for word in words(text) if text != access.NOTHING else ():
        try:
            found.append(ip_network(word))
        except ValueError:
            what = f"found {word[:40]!r}, wanted networks such as 198.51.100.0/24 (no host bits)"
            raise ProvisioningError(column, what) from None
    if len(found) > MOST_ROUTES:
        raise ProvisioningError(column, f"found {len(found)} networks, wanted at most {MOST_ROUTES}")
    return tuple(dict.fromkeys(found))


def _ssc_modes(text: str) -> tuple[SscMode, ...]:
    found = [next((m for m in SSC_MODES if m[-1] == word), None) for word in words(text)]
    modes = [mode for mode in found if mode is not None]
    if not modes or len(modes) < len(found):
        raise ProvisioningError("ssc_modes", f"found {text[:40]!r}, wanted some of 1, 2 and 3")
    return tuple(dict.fromkeys(modes))


def _up_security(before: UpSecurity | None, cell: dict[str, str]) -> UpSecurity | None:
    """Both or neither: what is not said is preferred."""
    given = {key: text for key in ("up_integrity", "up_ciphering") if (text := cell.get(key))}
    if not given:
        return before
    if set(given.values()) == {access.NOTHING}:
        return None
    found: dict[str, UpSecurityPolicy] = {}
    for key, text in given.items():
        policy = next((p for p in UP_SECURITY if p == text.upper().replace("-", "_")), None)
        if policy is None:
            raise ProvisioningError(key, f"found {text[:40]!r}, wanted required, preferred or not-needed")
        found[key] = policy
    return UpSecurity(
        up_integr=found.get("up_integrity", before.up_integr if before else "PREFERRED"),
        up_confid=found.get("up_ciphering", before.up_confid if before else "PREFERRED"),
    )


def _algorithm(text: str) -> Algorithm:
    match text.lower():
        case "milenage":
            return "milenage"
        case "tuak":
            return "tuak"
    raise ProvisioningError("algorithm", f"found {text!r}, wanted milenage or tuak")


def _method(text: str) -> AuthType:
    found = METHODS.get(text.lower().replace("_", "-").replace("'", "-prime"))
    if found is None:
        raise ProvisioningError("auth_method", f"found {text!r}, wanted {' or '.join(METHODS)}")
    return found


def _opc(algorithm: Algorithm, k: bytes, cell: dict[str, str]) -> bytes:
    opc, op = cell.get("opc"), cell.get("op")
    if opc and op:
        raise ProvisioningError("op", "both op and opc are given, wanted one of them")
    if opc:
        return _hex("opc", opc)
    if not op:
        raise ProvisioningError("opc", "neither opc nor op is given, wanted one of them")
    try:
        return functions(algorithm).compute_opc(k, _hex("op", op))
    except ProvisioningError:
        raise
    except ValueError as error:
        raise ProvisioningError("op", str(error)) from None


def _hex(key: str, text: str) -> bytes:
    """Octets of a key. What was found is not repeated: it may be a secret with one digit wrong."""
    text = table.hexadecimal(text)
    if not HEX.fullmatch(text) or len(text) % 2 or not text:
        raise ProvisioningError(
            key, f"found {len(text)} characters, wanted an even number of hexadecimal digits"
        )
    return bytes.fromhex(text)


class ImportFault(ValueError):
    """A CSV file that cannot be imported: file, line, column, what was found, what is wanted."""


def read_csv(path: Path) -> list[Subscriber]:
    """All subscribers of a CSV file with a header line. ImportFault at the first fault."""
    lines: dict[Supi, int] = {}
    made = []
    try:
        for row in table.read(path):
            try:
                subscriber = parse(row.cells)
            except ProvisioningError as error:
                raise ImportFault(f"{path}:{row.line}: {error}") from None
            first = lines.setdefault(subscriber.supi, row.line)
            if first != row.line:
                raise ImportFault(f"{path}:{row.line}: imsi: already on line {first}")
            made.append(subscriber)
    except OSError as error:
        raise ImportFault(f"{path}: {error.strerror or error}") from None
    except table.TableError as error:
        raise ImportFault(str(error)) from None
    return made
