"""TS 33.117 on the management interface: what TLS alone tells, and what waits for a client with an account."""

from __future__ import annotations

from cinq.assurance import tls
from cinq.assurance.case import Case
from cinq.assurance.cases.ts33117.tls_profile import at_each, forbidden, of_web

TRANSPORT = Case(
    "SCAS-33117-4.2.3.2.4",
    requirement="What is transferred for management is protected by TLS, IPsec or SSH of the profiles of TS 33.210.",
    threat="An administrator's password, or what he sets up, is read or changed on its way.",
)
TRANSPORT.sub("tls-versions", "SSL 3.0, TLS 1.0 and TLS 1.1", needs=("https",), within=120.0)(
    at_each(of_web, tls.old_versions)
)
TRANSPORT.sub("tls-suites", "suites that are forbidden, one by one", needs=("https",), within=120.0)(
    at_each(of_web, forbidden)
)
TRANSPORT.not_yet("ssh", "versions, ciphers and keys of SSH", "OAM client")

for _row, _requirement, _threat, _title in (
    (
        "4.2.3.4.4.1",
        "Both ends of a management connection prove who they are.",
        "A stranger's console in place of the administrator's, or a stranger's product in place of the real one.",
        "a good and a bad credential",
    ),
    (
        "4.2.5.3",
        "Sessions of a web server have identities that nobody guesses, are bound, and end.",
        "Another takes over an administrator's session.",
        "identities and cookies of sessions",
    ),
    (
        "4.2.3.4.1.1",
        "System functions are used only by who has proved who he is and may use them.",
        "A console that asks for nothing is everybody's.",
        "each function without a login",
    ),
    (
        "4.2.3.4.1.2",
        "Each person and each machine has an account of its own.",
        "Behind an account of many nobody is responsible.",
        "as many accounts as are declared",
    ),
    (
        "4.2.3.4.3.4",
        "A password is not shown while it is entered.",
        "Whoever looks over a shoulder has it.",
        "the login's form",
    ),
    (
        "4.2.3.4.6.2",
        "Rights go by roles, with least rights for each.",
        "Who watches alarms can change keys.",
        "what each role may do",
    ),
    (
        "4.2.3.5.1",
        "A session can be ended by who began it, and is over then.",
        "Who finds the token afterwards is still logged in.",
        "a session after its logout",
    ),
):
    Case(f"SCAS-33117-{_row}", requirement=_requirement, threat=_threat).not_yet("A", _title, "OAM client")

Case(
    "SCAS-33117-4.4.3",
    requirement="Known vulnerabilities of the product's services and components are found, rated and listed.",
    threat="What everybody knows is used by anybody.",
).not_yet("A", "a scan of services and components", "vulnerability scanner")
