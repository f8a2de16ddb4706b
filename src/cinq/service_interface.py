"""The service-based interface of a process, composed: the bus, the wire, access tokens, and the server for others."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from cinq.procedure import Clock, Journal
from cinq.sbi import Bus, Problem, checked, direct, http, producers, tls
from cinq.sbi.abroad import Abroad
from cinq.sbi.assertion import Asserter, Assertions
from cinq.sbi.caller import URN
from cinq.sbi.credentials import Credentials
from cinq.sbi.directory import Discovery, StatusListener
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.indirect import Asserts, Indirect
from cinq.sbi.models import PlmnId
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.operation import Operation
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root, reachable
from cinq.sbi.services.nnrf import NfStatusCallback, NnrfNFManagement, SubscrCond, SubscriptionData
from cinq.sbi.token import TrustedKeys
from cinq.settings.network import NetworkSettings
from cinq.settings.service_based import OWN
from cinq.transport.error import TransportError

TOKEN_KEY = "nrf-token.pem"
PRODUCERS = ("AMF", "AUSF", "UDM", "UDR", "SMF", "PCF", "NSSF", "BSF", "CHF", "5G_EIR", "NEF")
"""NF types that functions here call."""


def token_key(s: NetworkSettings) -> Path:
    """The file with which the NRF signs access tokens."""
    return Path(s.nrf.token_key) if s.nrf.token_key else s.state.folder / TOKEN_KEY


def _nothing(nf_types: tuple[str, ...]) -> str:
    return ""  # there is no certificate to sign for


class ServiceInterface:
    """identities: NF type -> instance of the functions of this process. nrf_instance: of the NRF, wherever it is;
    scp_instance, sepp_instance: of SCP and SEPP.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        journal: Journal,
        clock: Clock,
        identities: Mapping[str, str],
        nrf_instance: str,
        scp_instance: str = "",
        sepp_instance: str = "",
    ) -> None:
        self._settings = settings
        self._scp_instance = scp_instance
        self._clock = clock
        self._identities = identities
        self._sepps = frozenset((sepp_instance,)) if settings.roaming_partner else frozenset()
        self._profiles: dict[str, NFProfile] = {}
        self._undo = AsyncExitStack()
        self._peers: Peers | None = None
        self._mark = ""
        self.relay: producers.Relay | None = None
        """Of an SCP, set before it opens."""
        sbi = settings.sbi
        root = self.api_root if sbi.on_the_wire else ""
        within = checked if sbi.transport == "checked" else direct
        if not sbi.on_the_wire:
            self.bus = Bus(within, journal)
            return
        self._peers = Peers()
        abroad = self._abroad()
        self._discovery = Discovery(sbi.nrf or root, nrf_instance, identities, clock, abroad)
        wire = http.OverHttp(self._discovery, self._peers, own=root, abroad=abroad)
        self.bus = self._discovery.bus = Bus(within, journal, wire, root, remote=sbi.transport == "http2")
        self._mark = wire.mark
        self._go_through_an_scp(wire)
        if sbi.access_tokens:
            plmn, scopes = settings.network.plmn, sbi.operation_scopes
            wire.authority = Credentials(self.bus, identities, clock, operation_scopes=scopes, plmn=plmn)

    def _abroad(self) -> Abroad | None:
        """Other networks, by way of our SEPP."""
        s = self._settings
        if not s.roaming_partner:
            return None
        sepp = api_root(str(s.sbi.address), s.sepp.sbi_port, tls=bool(s.sbi.key))
        return Abroad(s.plmns, s.partner_plmns, sepp)

    @property
    def api_root(self) -> str:
        sbi = self._settings.sbi
        return api_root(str(sbi.address), sbi.port, tls=bool(sbi.key))

    @property
    def peers(self) -> Peers:
        """By which requests leave. Where it is on the wire."""
        assert self._peers is not None
        return self._peers

    def _go_through_an_scp(self, wire: http.OverHttp) -> None:
        """Unless this is it."""
        sbi = self._settings.sbi
        if not sbi.scp or sbi.scp == OWN["scp"] or "SCP" in self._identities:
            return
        asserts: Asserts = _nothing
        if sbi.key:
            own = next(iter(self._identities.values()), "")
            asserts = Asserter(Path(sbi.certificate), Path(sbi.key), own, self._clock)
        wire.indirect = Indirect(sbi.scp, self._identities, sbi.delegated_discovery, asserts)

    async def open(self) -> None:
        """Takes requests and lets them out, where it is on the wire. TransportError: what is in the way."""
        sbi = self._settings.sbi
        if not sbi.on_the_wire:
            return
        self._look_at_the_certificate()
        server = await producers.offer(
            self.bus,
            str(sbi.address),
            sbi.port,
            self._tls(server=True),
            self._mark,
            self._guard(),
            self._assertions(),
            self.relay,
        )
        self._undo.push_async_callback(server.close)
        if self._peers is not None:
            self._peers.tls = self._tls(server=False)
            self._undo.push_async_callback(self._peers.close)

    async def close(self) -> None:
        await self._undo.aclose()

    def serve(self, services: list[tuple[type, object]], profile: NFProfile) -> NFProfile:
        """Offers the services; the profile says where they are reached, where they are on the wire."""
        sbi = self._settings.sbi
        for service, implementation in services:
            self.bus.serve(service, implementation, profile.nf_instance_id)
        if sbi.on_the_wire:
            offered = [service for service, _ in services]
            profile = reachable(
                profile,
                offered,
                str(sbi.address),
                sbi.port,
                tls=bool(sbi.key),
                tokens=sbi.access_tokens,
                operation_scopes=sbi.operation_scopes,
            )
        self._profiles[profile.nf_instance_id] = profile
        return profile

    async def hear_of_others(self) -> None:
        """NFStatusSubscribe: what was found at the NRF is asked for again when it changes. Problem: not now."""
        if not self.bus.remote or not self._profiles:
            return
        listener = StatusListener(self._discovery)
        first = next(iter(self._profiles.values()))
        reference = secrets.token_hex(8)
        self.bus.serve(NfStatusCallback, listener, first.nf_instance_id)
        wanted = SubscriptionData(
            nf_status_notification_uri=self.bus.uri(f"/nf-status-callback/v1/{reference}"),
            req_nf_type=first.nf_type,
            req_nf_instance_id=first.nf_instance_id,
        )
        listener.references.add(reference)
        nrf = self.bus.client(NnrfNFManagement, first.nf_type)
        try:
            await nrf.subscribe(wanted)
        except Problem as problem:
            if problem.status != 400:
                raise
            for (
                nf_type
            ) in PRODUCERS:  # an NRF that wants a condition, which TS 29.510 §6.1.6.2.16 leaves open
                condition = SubscrCond(nf_type=nf_type)
                await nrf.subscribe(msgspec.structs.replace(wanted, subscr_cond=condition))

    def _guard(self) -> Guard | None:
        s = self._settings
        if not s.sbi.access_tokens:
            return None
        public = token_key(s)
        path = (
            Path(s.sbi.token_authority) if s.sbi.token_authority else public.with_name(public.name + ".pub")
        )
        return Guard(
            TrustedKeys((path,)),
            self._clock,
            self._producer,
            operation_scopes=s.sbi.operation_scopes,
            sepps=self._sepps,
            plmns=frozenset(map(PlmnId.of, s.plmns)),
        )

    def _assertions(self) -> Assertions | None:
        sbi = self._settings.sbi
        if not sbi.key:
            return None
        relays = frozenset((sbi.scp_instance.lower() or self._scp_instance,)) if sbi.scp else frozenset[str]()
        return Assertions(Path(sbi.authorities), self._clock, relays)

    def _producer(self, op: Operation) -> Producer:
        """Whom a token for this operation must be for."""
        instances = self.bus.providers(op)
        profile = self._profiles.get(instances[0]) if instances else None
        if profile is None:
            return Producer(op.owner, frozenset(instances))
        return Producer(
            op.owner,
            frozenset(instances),
            tuple(profile.s_nssais),
            tuple(profile.nf_set_id_list),
            tuple(profile.nsi_list),
        )

    def _tls(self, *, server: bool) -> ssl.SSLContext | None:
        sbi = self._settings.sbi
        return tls.mutual(sbi.certificate, sbi.key, sbi.authorities, server=server) if sbi.key else None

    def _look_at_the_certificate(self) -> None:
        """With tokens, a function is who its certificate says: TS 33.310 §6.1.3c. TransportError names who misses."""
        sbi = self._settings.sbi
        if not sbi.key or not sbi.access_tokens:
            return
        shown = {name.lower() for name in tls.uris(sbi.certificate)}
        missing = [f"{URN}{each}" for each in self._identities.values() if f"{URN}{each}" not in shown]
        if missing:
            raise TransportError(
                f"TLS: {sbi.certificate} does not name {len(missing)} of the NF instances that it is for",
                f"put these URIs into its subjectAltName: {', '.join(missing)}",
            )
