"""The SEPP of a network put together: N32 over TLS with each partner's own trust anchors, and its port inside."""

from __future__ import annotations

import os
import ssl
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
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

REMEMBERED = 64  # certificates whose partner is known
FEW = Limits(streams=1024, control=2000)  # a SEPP brings the requests of a whole network


class Trust:
    """Whose SEPP a certificate is for: its name is that partner's, and that partner's authority has signed it.

    An authority of one partner can so make no certificate for another (TS 33.501 §13.1, TS 33.310 §6.1.3c).
    TransportError: a file cannot be read.
    """

    def __init__(self, partners: tuple[RoamingPartner, ...], clock: Clock) -> None:
        self._clock = clock
        self._anchors = {one.name: (one.fqdn, _anchors(one)) for one in partners}
        self._found: dict[bytes, str | None] = {}

    def partner_of(self, peer: Secured) -> str | None:
        """None: nobody's."""
        if peer.certificate not in self._found:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            self._found[peer.certificate] = self._look(peer)
        return self._found[peer.certificate]

    def _look(self, peer: Secured) -> str | None:
        try:
            shown = x509.load_der_x509_certificate(peer.certificate)
        except ValueError:
            return None
        at = datetime.fromtimestamp(self._clock.now(), UTC).replace(tzinfo=None)
        names = {name.lower() for name in peer.names}
        for partner, (fqdn, anchors) in self._anchors.items():
            if fqdn not in names:
                continue
            try:
                PolicyBuilder().store(anchors).time(at).build_client_verifier().verify(shown, [])
            except VerificationError:
                continue
            return partner
        return None


def _anchors(partner: RoamingPartner) -> Anchors:
    try:
        return Anchors(x509.load_pem_x509_certificates(Path(partner.authorities).read_bytes()))
    except (OSError, ValueError) as error:
        raise TransportError(f"{partner.authorities}: authorities of {partner.name}: {error}") from error


class Interconnection:
    """`open` builds it; `undo` of the caller takes it down."""

    def __init__(self, settings: NetworkSettings, clock: Clock) -> None:
        self._settings = settings
        self._trust = Trust(settings.roaming_partner, clock)
        self._peers = {one.name: _peer(settings, one) for one in settings.roaming_partner}
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
        own = functions.of_the_sepp(settings)
        made._partners = {one.name: one for one in own.partners}
        made.sepp = SEPP(own, made._to, made._to_ours, store, clock, os.urandom, journal, instance)
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
        for peer in self._peers.values():
            await peer.close()
        await self._inside.close()

    async def _from_n32(self, request: Request, peer: Secured) -> Response:
        """What nobody's SEPP sends is not looked at."""
        partner = self._trust.partner_of(peer)
        if partner is None:
            return Response(403)
        return await self.sepp.from_n32(request, peer, self._partners[partner])

    async def _to(self, partner: str, request: Request, within: float) -> Response:
        return await self._peers[partner].send(request, within=within)

    async def _to_ours(self, root: str, request: Request, within: float) -> Response:
        return await self._inside.send(root, request, within)


def _peer(settings: NetworkSettings, partner: RoamingPartner) -> Http2Peer:
    """It must show a certificate for its name, by its own authority."""
    s = settings.sepp
    context = tls.mutual(s.certificate, s.key, partner.authorities, server=False)
    return Http2Peer(
        partner.address, partner.port, tls=context, authority=f"{partner.fqdn}:{partner.port}", limits=FEW
    )


def _server_context(settings: NetworkSettings) -> ssl.SSLContext:
    """Of TLS every partner's authority is good enough; whose the certificate is, Trust says."""
    s = settings.sepp
    context = tls.mutual(s.certificate, s.key, settings.roaming_partner[0].authorities, server=True)
    for one in settings.roaming_partner[1:]:
        context.load_verify_locations(one.authorities)
    return context
