"""The SEPP of a network put together: N32 over TLS with each partner's own trust anchors, and its port inside."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.verification import PolicyBuilder, VerificationError
from cryptography.x509.verification import Store as Anchors

from cinq import functions
from cinq.nf.sepp import SEPP, Partner
from cinq.procedure import Clock, Journal
from cinq.procedure.store import Store
from cinq.sbi import tls
from cinq.sbi.message import Request, Response
from cinq.sbi.peers import Peers
from cinq.settings.network import NetworkSettings
from cinq.settings.roaming import RoamingPartner
from cinq.transport.error import TransportError
from cinq.transport.http2 import Http2Peer, Limits, Secured, serve
from cinq.transport.tls_exporter import ExportingContext, one_for_each

C = TypeVar("C", bound=ssl.SSLContext)
REMEMBERED = 64  # certificates whose partner is known
FEW = Limits(streams=1024, control=2000)  # a SEPP brings the requests of a whole network


class Trust:
    """Whose SEPP a certificate is for: its name is that partner's, and that partner's authority has signed it.

    An authority of one partner can so make no certificate for another (TS 33.501 §13.1, TS 33.310 §6.1.3c).
    TransportError: a file cannot be read.
    """

    def __init__(self, partners: tuple[RoamingPartner, ...], clock: Clock) -> None:
        self._clock = clock
        self._anchors = {one.name: (one.fqdn, _anchors(one.authorities)) for one in partners}
        self._hops = {
            one.name: (one.next_hop_name, _anchors(one.next_hop_authorities))
            for one in partners
            if one.next_hop
        }
        self._found: dict[bytes, tuple[str | None, list[str]]] = {}

    def partner_of(self, peer: Secured) -> str | None:
        """None: nobody's."""
        return self._known(peer)[0]

    def behind(self, peer: Secured) -> list[str]:
        """The partners that are reached through an IPX whose certificate this is."""
        return self._known(peer)[1]

    def _known(self, peer: Secured) -> tuple[str | None, list[str]]:
        if peer.certificate not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            partners = self._look(peer, self._anchors)
            self._found[peer.certificate] = next(iter(partners), None), self._look(peer, self._hops)
        return self._found[peer.certificate]

    def _look(self, peer: Secured, known: Mapping[str, tuple[str, Anchors]]) -> list[str]:
        try:
            shown = x509.load_der_x509_certificate(peer.certificate)
        except ValueError:
            return []
        at = datetime.fromtimestamp(self._clock.now(), UTC).replace(tzinfo=None)
        names = {name.lower() for name in peer.names}
        found = []
        for partner, (fqdn, anchors) in known.items():
            if fqdn not in names:
                continue
            try:
                PolicyBuilder().store(anchors).time(at).build_client_verifier().verify(shown, [])
            except VerificationError:
                continue
            found.append(partner)
        return found


def _anchors(file: str) -> Anchors:
    try:
        return Anchors(x509.load_pem_x509_certificates(Path(file).read_bytes()))
    except (OSError, ValueError) as error:
        raise TransportError(f"{file}: authorities of an N32 partner: {error}") from error


def _keys(partners: tuple[RoamingPartner, ...]) -> dict[str, bytes]:
    """Public keys of IPX providers, by file. TransportError: it holds none."""
    found = {}
    for file in (each.key for one in partners for each in one.ipx):
        try:
            found[file] = Path(file).read_bytes()
            key = serialization.load_pem_public_key(found[file])
        except (OSError, ValueError) as error:
            raise TransportError(f"{file}: {error}") from error
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise TransportError(f"{file}: wanted a public key of P-256")
    return found


