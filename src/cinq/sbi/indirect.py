"""Requests that go through an SCP: TS 29.500 §6.10, models C and D of TS 23.501 annex E.

Without delegated discovery (C) the consumer has chosen a producer and has a token for it; it names the producer's API
root. With it (D) the consumer says what it looks for, and the SCP finds the producer and asks for the token. In both a
resource or a callback is where its URI says. What is asked of the NRF goes to the NRF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cinq.sbi.directory import OF_THE_NRF, Found
from cinq.sbi.headers import BINDING
from cinq.sbi.message import Headers, Request, Response
from cinq.sbi.operation import Operation

TARGET_API_ROOT = "3gpp-sbi-target-apiroot"
DISCOVERY = "3gpp-sbi-discovery-"
ROUTING_BINDING = "3gpp-sbi-routing-binding"
SELECTION_INFO = "3gpp-sbi-selection-info"
ACCESS_SCOPE = "3gpp-sbi-access-scope"
OTHER_ACCESS_SCOPES = "3gpp-sbi-other-access-scopes"
MAX_FORWARD_HOPS = "3gpp-sbi-max-forward-hops"
CLIENT_CREDENTIALS = "3gpp-sbi-client-credentials"
RESPONSE_INFO = "3gpp-sbi-response-info"
HOPS = 4  # SCPs on the way of one request
MOST = 512  # producers whose binding is known
_BOUND = re.compile(r"bl=nf-(?:instance|set); ?nf(?:inst|set)=[A-Za-z0-9.-]{1,200}")

Asserts = Callable[[tuple[str, ...]], str]
"""The client credentials assertion of the consumer for these NF types; "" where it has no certificate."""


@dataclass(slots=True)
class Indirect:
    """scp: its API root. identities: NF type -> instance of the consumers here. delegated: model D."""

    scp: str
    identities: Mapping[str, str]
    delegated: bool = False
    asserts: Asserts = lambda nf_types: ""
    _bindings: dict[str, str] = field(default_factory=dict)

    def takes(self, op: Operation) -> bool:
        """Whether it goes through the SCP."""
        return op.service not in OF_THE_NRF

    def chooses(self, op: Operation, fixed: str) -> bool:
        """Whether the SCP chooses the producer. fixed: the root of a resource or callback."""
        return self.delegated and not fixed and self.takes(op)

    def request(
        self, op: Operation, consumer: str, instance: str | None, place: Found, request: Request
    ) -> Request:
        """As it goes to the SCP. place: without a root the SCP chooses."""
        headers: list[tuple[str, str]] = [*request.headers, (MAX_FORWARD_HOPS, f"{HOPS}; nodetype=scp")]
        if place.root:
            headers.append((TARGET_API_ROOT, place.root))
        if self.delegated:
            headers += self._factors(op, consumer, instance)
            if place.root:
                bound = self._bindings.get(place.root)
                headers.append(
                    (SELECTION_INFO, "reselection=false") if bound is None else (ROUTING_BINDING, bound)
                )
        assertion = self.asserts((op.owner, "NRF"))
        if assertion:
            headers.append((CLIENT_CREDENTIALS, assertion))
        return Request(request.method, request.target, tuple(headers), request.body)

    def heard(self, place: str, response: Response) -> None:
        """Where its resources stay: §6.12.2. place: the root of what was made."""
        bound = _BOUND.match(response.header(BINDING) or "")
        if bound is not None and place:
            if len(self._bindings) >= MOST:
                self._bindings.clear()
            self._bindings[place] = bound[0]

    def _factors(self, op: Operation, consumer: str, instance: str | None) -> Headers:
        """§6.10.3.2 and §6.10.11.2.1: what the SCP needs to find a producer, and to ask for a token."""
        made = [("target-nf-type", op.owner), ("requester-nf-type", consumer)]
        own = self.identities.get(consumer)
        if own:
            made.append(("requester-nf-instance-id", own))
        if instance:
            made.append(("target-nf-instance-id", instance))
        if op.callback:
            return tuple((DISCOVERY + name, value) for name, value in made)
        made.append(("service-names", op.service))
        scopes = " ".join((op.service, *op.scopes[-1:]))
        return (*((DISCOVERY + name, value) for name, value in made), (ACCESS_SCOPE, scopes))


def unreachable(response: Response) -> bool:
    """Whether the SCP says that the producer does not answer: §6.10.8.2, §5.2.7.4."""
    server = response.header("server") or ""
    return response.status == 504 and server.startswith("SCP-")
