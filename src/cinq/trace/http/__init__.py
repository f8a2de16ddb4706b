"""HTTP/2 as an onlooker follows it: TCP put together, TLS opened with the secrets of a key log, frames, header blocks.

It reads as far as can be read: from the middle of a connection, over a gap, with header fields that it cannot know.
"""

from cinq.trace.http.connections import Connections, Heard, Unread
from cinq.trace.http.exchange import Half
from cinq.trace.http.tls import KeyLog

__all__ = ["Connections", "Half", "Heard", "KeyLog", "Unread"]
