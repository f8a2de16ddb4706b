"""gNBs on real ports: SCTP, data planes, and the radio sockets where UEs of other processes attach."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cinq.procedure import Runtime
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.gnb import Connect, Gnb, apart
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.ports import Further
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.radio.link import RadioServer
from cinq.transport import local, privilege, sctp, udp
from cinq.transport_address import TransportAddress
from cinq.userplane.open import open_plane
from cinq.userplane.rules import Plane, PlaneSettings, Role

log = logging.getLogger("cinq.ran.gnb")

FORWARDED_PER_S = 100_000
"""Packets that user space takes: those that are forwarded in a handover. A gNB here has no hostile neighbour on N3."""
FIRST_TABLE, TABLES = 5190, 16


def n2_port(settings: GnbSettings) -> Connect:
    """Opens the association with the AMF of the settings."""

    async def connect(handler: sctp.AssociationHandler) -> sctp.Association:
        streams = sctp.SctpSettings(outbound_streams=settings.n2_streams, inbound_streams=settings.n2_streams)
        return await sctp.connect(
            str(settings.amf_address),
            settings.amf_port,
            lambda _: handler,
            local=settings.n2_address,
            settings=streams,
        )

    return connect


def further_port(settings: GnbSettings) -> Further:
    """Opens associations at other addresses that the AMF names."""

    async def connect(endpoint: sctp.Address, handler: sctp.AssociationHandler) -> sctp.Association:
        return await sctp.connect(*endpoint, lambda _: handler, local=settings.n2_address)

    return connect


class XnSctp:
    """Xn-C by SCTP (TS 38.422 §7), at the addresses of the settings."""

    def __init__(self, settings: GnbSettings) -> None:
        self._settings = settings

    async def listen(
        self, on_association: Callable[[sctp.Association], sctp.AssociationHandler]
    ) -> sctp.Listener:
        return await sctp.listen(self._settings.xn_address, self._settings.xn_port, on_association)

    async def connect(self, endpoint: tuple[str, int], handler: sctp.AssociationHandler) -> sctp.Association:
        return await sctp.connect(*endpoint, lambda _: handler, local=self._settings.xn_address)


@asynccontextmanager
async def serve(
    settings: GnbSettings, runtime: Runtime, folder: Path
) -> AsyncIterator[tuple[Gnb, Plane | None]]:
    """One gNB, as serve_all has several."""
    async with serve_all((settings,), runtime, folder) as (one,):
        yield one


@asynccontextmanager
async def serve_all(
    settings: Sequence[GnbSettings], runtime: Runtime, folder: Path
) -> AsyncIterator[list[tuple[Gnb, Plane | None]]]:
    """gNBs that seek their AMF, each with its data plane (None where the settings want none), and Xn between them.

    Those of one N3 address share a data plane, so that a handover between them leaves the interfaces of UEs alone. The
    interfaces of others take a UE's address over, in the same namespace, and packets are forwarded meanwhile.
    folder: where a data plane remembers what it changed on the host. OSError: a port, a path or a capability is
    missing; ValueError: two gNBs contradict each other. Nothing is left behind. Leaving the context takes all down.
    """
    serving = _Serving(runtime, folder)
    try:
        for one in settings:
            _prepare(one, folder)
            await serving.add(one)
        yield serving.gnbs
    finally:
        await serving.close()


class _Serving:
    """What stands already while the rest is made."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.gnbs: list[tuple[Gnb, Plane | None]] = []
        self._runtime = runtime
        self._folder = folder
        self._ng_ran = NgRan()
        self._apart = ""
        self._planes: dict[TransportAddress, tuple[Bearers, Plane | None]] = {}
        self._listeners: list[local.Listener] = []

    async def add(self, settings: GnbSettings) -> None:
        shared = self._planes.get(settings.n3)
        runtime = (
            self._runtime if not self.gnbs else Runtime("gNB", self._runtime.journal, self._runtime.clock)
        )
        bearers = self._bearers(settings) if shared is None else shared[0]
        gnb = Gnb(
            settings, n2_port(settings), runtime, os.urandom, self._ng_ran, bearers, further_port(settings)
        )
        if shared is None:
            shared = bearers, self._plane(settings, bearers)
            self._planes[settings.n3] = shared
        self.gnbs.append((gnb, shared[1]))
        if settings.radio:
            listener = await local.listen(settings.radio, lambda connection: RadioServer(gnb, connection))
            self._listeners.append(listener)
        gnb.start()
        if settings.xn_address:
            await gnb.reach_neighbours(XnSctp(settings))

    def _bearers(self, settings: GnbSettings) -> Bearers:
        """Interfaces of all planes may meet in one namespace, so no two have the same name."""
        number = len(self._planes)
        self._apart = self._apart or apart(settings)
        instance = f"ue-x{_mark(settings)}-" if settings.xn_address else "ue"
        instance = instance if not number else f"{instance.removesuffix('-')}-{number + 1}-"
        return Bearers(settings.n3, os.urandom, instance, self._apart)

    def _plane(self, settings: GnbSettings, bearers: Bearers) -> Plane | None:
        if settings.data_plane == "none":
            return None
        number = len(self._planes)
        name = f"gnb-x{_mark(settings)}" if settings.xn_address else "gnb"
        name = name if not number else f"{name}-{number + 1}"
        plane = open_plane(_plane_settings(settings, number), bearers, self._folder / f"{name}.journal")
        bearers.use(plane, udp.is_local)
        return plane

    async def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        for gnb, _ in self.gnbs:
            await gnb.stop()
        for _, plane in self._planes.values():
            if plane is not None:
                plane.close()


def _prepare(settings: GnbSettings, folder: Path) -> None:
    """PrivilegeError names every capability that is missing: later each would be met by itself, the last by a UE."""
    wanted = {}
    if sctp.implementation() == "usrsctp":
        wanted["CAP_NET_RAW"] = sctp.RAW_PURPOSE
    if settings.data_plane != "none":
        wanted["CAP_NET_ADMIN"] = 'the interfaces of UEs (data_plane = "none" has none)'
    privilege.require(wanted)
    if wanted and udp.is_local(settings.amf_address) and "CAP_SYS_ADMIN" not in privilege.held():
        log.warning("CAP_SYS_ADMIN is missing: a UE whose UPF is on this host gets no interface")
    folder.mkdir(parents=True, exist_ok=True)


def _plane_settings(settings: GnbSettings, number: int) -> PlaneSettings:
    plane = settings.data_plane
    return PlaneSettings(
        role=Role.GNB,
        n3_address=settings.n3_address,
        n3_ipv6=settings.n3_ipv6_address,
        instance=_instance(settings, number),
        plane="auto" if plane == "none" else plane,
        slow_per_s=FORWARDED_PER_S,
        first_table=FIRST_TABLE + (number + _apart_from_others(settings)) * TABLES,
    )


def _mark(settings: GnbSettings) -> str:
    """Tells what gNBs with Xn to other processes have on a host from what those processes have, by the identity."""
    return f"{settings.gnb_id & 0xFFF:x}"


def _instance(settings: GnbSettings, number: int) -> str:
    if settings.xn_address:
        return f"cinq-x{_mark(settings)}"
    return "cinq-gnb" if not number else f"cinq-g{number + 1}"


def _apart_from_others(settings: GnbSettings) -> int:
    return 256 + (settings.gnb_id & 0xFFF) if settings.xn_address else 0
