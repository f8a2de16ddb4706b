"""Topology hiding, TS 33.501 §5.9.3.2: no partner learns an address or a name of a function of ours.

Where a service is reached inside, `http://10.0.0.8:7777`, is shown to a partner as a name in our domain that nobody can
guess and that holds for this partner alone: what one partner hears is of no use to another. The names are kept, since
partners keep URIs for as long as their subscribers are here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from cinq.home_domain import domain, function_name, plmn_of_name
from cinq.nf.sepp.settings import Partner, Settings
from cinq.procedure import Why
from cinq.procedure.store import Store
from cinq.sbi import Problem

COLLECTION, SECRET = "sepp-names", "sepp-secret"
MOST = 4096
LABEL = 26  # characters of base 32: 130 bits
SECRET_OCTETS = 32


class Names:
    """entropy(n) gives n random octets."""

    def __init__(self, settings: Settings, store: Store, entropy: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._store = store
        secret = store.get(SECRET, "names")
        if secret is None:
            secret = entropy(SECRET_OCTETS)
            store.put(SECRET, "names", secret)
        self._secret = secret
        self._roots = {key: value.decode() for key, value in store.items(COLLECTION)}

    def hidden(self, root: str, partner: Partner) -> str:
        """The API root that a partner sees in place of ours. Problem 500: too many are known."""
        said = f"{partner.name}\0{root}".encode()
        digest = hmac.digest(self._secret, said, hashlib.sha256)
        label = base64.b32encode(digest).decode().lower()[:LABEL]
        key = _key(partner, label)
        if key not in self._roots:
            if len(self._roots) >= MOST:
                raise Problem(500, "INSUFFICIENT_RESOURCES", Why(f"{MOST} names are given out already"))
            self._roots[key] = root
            self._store.put(COLLECTION, key, root.encode())
        return f"https://{label}.{domain(self._settings.plmns[0])}"

    def root(self, host: str, partner: Partner) -> str | None:
        """What a name stands for; None: it was never given to this partner."""
        if host in {function_name("nrf", plmn) for plmn in self._settings.plmns}:
            return self._settings.nrf
        label, _, rest = host.partition(".")
        return self._roots.get(_key(partner, label)) if rest == domain(self._settings.plmns[0]) else None

    def is_ours(self, host: str) -> bool:
        return plmn_of_name(host, self._settings.plmns) is not None


def _key(partner: Partner, label: str) -> str:
    return f"{partner.name}/{label}"