class Interconnection:
    """`open` builds it; `undo` of the caller takes it down."""

    def __init__(self, settings: NetworkSettings, clock: Clock) -> None:
        self._settings = settings
        self._trust = Trust(settings.roaming_partner, clock)
        self._peers = {one.name: _peer(settings, one) for one in settings.roaming_partner}
        self._hops = {one.name: _hop(settings, one) for one in settings.roaming_partner if one.next_hop}
        self._inside = Peers()
        self._partners: dict[str, Partner] = {}
        self.sepp: SEPP

    @classmethod
    async def open(
        cls,
        settings: NetworkSettings,
        store: Store,
        clock: Clock,
        journal: Journal,
        instance: str,
        undo: AsyncExitStack,
    ) -> Interconnection:
        """TransportError, OSError: certificates, or a port that is taken."""
        made = cls(settings, clock)
        own = functions.of_the_sepp(settings, _keys(settings.roaming_partner))
        made._partners = {one.name: one for one in own.partners}
        made.sepp = SEPP(own, made, made._to_ours, store, clock, os.urandom, journal, instance)
        s, sbi = settings.sepp, settings.sbi
        inward = tls.mutual(sbi.certificate, sbi.key, sbi.authorities, server=True) if sbi.key else None
        if sbi.key:
            made._inside.tls = tls.mutual(sbi.certificate, sbi.key, sbi.authorities, server=False)
        undo.push_async_callback(made._close)
        outside = await serve(
            str(s.n32_address), s.n32_port, made._from_n32, tls=_server_context(settings), limits=FEW
        )
        undo.push_async_callback(outside.close)
        inside = await serve(str(sbi.address), s.sbi_port, made.sepp.from_inside, tls=inward, limits=FEW)
        undo.push_async_callback(inside.close)
        return made

    async def _close(self) -> None:
        for peer in (*self._peers.values(), *self._hops.values()):
            await peer.close()
        await self._inside.close()

    async def _from_n32(self, request: Request, peer: Secured) -> Response:
        """What nobody's SEPP sends is not looked at."""
        partner = self._trust.partner_of(peer)
        if partner is None:
            hop = self._trust.behind(peer)
            return await self.sepp.from_a_hop(request, hop) if hop else Response(403)
        return await self.sepp.from_n32(request, peer, self._partners[partner])

    async def send(self, partner: str, request: Request, within: float) -> Response:
        return await self._peers[partner].send(request, within=within)

    async def forward(self, partner: str, request: Request, within: float) -> Response:
        hop = self._hops.get(partner, self._peers[partner])
        return await hop.send(request, within=within)

    async def renew(self, partner: str) -> None:
        await self._peers[partner].close()
        found = next(one for one in self._settings.roaming_partner if one.name == partner)
        self._peers[partner] = _peer(self._settings, found)

    def exported(self, partner: str) -> tuple[bytes, str]:
        secured = self._peers[partner].secured
        return (b"", "") if secured is None else secured.exporter

    async def _to_ours(self, root: str, request: Request, within: float) -> Response:
        return await self._inside.send(root, request, within)


def _peer(settings: NetworkSettings, partner: RoamingPartner) -> Http2Peer:
    """It must show a certificate for its name, by its own authority."""
    s = settings.sepp
    kind = ExportingContext if partner.security == "prins" else ssl.SSLContext
    context = tls.mutual_of(kind, s.certificate, s.key, partner.authorities, server=False)
    if isinstance(context, ExportingContext):
        context.begin()
    return Http2Peer(
        partner.address, partner.port, tls=context, authority=f"{partner.fqdn}:{partner.port}", limits=FEW
    )


def _hop(settings: NetworkSettings, partner: RoamingPartner) -> Http2Peer:
    """Our IPX on the way to the partner."""
    s, (host, _, port) = settings.sepp, partner.next_hop.rpartition(":")
    context = tls.mutual(s.certificate, s.key, partner.next_hop_authorities, server=False)
    name = f"{partner.next_hop_name}:{port}"
    return Http2Peer(host, int(port), tls=context, authority=name, limits=FEW)


def _server_context(settings: NetworkSettings) -> ssl.SSLContext:
    """Of TLS every partner's authority is good enough; whose the certificate is, Trust says. With PRINS each connection
    has a context of its own, of which keys can be had."""
    if not any(one.security == "prins" for one in settings.roaming_partner):
        return _server_context_of(ssl.SSLContext, settings)
    context = _server_context_of(ssl.SSLContext, settings)
    one_for_each(context, lambda: _server_context_of(ExportingContext, settings))
    return context


def _server_context_of(kind: type[C], settings: NetworkSettings) -> C:
    s = settings.sepp
    context = tls.mutual_of(kind, s.certificate, s.key, settings.roaming_partner[0].authorities, server=True)
    for one in settings.roaming_partner:
        context.load_verify_locations(one.authorities)
        if one.next_hop:
            context.load_verify_locations(one.next_hop_authorities)
    return context
