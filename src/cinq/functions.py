"""The settings of each network function, out of those of the network."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from ipaddress import IPv4Address, IPv6Address
from zoneinfo import ZoneInfo

from cinq.eligibility import approval, documents
from cinq.eligibility.gate import Gate
from cinq.nf import amf, chf, eir, nef, nrf, nssf, pcf, scp, sepp, smf, udm, upf
from cinq.nf.chf.tariff import NANO
from cinq.nf.udr import policies
from cinq.numbering import AmfId, PlmnId, SNssai, Tai
from cinq.operator_identifier import network_identifier
from cinq.procedure import Clock
from cinq.sbi.models import Ambr, bit_rate
from cinq.sbi.reach import api_root
from cinq.sbi.services.nchf_convergedcharging import FailureHandling
from cinq.sbi.services.nudr_policy import SessionPolicy
from cinq.settings.access import AccessCategory, Radio
from cinq.settings.charging import DAYS, Counter, Limit, Rate, Tariff, amount, price
from cinq.settings.exposure import QosProfile
from cinq.settings.ipsec import Ipsec
from cinq.settings.network import DataNetwork, NetworkSettings
from cinq.settings.tariffs import tariffs_of
from cinq.settings.upf import UpfSettings
from cinq.settings.user_plane import Upf, UserPlane
from cinq.userplane.rules import PlaneSettings, Protected, Role, Way
from cinq.wire import nas
from cinq.wire.strings import printable

log = logging.getLogger("cinq.network")

PROFILES = {"A": 1, "B": 2}
RADIO: dict[Radio, int] = {"none": 0, "nr": 1, "eutra": 2, "both": 3}
SCTP, UDP = 132, 17
UPF_HEARTBEAT_S = 20.0


def of_the_amf(s: NetworkSettings) -> amf.Settings:
    name = printable(s.network.name)
    return amf.Settings(
        plmn=s.network.plmn,
        tais=_tais(s.network.plmn, s.network.tacs),
        shared=_shared(s),
        equivalent_plmns=s.network.equivalent_plmns,
        partners=_inbound(s),
        roams=bool(s.roaming_partner),
        amf_id=AmfId(s.amf.region, s.amf.set, s.amf.pointer),
        name=name,
        extended_name=s.network.name if s.network.name != name else "",
        full_name=s.network.full_name,
        short_name=s.network.short_name,
        time_zone=ZoneInfo(s.network.time_zone) if s.network.time_zone else None,
        slices=s.network.slices,
        integrity=_numbers(s.amf.integrity),
        ciphering=_numbers(s.amf.ciphering),
        relative_capacity=s.amf.relative_capacity,
        ng_setup_within_s=s.amf.ng_setup_within_s,
        t3512_s=s.amf.t3512_s,
        t3502_s=s.amf.t3502_s,
        t3346_s=s.amf.t3346_s,
        registration_area=s.amf.registration_area,
        tracking_area_groups=_groups(s),
        allowed_tacs=s.amf.allowed_tacs,
        non_allowed_tacs=s.amf.non_allowed_tacs,
        forbidden_tacs=s.amf.forbidden_tacs,
        features=_features(s),
        mico=s.amf.mico,
        new_kamf_at_handover=s.amf.new_kamf_at_handover,
        accept_any_order=s.amf.accept_any_order,
        access_categories=tuple(_access_category(one) for one in s.amf.access_category),
        edrx=s.amf.edrx,
        reroutes=bool(s.amf_set),
        equipment_check=s.eir.check,
        drain_s=s.eligibility.grace_s,
        move_after_s=s.eligibility.move_after_s,
        ladns=_ladns(s),
    )


def _features(s: NetworkSettings) -> nas.NetworkFeatureSupport:
    return nas.NetworkFeatureSupport.of(
        ims_vops_3gpp=s.amf.ims_voice,
        emergency=RADIO[s.amf.emergency],
        emergency_fallback=RADIO[s.amf.emergency_fallback],
    )


def _numbers(algorithms: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(name[-1]) for name in algorithms)


def _groups(s: NetworkSettings) -> tuple[tuple[int, ...], ...]:
    return tuple(group.tacs for group in s.amf.tracking_area_group)


def _ladns(s: NetworkSettings) -> tuple[amf.Ladn, ...]:
    return tuple(amf.Ladn(d.identifier, d.ladn_tacs) for d in s.dnn if d.ladn_tacs)


def _inbound(s: NetworkSettings) -> tuple[PlmnId, ...]:
    """Whose subscribers may register here."""
    return tuple(plmn for one in s.roaming_partner if one.inbound for plmn in one.plmns)


def of_the_nrf(s: NetworkSettings, sepp_instance: str = "") -> nrf.Settings:
    return nrf.Settings(
        s.nrf.heart_beat_timer_s,
        access_token_s=s.nrf.access_token_s,
        plmns=s.plmns,
        partners=s.partner_plmns,
        sepp=sepp_instance,
    )


def of_the_sepp(s: NetworkSettings, keys: Mapping[str, bytes]) -> sepp.Settings:
    """keys: PEM of the public keys of IPX providers, by the file that the settings name."""
    partners = tuple(
        sepp.Partner(
            name=one.name,
            plmns=one.plmns,
            sepp=one.fqdn,
            services=frozenset(one.services),
            requests_per_s=float(one.requests_per_s),
            security="PRINS" if one.security == "prins" else "TLS",
            ipxes=tuple(sepp.Ipx(each.name, keys[each.key], each.may_change) for each in one.ipx),
            ipx=one.next_hop_name or sepp.NO_IPX,
        )
        for one in s.roaming_partner
    )
    nrf_root = s.sbi.nrf or api_root(str(s.sbi.address), s.sbi.port, tls=bool(s.sbi.key))
    return sepp.Settings(s.sepp_fqdn, s.plmns, partners, nrf_root)


def of_the_gate(s: NetworkSettings, clock: Clock, own: frozenset[str]) -> Gate:
    """Whom policies keep out. own: NF instances and N4 addresses of this core. DocumentError, ApprovalError: the files
    do not hold, or nobody has signed for what they are to do."""
    chosen = s.eligibility
    keys = approval.approvers(chosen.approvers)
    found = []
    for path in chosen.policy:
        document = documents.policy(path)
        approval.require(document, path, chosen.modes, keys)
        doors = ", ".join(f"{point} = {mode}" for point, mode in chosen.modes.items())
        log.info("eligibility: policy %s version %d: %s", document.policy.id, document.policy.version, doors)
        found.append(document)
    stock = documents.Stock() if chosen.inventory is None else documents.stock(chosen.inventory)
    if chosen.inventory is not None:
        approval.require_inventory(stock, chosen.inventory, chosen.modes, keys)
    seen = () if chosen.observed is None else documents.observations(chosen.observed)
    zone = zone_of(s)
    return Gate(
        found, stock, chosen.modes, lambda: datetime.fromtimestamp(clock.now(), zone).date(), own, seen
    )


def addresses(s: NetworkSettings, own_upf: bool) -> dict[str, str]:
    """What frames in a capture of the event stream come from. A wildcard is no address. own_upf: it runs here."""
    given: dict[str, IPv4Address | IPv6Address] = {"AMF": s.amf.n2_address, "SMF": s.smf.n4_address}
    if own_upf:
        given |= {"UPF": s.upf.n4_address, "UPF N3": s.upf.n3_address}
        given |= {} if s.upf.n3_ipv6_address is None else {"UPF N3 IPv6": s.upf.n3_ipv6_address}
    return {name: str(address) for name, address in given.items() if not address.is_unspecified}


def zone_of(s: NetworkSettings) -> tzinfo:
    """Where the network's days begin."""
    return ZoneInfo(s.network.time_zone) if s.network.time_zone else UTC


