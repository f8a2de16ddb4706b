"""The port through which network functions meet: client(Service), serve(Service, implementation).

A call is one method of a transport: send(operation, provider, arguments). Providers are found by service and,
where a consumer has chosen one by discovery, by NF instance.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import lru_cache
from types import SimpleNamespace
from typing import Protocol, TypeVar, cast

from cinq.numbering import PlmnId
from cinq.procedure import Journal
from cinq.sbi.answer import answer_of, problem_of, response_of
from cinq.sbi.operation import Operation, operations
from cinq.sbi.problem import Problem
from cinq.sbi.request import arguments_of, request_of
from cinq.sbi.route import Routes

S = TypeVar("S")
MOST_CLIENTS = 1024  # that are kept
SEPP = "SEPP"  # whom a call to another network goes to first
IDENTIFYING = "Nudm_UEAuthentication_Get"  # its answer names whose challenge it is


class Method(Protocol):
    """An operation, on the side that serves it or on the side that calls it."""

    def __call__(self, *arguments: object, **named: object) -> Coroutine[object, None, object]: ...


class Transport(Protocol):
    """Carries one operation to the method that serves it and brings its answer, or raises Problem."""

    def __call__(
        self, operation: Operation, method: Method, arguments: tuple[object, ...]
    ) -> Coroutine[object, None, object]: ...


async def direct(operation: Operation, method: Method, arguments: tuple[object, ...]) -> object:
    """In process: the frozen objects themselves cross."""
    return await method(*arguments)


async def checked(operation: Operation, method: Method, arguments: tuple[object, ...]) -> object:
    """In process, but as the wire would have it: the request and its answer become octets and are read again.

    What its consumer or its producer could not send, or the other could not read, comes to light here.
    """
    request = request_of(operation, arguments)
    try:
        found, values = _routes(operation).find(request.method, request.target)
        answer = await method(*arguments_of(found, values, request))
    except Problem as problem:
        response = problem_of(operation, problem)
    else:
        response = response_of(operation, answer)
    return answer_of(operation, request, response)


@lru_cache(None)
def _routes(operation: Operation) -> Routes:
    return Routes((operation,))


class Wire(Protocol):
    """Carries an operation to whoever serves it elsewhere: no provider of this process is looked for.

    consumer: the NF type that calls. instance: of the producer, where the consumer has chosen one. root: the API root
    of a URI that the producer gave; "" where it is to be found. plmn: of another network, where the producer is there.
    """

    def __call__(
        self,
        op: Operation,
        consumer: str,
        instance: str | None,
        arguments: tuple[object, ...],
        root: str = "",
        plmn: PlmnId | None = None,
    ) -> Coroutine[object, None, object]: ...


class Bus:
    """One service-based interface. Consumers hold clients, which find their provider at each call.

    wire: by which calls leave the process: those to URIs of others, and with `remote` all. Else providers are those of
    this bus, by the transport. api_root: where others reach what is served here; "" where nobody is to.
    """

    def __init__(
        self,
        transport: Transport = direct,
        journal: Journal | None = None,
        wire: Wire | None = None,
        api_root: str = "",
        *,
        remote: bool = True,
    ) -> None:
        self._transport = transport
        self._journal = journal
        self.wire = wire
        self.api_root = api_root
        self.remote = wire is not None and remote
        self._methods: dict[tuple[Operation, str | None], tuple[Method, str]] = {}
        self._clients: dict[tuple[type, str, str | None, PlmnId | None], object] = {}
        self.routes = Routes()
        """By which a request from outside finds its operation."""

    def serve(self, service: type[S], implementation: S, instance: str) -> None:
        """Offers a service. The first instance that serves it is the one a client without a choice meets."""
        for op in operations(service):
            self.routes.add(op)
            entry = (getattr(implementation, op.attribute), op.owner)
            self._methods[op, instance] = entry
            self._methods.setdefault((op, None), entry)

    def providers(self, op: Operation) -> list[str]:
        """The instances that serve an operation here, the one that is met without a choice first."""
        default = self._methods.get((op, None))
        found = [
            (name, entry)
            for (other, name), entry in self._methods.items()
            if other is op and name is not None
        ]
        return [name for name, entry in sorted(found, key=lambda each: each[1] is not default)]

    def instances(self) -> list[str]:
        """Those that serve anything here."""
        return list(dict.fromkeys(name for _, name in self._methods if name is not None))

    def withdraw(self, service: type, instance: str) -> None:
        """Takes a service away: later calls to that instance are answered 504."""
        for op in operations(service):
            gone = self._methods.pop((op, instance), None)
            if gone is not None and self._methods.get((op, None)) == gone:
                del self._methods[op, None]
                for (other, _), entry in list(self._methods.items()):
                    if other is op:
                        self._methods[op, None] = entry
                        break

    def client(
        self, service: type[S], consumer: str, instance: str | None = None, plmn: PlmnId | None = None
    ) -> S:
        """An object with the service's methods. consumer: the NF that calls, for the trace. plmn: of another network,
        whose service it is then."""
        key = (service, consumer, instance, plmn)
        found = self._clients.get(key)
        if found is None:
            if len(self._clients) >= MOST_CLIENTS:  # peers name instances as they like
                self._clients.clear()
            calls = {op.attribute: self._call(op, consumer, instance, plmn) for op in operations(service)}
            found = self._clients[key] = SimpleNamespace(**calls)
        return cast(S, found)

    def _call(self, op: Operation, consumer: str, instance: str | None, plmn: PlmnId | None) -> Method:
        if self.wire is not None and (self.remote or plmn is not None):
            return self._call_out(self.wire, op, consumer, instance, plmn)
        if plmn is not None:
            return _nobody_abroad(op, plmn)
        transport, methods, journal, key = self._transport, self._methods, self._journal, (op, instance)
        at_once = transport is direct  # then the provider's own coroutine is what the consumer awaits

        def call(*arguments: object, **named: object) -> Coroutine[object, None, object]:
            entry = methods.get(key)
            if entry is None:
                return _unreachable(op)
            if named:
                arguments += tuple(named[n] for n in (*op.parameters, "body") if n in named)
            if journal is not None and journal.heeding:
                tell = self._traced if journal.listening else self._heeded
                carried = entry[0](*arguments) if at_once else transport(op, entry[0], arguments)
                return tell(carried, op, consumer, entry[1], arguments)
            return entry[0](*arguments) if at_once else transport(op, entry[0], arguments)

        return call

    def _call_out(
        self, wire: Wire, op: Operation, consumer: str, instance: str | None, plmn: PlmnId | None
    ) -> Method:
        owner = op.owner if plmn is None else SEPP

        def call(*arguments: object, **named: object) -> Coroutine[object, None, object]:
            if named:
                arguments += tuple(named[n] for n in (*op.parameters, "body") if n in named)
            carried = wire(op, consumer, instance, arguments, plmn=plmn)
            return self._told(carried, op, consumer, arguments, owner)

        return call

    def uri(self, path: str) -> str:
        """The URI of something that is served here: for callbacks, and for resources that others are told of."""
        return f"{self.api_root}{path}"

    def call_at(
        self, root: str, op: Operation, consumer: str, arguments: tuple[object, ...]
    ) -> Coroutine[object, None, object]:
        """An operation at a URI that its producer gave, over the wire. root: the API root of that URI."""
        if self.wire is None:
            return _unreachable(op)
        return self._told(self.wire(op, consumer, None, arguments, root), op, consumer, arguments)

    def _told(
        self,
        carried: Coroutine[object, None, object],
        op: Operation,
        consumer: str,
        arguments: tuple[object, ...],
        owner: str = "",
    ) -> Coroutine[object, None, object]:
        journal = self._journal
        if journal is None or not journal.heeding:
            return carried
        tell = self._traced if journal.listening else self._heeded
        return tell(carried, op, consumer, owner or op.owner, arguments)

    async def receive(self, op: Operation, consumer: str | None, arguments: tuple[object, ...]) -> object:
        """A call that came from outside. consumer: who asks, for the trace; None where that is told already."""
        entry = self._methods.get((op, None))
        if entry is None:
            return await _unreachable(op)
        journal = self._journal
        if consumer is None or journal is None or not journal.heeding:
            return await entry[0](*arguments)
        tell = self._traced if journal.listening else self._heeded
        return await tell(entry[0](*arguments), op, consumer, entry[1], arguments)

    async def _traced(
        self,
        carried: Coroutine[object, None, object],
        op: Operation,
        consumer: str,
        owner: str,
        arguments: tuple[object, ...],
    ) -> object:
        from cinq.sbi.trace import answered, asked, refused

        assert self._journal is not None
        asked(self._journal, op, consumer, owner, arguments)
        try:
            answer = await carried
        except Problem as problem:
            refused(self._journal, op, consumer, owner, arguments, problem)
            raise
        answered(self._journal, op, consumer, owner, arguments, answer)
        return answer

    async def _heeded(
        self,
        carried: Coroutine[object, None, object],
        op: Operation,
        consumer: str,
        owner: str,
        arguments: tuple[object, ...],
    ) -> object:
        """For listeners to trouble: problems, and whose challenge it is."""
        journal = self._journal
        assert journal is not None
        try:
            answer = await carried
        except Problem as problem:
            from cinq.sbi.trace import refused

            refused(journal, op, consumer, owner, arguments, problem)
            raise
        if op.name == IDENTIFYING:
            from cinq.sbi.trace import identified

            identified(journal, op, consumer, owner, answer)
        return answer


def _nobody_abroad(op: Operation, plmn: PlmnId) -> Method:
    async def call(*arguments: object, **named: object) -> object:
        why = f"{service_of(op)} of PLMN {plmn}: the SBI of this network is not on the wire"
        raise Problem(504, "TARGET_NF_NOT_REACHABLE", why)

    return call


async def _unreachable(op: Operation) -> object:
    raise Problem(504, "TARGET_NF_NOT_REACHABLE", f"nobody serves {service_of(op)}")


def service_of(op: Operation) -> str:
    return f"{op.service} ({op.name})"


__all__ = ["Bus", "Transport", "Wire", "checked", "direct"]
