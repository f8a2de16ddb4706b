"""TS 33.513 §4.2.2.1 to §4.2.2.5: N3, N9 and N4 protected by IPsec (TS 33.501 §9.3, TS 33.210, TS 33.310).

Where a target claims to end IPsec itself, cleartext is to be refused; the rest needs an IKEv2 peer.
"""

from __future__ import annotations

from cinq.assurance.case import Case

THREAT = (
    "Who reaches the transport reads, changes, or sends again what subscribers and the control plane say."
)
ROWS = (
    ("4.2.2.1", "N3", "confidentiality of user data on N3"),
    ("4.2.2.2", "N3", "integrity of user data on N3"),
    ("4.2.2.3", "N3", "replay protection of user data on N3"),
    ("4.2.2.4", "N9", "protection of N9"),
    ("4.2.2.5", "N4", "protection of N4"),
)

for _clause, _interface, _what in ROWS:
    Case(
        f"SCAS-33513-{_clause}",
        requirement=f"IPsec by the profiles of TS 33.210 and TS 33.310: {_what} (TS 33.501 §9.3).",
        threat=THREAT,
    ).not_yet(
        "A",
        f"{_what}: mandated proposals, forbidden ones, cleartext, tampered and replayed ESP",
        "bench IKEv2",
    )
