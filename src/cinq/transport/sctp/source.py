"""Which address of this host an association is from when nobody says."""

from __future__ import annotations

import os
import socket

from cinq.transport.error import TransportError


def source_address(remote: str) -> str:
    """The local address that the host uses towards `remote`; TransportError when there is no way there."""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((remote, 9))
        except OSError as error:
            raise TransportError(
                f"no way to {remote}: {os.strerror(error.errno or 0)}", f"see: ip route get {remote}"
            ) from None
        return str(probe.getsockname()[0])