def of_the_eir(s: NetworkSettings) -> eir.Settings:
    return eir.Settings(s.eir.unlisted)


def _access_category(s: AccessCategory) -> nas.AccessCategory:
    return nas.AccessCategory(s.precedence, s.number, s.dnns, slices=s.slices, standardized=s.standardized)


def of_the_pcf(s: NetworkSettings) -> pcf.Settings:
    return pcf.Settings(
        rules=tuple(policies.element(rule) for rule in s.policy),
        ue_five_qis=s.pcf.ue_five_qis,
        ue_max_gbr_bps=s.pcf.ue_max_gbr,
        qos_references={one.name: _qos_reference(one) for one in s.qos_profile},
        limits=tuple(_limit(one) for one in s.limit),
    )


def _qos_reference(s: QosProfile) -> pcf.QosReference:
    return pcf.QosReference(
        s.five_qi,
        _bit_rate(s.mbr_uplink or s.gbr_uplink),
        _bit_rate(s.mbr_downlink or s.gbr_downlink),
        _bit_rate(s.gbr_uplink),
        _bit_rate(s.gbr_downlink),
        s.arp,
    )


def _bit_rate(bps: int) -> str | None:
    return bit_rate(bps) if bps else None


def _limit(s: Limit) -> pcf.Limit:
    up, down = s.session_ambr_uplink, s.session_ambr_downlink
    element = SessionPolicy(
        dnn=network_identifier(s.dnn) if s.dnn else None,
        sess_ambr=Ambr(uplink=bit_rate(up), downlink=bit_rate(down)) if up else None,
        denied=s.denied,
    )
    return pcf.Limit(s.counter, s.status, element)


