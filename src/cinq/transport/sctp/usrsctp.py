"""Listeners and outgoing associations on libusrsctp."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

from cinq.transport.error import TransportError
from cinq.transport.sctp.admission import Admission
from cinq.transport.sctp.association import Address, Association, OnAssociation, SctpSettings
from cinq.transport.sctp.memory import Memory
from cinq.transport.sctp.port_reservation import ANY, PortReservation
from cinq.transport.sctp.source import source_address
from cinq.transport.sctp.usrsctp_association import UsrsctpAssociation
from cinq.transport.sctp.usrsctp_library import ffi, parse_sockaddr_conn, sockaddr_conn
from cinq.transport.sctp.usrsctp_stack import Stack, stack

log = logging.getLogger(__name__)

BACKLOG = 512

_sockaddr = ffi.new("unsigned char[16]")
_sockaddr_length = ffi.new("uint32_t *")


class ListeningSocket:
    """The usrsctp socket that all listeners of one port number share."""

    timed = False

    def __init__(self, stack: Stack, port: int, settings: SctpSettings) -> None:
        self.stack = stack
        self.port = port
        self.settings = settings
        self.listeners: dict[str, UsrsctpListener] = {}
        self.so = stack.new_socket(settings)
        address = sockaddr_conn(0, port)
        if stack.lib.usrsctp_bind(self.so, address, len(address)) or stack.lib.usrsctp_listen(
            self.so, BACKLOG
        ):
            why = os.strerror(ffi.errno)
            stack.lib.usrsctp_close(self.so)
            raise TransportError(f"SCTP port {port}: {why}")
        stack.own(self.so, self)

    def ready(self) -> None:
        while True:
            _sockaddr_length[0] = len(_sockaddr)
            so = self.stack.lib.usrsctp_accept(self.so, _sockaddr, _sockaddr_length)
            if not so:
                return
            handle, port = parse_sockaddr_conn(ffi.buffer(_sockaddr)[:])
            bound, local, remote = self.stack.pair(handle)
            association = UsrsctpAssociation(
                self.stack, so, (local, self.port), (remote, port), self.settings
            )
            self.stack.own(so, association)
            listener = self.listeners.get(bound)
            if listener is None:
                association.abort("nobody listens")
            elif not listener.admission.admits(listener.open, association.remote):
                association.abort("too many associations")
            else:
                self.stack.register(handle)
                association.remember(listener.memory, handle)
                association.established(listener.on_association, listener.open)
                association.ready()

    def forsake(self) -> None:
        for listener in list(self.listeners.values()):
            listener.close()


class UsrsctpListener:
    """A server on one address and port; `Listener` says what its methods do."""

    def __init__(
        self,
        reservation: PortReservation,
        shared: ListeningSocket,
        on_association: OnAssociation,
        settings: SctpSettings,
        memory: Memory | None,
    ) -> None:
        self.local: Address = (reservation.address, reservation.port)
        self.on_association = on_association
        self.open: set[Association] = set()
        self.admission = Admission(settings)
        self.memory = memory
        self._reservation = reservation
        self._shared = shared
        shared.listeners[reservation.address] = self
        if memory is not None:
            self._end_former(memory)

    def _end_former(self, memory: Memory) -> None:
        for left in memory.left:
            if left.local[1] == self.local[1] and self.local[0] in (ANY, left.local[0]):
                log.info("ending the association that a former process had with %s:%d", *left.remote)
                self._shared.stack.abort_former(self.local[0], left.local, left.remote, left.verification_tag)

    @property
    def associations(self) -> frozenset[Association]:
        return frozenset(self.open)

    def close(self) -> None:
        shared, address = self._shared, self.local[0]
        if shared.listeners.get(address) is not self:
            return
        for association in self.associations:
            association.abort("the server stops")
        del shared.listeners[address]
        if not shared.listeners:
            shared.stack.close_socket(shared.so)
            del _listening[shared.port]
        shared.stack.close_port(*self.local)
        self._reservation.release()
        if self.memory is not None:
            self.memory.close()


_listening: dict[int, ListeningSocket] = {}


async def listen(
    address: str,
    port: int,
    on_association: OnAssociation,
    settings: SctpSettings,
    remember: Path | None = None,
) -> UsrsctpListener:
    """See `cinq.transport.sctp.listen`."""
    engine = stack()
    engine.attach()
    reservation = PortReservation(address, port)
    try:
        memory = None if remember is None else Memory(remember)
        engine.open_port(address, reservation.port)
        try:
            shared = _listening.get(reservation.port)
            if shared is None:
                shared = _listening[reservation.port] = ListeningSocket(engine, reservation.port, settings)
        except BaseException:
            engine.close_port(address, reservation.port)
            raise
    except BaseException:
        reservation.release()
        raise
    return UsrsctpListener(reservation, shared, on_association, settings, memory)


async def connect(
    remote: str,
    port: int,
    on_association: OnAssociation,
    *,
    local: str,
    local_port: int,
    settings: SctpSettings,
    within: float,
) -> UsrsctpAssociation:
    """See `cinq.transport.sctp.connect`."""
    engine = stack()
    engine.attach()
    address = local or source_address(remote)
    reservation = PortReservation(address, local_port)
    try:
        engine.open_port(address, reservation.port)
    except BaseException:
        reservation.release()
        raise
    handle = engine.handle(address, _packed(address), _packed(remote))
    engine.register(handle)
    here: Address = (address, reservation.port)
    try:
        so = engine.new_socket(settings)
    except BaseException:
        engine.close_port(*here)
        reservation.release()
        raise
    association = UsrsctpAssociation(engine, so, here, (remote, port), settings, reservation)
    engine.own(so, association)
    bound = sockaddr_conn(handle, reservation.port)
    if engine.lib.usrsctp_bind(so, bound, len(bound)):
        why = os.strerror(ffi.errno)
        association.abort(why)
        raise TransportError(f"SCTP port {reservation.port} on {address}: {why}")
    await association.connect(handle, port, within, on_association)
    return association


def _packed(address: str) -> int:
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big")
    except OSError:
        raise TransportError(
            f"SCTP address {address!r}: found no IPv4 address", "an IPv4 address (IPv6 needs kernel SCTP)"
        ) from None
