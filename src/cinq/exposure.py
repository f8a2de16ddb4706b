"""The NEF of a process, composed: its APIs on an interface of their own, and the functions of the core behind it."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from cinq import functions
from cinq.nf.nef import NEF
from cinq.procedure import Clock, Journal
from cinq.procedure.store import Store
from cinq.sbi import Bus, direct, http, producers, tls
from cinq.sbi.directory import OneRoot
from cinq.sbi.guard import Guard, Producer
from cinq.sbi.operation import Operation
from cinq.sbi.peers import Peers
from cinq.sbi.reach import api_root
from cinq.sbi.token import SigningKey, TrustedKeys
from cinq.settings.network import NetworkSettings

TOKEN_KEY = "nef-token.pem"


async def opened(
    s: NetworkSettings,
    core: Bus,
    store: Store,
    clock: Clock,
    journal: Journal,
    instance: str,
    undo: AsyncExitStack,
) -> NEF:
    """TransportError: the address, the port or the certificate."""
    own, secure = s.nef, bool(s.nef.key)
    root = api_root(str(own.address), own.port, tls=secure)
    peers = Peers(tls.outbound() if secure else None)
    wire = http.OverHttp(OneRoot(root), peers, own=root)
    north = Bus(direct, journal, wire, root, remote=False)
    key = SigningKey.kept(s.state.folder / TOKEN_KEY)
    nef = NEF(functions.of_the_nef(s), core, north, store, clock, os.urandom, instance, key)
    for service, implementation in nef.apis():
        north.serve(service, implementation, instance)

    def whom(op: Operation) -> Producer:
        return Producer("NEF", frozenset((instance,)))

    guard = Guard(TrustedKeys.of(key), clock, whom, issuers=frozenset((instance,)), bearers=True)
    shown = tls.for_anybody(own.certificate, own.key) if secure else None
    server = await producers.offer(
        north, str(own.address), own.port, shown, wire.mark, guard, says_where=False
    )
    undo.push_async_callback(server.close)
    undo.push_async_callback(peers.close)
    return nef
