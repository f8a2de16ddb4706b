"""HTTP/2 (RFC 9113): a server and a client on the asyncio loop, in cleartext by prior knowledge or over TLS by ALPN.

    server = await serve(address, port, answer)           # answer(request, peer) -> Response
    peer = Http2Peer("127.0.0.10", 7777)
    response = await peer.send(Request("GET", "/x"), within=2.0)

The protocol itself is h2's; here are the sockets, the windows, the bounds and the times.
"""

from cinq.transport.http2.client import Http2Peer, authority_of
from cinq.transport.http2.link import Limits, Secured
from cinq.transport.http2.message import Headers, Request, Response
from cinq.transport.http2.server import Answer, Http2Server, serve

__all__ = [
    "Answer",
    "Headers",
    "Http2Peer",
    "Http2Server",
    "Limits",
    "Request",
    "Response",
    "Secured",
    "authority_of",
    "serve",
]