def _tais(plmn: PlmnId, tacs: tuple[int, ...]) -> tuple[Tai, ...]:
    return tuple(Tai(plmn, tac) for tac in tacs)


def _shared(s: NetworkSettings) -> tuple[amf.ServedPlmn, ...]:
    """What a shared PLMN does not say is as in the network."""
    return tuple(
        amf.ServedPlmn(one.plmn, _tais(one.plmn, one.tacs or s.network.tacs), one.slices or s.network.slices)
        for one in s.network.shared
    )


def of_the_smf(s: NetworkSettings, mtu: int) -> smf.Settings:
    """mtu: of the data plane; no UE is told more."""
    return smf.Settings(
        plmn=s.network.plmn,
        plmns=s.plmns,
        partners=_inbound(s),
        node_id=s.smf.n4_address,
        user_planes=(*_own_user_plane(s), *map(_user_plane, s.user_plane)),
        data_networks=tuple(
            smf.DataNetwork(
                name=d.identifier,
                pool=d.pool,
                ipv6_pool=next(iter(d.ipv6_pool), None),
                ipv6_dns=d.ipv6_dns,
                dns=d.dns,
                p_cscf=d.p_cscf,
                mtu=min(d.mtu, mtu),
                slices=d.slices or slices_of(s),
                ambr_uplink_bps=d.session_ambr_uplink,
                ambr_downlink_bps=d.session_ambr_downlink,
                five_qi=d.five_qi,
                arp=d.arp,
                always_on=d.always_on,
                up_integrity=d.up_integrity,
                up_ciphering=d.up_ciphering,
                ladn_tacs=d.ladn_tacs,
                rating_group=d.rating_group,
                ethernet=bool(d.ethernet_interface),
            )
            for d in s.dnn
        ),
        charging=smf.Charging(s.charging.on, s.charging.without_chf == "continue"),
    )


def of_the_chf(s: NetworkSettings) -> chf.Settings:
    """SettingsError: a tariff file that cannot be used."""
    tariffs, rates = tariffs_of(s)
    return chf.Settings(
        tariffs=tuple(tariff_of(one, rates) for one in tariffs),
        without_account=s.charging.without_account,
        tariff=s.charging.tariff,
        plmns=tuple(str(plmn) for plmn in s.plmns),
        partners={str(one.plmn): one.tariff for one in s.partner},
        immediate=s.charging.report,
        failure=FAILURES[s.charging.without_chf],
        counters=tuple(_counter(one) for one in s.counter),
    )


