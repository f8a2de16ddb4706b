"""SCTP (RFC 9260) for N2: by the kernel where it has it, else by libusrsctp.

    listener = await sctp.listen("10.0.0.1", 38412, on_association)
    association = await sctp.connect("10.0.0.1", 38412, on_association)

`on_association(association)` is called when an association is up, and returns the handler that hears its
messages and its loss. Errors of the host are `TransportError`, with what is missing and what mends it.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from pathlib import Path

from cinq.transport.error import TransportError
from cinq.transport.sctp import kernel, usrsctp, usrsctp_stack
from cinq.transport.sctp.association import (
    N2_PORT,
    PPID_NGAP,
    RAW_PURPOSE,
    Address,
    Association,
    AssociationHandler,
    Listener,
    OnAssociation,
    SctpSettings,
)

__all__ = [
    "N2_PORT",
    "PPID_NGAP",
    "RAW_PURPOSE",
    "Address",
    "Association",
    "AssociationHandler",
    "Listener",
    "OnAssociation",
    "SctpSettings",
    "connect",
    "implementation",
    "listen",
]

log = logging.getLogger(__name__)

DEFAULTS = SctpSettings()


CHOICE = "CINQ_SCTP"
"""Environment variable: 'kernel' or 'usrsctp' forces one of the two."""


@cache
def implementation() -> str:
    """'kernel' or 'usrsctp'; TransportError when there is neither."""
    wanted = os.environ.get(CHOICE, "")
    if wanted not in ("", "kernel", "usrsctp"):
        raise TransportError(f"{CHOICE}: found {wanted!r}, wanted 'kernel' or 'usrsctp'")
    if wanted != "usrsctp" and kernel.available():
        chosen = "kernel"
    elif wanted == "kernel":
        raise TransportError("the kernel has no SCTP", "modprobe sctp")
    else:
        usrsctp_stack.stack()
        chosen = "usrsctp"
    log.info("SCTP by %s", chosen)
    return chosen


async def listen(
    address: str,
    port: int,
    on_association: OnAssociation,
    *,
    settings: SctpSettings = DEFAULTS,
    remember: Path | None = None,
) -> Listener:
    """Serves associations on `address` ('0.0.0.0': on all) and `port` (0: a free one) until closed.

    remember: the file by which peers of a former process that was killed hear of its end now. The kernel tells them
    by itself and needs none.
    """
    if implementation() == "kernel":
        return await kernel.listen(address, port, on_association, settings)
    return await usrsctp.listen(address, port, on_association, settings, remember)


async def connect(
    remote: str,
    port: int,
    on_association: OnAssociation,
    *,
    local: str = "",
    local_port: int = 0,
    settings: SctpSettings = DEFAULTS,
    within: float = 5.0,
) -> Association:
    """An association to `remote`; TransportError when it is not up within `within` seconds."""
    chosen = kernel.connect if implementation() == "kernel" else usrsctp.connect
    return await chosen(
        remote, port, on_association, local=local, local_port=local_port, settings=settings, within=within
    )
