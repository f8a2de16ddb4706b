"""What the settings want protected by IPsec, refused in clear while this process runs (TS 33.501 §9, TS 33.210)."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from cinq import functions
from cinq.settings.ipsec import Ipsec
from cinq.settings.network import NetworkSettings
from cinq.settings.upf import UpfSettings
from cinq.settings.user_plane import Upf
from cinq.transport import privilege
from cinq.userplane.cleartext import Guarded
from cinq.userplane.host import Host
from cinq.wire import gtpu

log = logging.getLogger(__name__)

SCTP, UDP = 132, 17


def of_network(s: NetworkSettings, parts: frozenset[str], undo: contextlib.AsyncExitStack) -> None:
    """Of these parts of a network. OSError: nftables, or a right, is missing."""
    ends: list[Guarded] = []
    if "amf" in parts:
        ends.append(Guarded("n2", s.amf.n2_address, SCTP, s.amf.n2_port))
    if "smf" in parts:
        ends.append(Guarded("n4", s.smf.n4_address, UDP, s.smf.n4_port))
    if "upf" in parts and s.upf.start:
        ends += _of_user_plane(s.upf)
    _refuse(s.ipsec, ends, functions.instance_of(s.network.name), s.state.folder, undo)


def of_upf(s: UpfSettings, undo: contextlib.AsyncExitStack) -> None:
    """Of a UPF alone. OSError: nftables, or a right, is missing."""
    _refuse(s.ipsec, _of_user_plane(s.upf), functions.instance_of(s.node.name), s.state.folder, undo)


def _of_user_plane(u: Upf) -> list[Guarded]:
    return [
        *(Guarded("n3", address, UDP, gtpu.PORT) for address in u.n3.all),
        Guarded("n4", u.n4_address, UDP, u.n4_port),
    ]


def _refuse(
    ipsec: Ipsec, ends: list[Guarded], instance: str, folder: Path, undo: contextlib.AsyncExitStack
) -> None:
    guarded = tuple(dict.fromkeys(end for end in ends if end.point in ipsec.required))
    if not guarded:
        return
    privilege.require({"CAP_NET_ADMIN": "nftables, to refuse what is in clear"})
    points = "-".join(dict.fromkeys(end.point for end in guarded))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    host = Host(folder / f"{instance}-{points}-cleartext.json")
    undo.callback(host.close)
    host.refuse_cleartext(f"{instance}_{points.replace('-', '_')}_clear", guarded, ipsec.interfaces)
    for each in guarded:
        log.info("IPsec: what is in clear is dropped at %s", each)
    for missing in [name for name in ipsec.interfaces if not host.links.has_link(name)]:
        log.warning("IPsec: there is no interface %s yet: nobody comes by it", missing)
