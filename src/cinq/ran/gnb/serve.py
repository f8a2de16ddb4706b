"""A gNB on real ports: SCTP, a data plane, and the radio socket where UEs of other processes attach."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cinq.procedure import Runtime
from cinq.ran.gnb.gnb import Connect, Gnb
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.radio.link import RadioServer
from cinq.transport import local, privilege, sctp, udp
from cinq.userplane.open import open_plane
from cinq.userplane.rules import Plane, PlaneSettings, Role

log = logging.getLogger("cinq.ran.gnb")


def n2_port(settings: GnbSettings) -> Connect:
    """Opens the association with the AMF of the settings."""

    async def connect(handler: sctp.AssociationHandler) -> sctp.Association:
        return await sctp.connect(
            str(settings.amf_address), settings.amf_port, lambda _: handler, local=settings.n2_address
        )

    return connect


@asynccontextmanager
async def serve(
    settings: GnbSettings, runtime: Runtime, folder: Path
) -> AsyncIterator[tuple[Gnb, Plane | None]]:
    """A gNB that seeks its AMF, with its data plane (None where the settings want none).

    folder: where the data plane remembers what it changed on the host. OSError: a port, a path or a capability is
    missing; nothing is left behind. Leaving the context takes everything down.
    """
    _prepare(settings, folder)
    gnb = Gnb(settings, n2_port(settings), runtime, os.urandom)
    plane: Plane | None = None
    listener: local.Listener | None = None
    try:
        if settings.data_plane != "none":
            plane = open_plane(_plane_settings(settings), gnb.bearers, folder / "gnb.journal")
            gnb.bearers.use(plane, udp.is_local)
        if settings.radio:
            listener = await local.listen(settings.radio, lambda connection: RadioServer(gnb, connection))
        gnb.start()
        yield gnb, plane
    finally:
        if listener is not None:
            listener.close()
        await gnb.stop()
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


def _plane_settings(settings: GnbSettings) -> PlaneSettings:
    plane = settings.data_plane
    return PlaneSettings(
        role=Role.GNB,
        n3_address=settings.n3_address,
        instance="cinq-gnb",
        plane="auto" if plane == "none" else plane,
    )