FAILURES: dict[str, FailureHandling] = {"refuse": "RETRY_AND_TERMINATE", "continue": "CONTINUE"}
ROUNDINGS = {"half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP, "up": ROUND_UP, "down": ROUND_DOWN}


def _counter(s: Counter) -> chf.Counter:
    statuses = tuple((Decimal(at), name) for at, name in zip(s.above, s.statuses, strict=True))
    return chf.Counter(s.name, s.below, statuses)


def tariff_of(s: Tariff, rates: Iterable[Rate]) -> chf.Tariff:
    quota, kind = amount("quota", s.quota)
    return chf.Tariff(
        name=s.name,
        currency=s.currency,
        rates=tuple(_rate(one) for one in rates if one.tariff == s.name),
        zone=ZoneInfo(s.time_zone) if s.time_zone else UTC,
        quota=quota if kind == "octets" else chf.Tariff.QUOTA,
        quota_s=quota if kind == "seconds" else chf.Tariff.QUOTA_S,
        quota_events=quota if kind == "events" else chf.Tariff.QUOTA_EVENTS,
        validity_s=s.validity_s,
        holds_idle_s=s.idle_s,
        step=price("round_to", s.round_to) if s.round_to else NANO,
        rounding=ROUNDINGS[s.rounding],
        last=chf.Last(s.used_up, s.allowed, s.redirect_to),
    )


def _rate(s: Rate) -> chf.Rate:
    per, kind = amount("per", s.per)
    return chf.Rate(
        price=price("price", s.price),
        per=per,
        timed=kind == "seconds",
        rating_group=s.rating_group,
        days=frozenset(DAYS.index(day) for day in s.days),
        begins=_second(s.begins),
        ends=_second(s.ends),
        block=amount("block", s.block)[0] if s.block else 1,
        events=kind == "events",
    )


def _second(time_of_day: str) -> int:
    hour, _, minute = time_of_day.partition(":")
    return int(hour) * 3600 + int(minute) * 60


def _own_user_plane(s: NetworkSettings) -> tuple[smf.UserPlane, ...]:
    n3 = s.upf.n3
    loopback = s.upf.n3_address.is_loopback
    versions = n3.ipv4 is not None, n3.ipv6 is not None
    return (smf.UserPlane(s.upf.n4_address, s.upf.n4_port, loopback, *versions),) if s.upf.start else ()


def _user_plane(u: UserPlane) -> smf.UserPlane:
    return smf.UserPlane(
        address=u.n4_address,
        port=u.n4_port,
        loopback=u.n3_loopback,
        n3_ipv4=u.n3_ipv4,
        n3_ipv6=u.n3_ipv6,
        dnns=u.identifiers,
        slices=u.slices,
        tacs=u.tacs,
        capacity=u.capacity,
        anchors=u.anchors,
        links=u.linked_to,
        dnais=u.dnais,
    )


def slices_of(s: NetworkSettings) -> tuple[SNssai, ...]:
    """The slices of all PLMNs."""
    return tuple(dict.fromkeys((*s.network.slices, *(x for one in s.network.shared for x in one.slices))))


def of_the_upf(s: NetworkSettings, *, apart: bool = False) -> upf.Settings:
    """apart: its SMF is another process, which may have begun before: the UPF does not wait until it is asked again."""
    made = _upf(s.upf, s.dnn, (s.smf.n4_address, *s.upf.smf_addresses))
    return replace(made, heartbeat_s=UPF_HEARTBEAT_S, associates=True) if apart else made


def of_a_upf(s: UpfSettings) -> upf.Settings:
    """Of a UPF in a process of its own, which looks whether its SMFs are there."""
    alone = _upf(s.upf, s.dnn, s.upf.smf_addresses)
    return replace(
        alone,
        heartbeat_s=float(s.node.heartbeat_s),
        associates=s.node.associates,
        grace_s=float(s.node.grace_s),
    )


def _upf(u: Upf, dnns: tuple[DataNetwork, ...], smfs: tuple[IPv4Address, ...]) -> upf.Settings:
    return upf.Settings(
        node_id=u.n4_address,
        n3=u.n3,
        ue_pools=tuple(d.pool for d in dnns),
        prefixes=tuple(upf.Prefixes(pool, d.mtu, d.ipv6_dns) for d in dnns for pool in d.ipv6_pool),
        smf_addresses=smfs,
        gnb_networks=u.gnb_networks,
        links=tuple(d.identifier for d in dnns if d.ethernet_interface),
        max_sessions=u.max_sessions,
    )


def instance_of(name: str) -> str:
    """Before the names of interfaces and tables, at most 8 characters: each network of a host has its own."""
    return name if name == "cinq" else f"cinq{hashlib.sha256(name.encode()).hexdigest()[:4]}"


def of_the_plane(s: NetworkSettings) -> PlaneSettings:
    control = (
        Protected(s.amf.n2_address, SCTP, s.amf.n2_port),
        Protected(s.smf.n4_address, UDP, s.smf.n4_port),
    )
    return _plane(s.upf, s.dnn, instance_of(s.network.name), control, s.ipsec)


def of_a_plane(s: UpfSettings) -> PlaneSettings:
    """Of a UPF in a process of its own: its SMFs are out of UEs' reach whole."""
    own = _plane(s.upf, s.dnn, instance_of(s.node.name), tuple(map(Protected, s.upf.smf_addresses)), s.ipsec)
    return replace(own, pins=s.node.bpf_folder) if s.node.survives else own


def _plane(
    u: Upf, dnns: tuple[DataNetwork, ...], instance: str, control: tuple[Protected, ...], ipsec: Ipsec
) -> PlaneSettings:
    shared = [d for d in dnns if not d.n6_interface]
    return PlaneSettings(
        role=Role.UPF,
        instance=instance,
        n3_address=u.n3_address,
        n3_ipv6=u.n3_ipv6_address,
        n6_interface=u.n6_interface,
        n9_interface=u.n9_interface,
        ue_pools=tuple(d.pool for d in dnns),
        ue_prefixes=tuple(pool for d in dnns for pool in d.ipv6_pool),
        protected=(*control, Protected(u.n4_address, UDP, u.n4_port)),
        protected_networks=(*u.protect, *u.ipv6_protect),
        ue_to_ue=u.ue_to_ue,
        reach_host=u.reach_host,
        n3_mtu=u.n3_mtu,
        max_sessions=u.max_sessions,
        nat=any(d.nat for d in shared),
        nat_pools=tuple(pool for d in shared if d.nat for pool in d.pools),
        ways=tuple(
            Way(d.pools, d.n6_interface, d.n6_gateway, d.n6_ipv6_gateway, d.nat)
            for d in dnns
            if d.n6_interface
        ),
        plane=u.data_plane,
        n3_ipsec="n3" in ipsec.required,
        links=tuple((d.identifier, d.ethernet_interface) for d in dnns if d.ethernet_interface),
    )


def of_the_udm(s: NetworkSettings) -> udm.Settings:
    keys = tuple(udm.HomeNetworkKey(k.id, PROFILES[k.profile], k.private_key) for k in s.home_network_key)
    abroad = tuple(plmn for one in s.roaming_partner if one.outbound for plmn in one.plmns)
    return udm.Settings(
        s.network.plmn, keys, also=s.plmns[1:], partners=abroad, roams=bool(s.roaming_partner)
    )


def of_the_nef(s: NetworkSettings) -> nef.Settings:
    return nef.Settings(
        tuple(nef.Application(one.id, one.secret, one.apis, one.notify) for one in s.af),
        tuple(nef.Profile(one.name, one.longest_s) for one in s.qos_profile),
        s.nef.access_token_s,
    )


def of_the_scp(s: NetworkSettings, nrf_instance: str, own: str) -> scp.Settings:
    """own: its instance, by which its name differs from that of another (TS 23.003 §28.3.2)."""
    plmn, sbi = s.network.plmn, s.sbi
    return scp.Settings(
        nrf=sbi.nrf,
        nrf_instance=nrf_instance,
        fqdn=f"{own}.scp.5gc.mnc{plmn.mnc.zfill(3)}.mcc{plmn.mcc}.3gppnetwork.org",
        scheme="https" if sbi.key else "http",
        port=sbi.port,
        tokens=sbi.access_tokens,
    )


def of_the_nssf(s: NetworkSettings) -> nssf.Settings:
    plmn, region = s.network.plmn, s.amf.region
    return nssf.Settings(
        slices_of(s),
        tuple((f"{plmn.mcc}-{plmn.mnc}-{region:02x}-{one.set:03x}", one.slices) for one in s.amf_set),
    )
