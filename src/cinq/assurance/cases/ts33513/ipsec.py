"""TS 33.513 §4.2.2.1 to §4.2.2.5: N3, N9 and N4 protected by IPsec (TS 33.501 §9.3, TS 33.210, TS 33.310).

Where a target claims to end IPsec itself, what comes in clear is refused; the rest needs an IKEv2 peer. The lab
protects what comes from the bench's own gNB and SMF (such as by policies of its kernel), and nothing else.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.assurance.case import Case, Play
from cinq.assurance.packets import answered, own
from cinq.assurance.target import Feature
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.wire import gtpu, pfcp

THREAT = (
    "Who reaches the transport reads, changes, or sends again what subscribers and the control plane say."
)
ROWS: tuple[tuple[str, str, Feature, str], ...] = (
    ("4.2.2.1", "N3", "ipsec_n3", "confidentiality of user data on N3"),
    ("4.2.2.2", "N3", "ipsec_n3", "integrity of user data on N3"),
    ("4.2.2.3", "N3", "ipsec_n3", "replay protection of user data on N3"),
    ("4.2.2.4", "N9", "ipsec_n9", "protection of N9"),
    ("4.2.2.5", "N4", "ipsec_n4", "protection of N4"),
)
IN_CLEAR = 40  # the bench's address that the lab protects nothing of: so much above the first gNB's
TRIED = 3
ECHO = gtpu.encode(gtpu.EchoRequest(sequence=1))
HEARTBEAT = pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1_000_000), sequence=1)
LIMIT = "the cleartext comes from an address of the bench that the lab does not protect"


def in_clear(interface: str) -> Play:
    """Echo or heartbeat: answered when protected, not when in clear."""

    async def play(trial: Trial) -> None:
        where = trial.target.interfaces
        name, to, port, octets = (
            ("GTP-U Echo Request", where.n3, gtpu.PORT, ECHO)
            if interface == "N3"
            else ("PFCP Heartbeat Request", where.n4, pfcp.PORT, HEARTBEAT)
        )
        address = check.present(to, f"interfaces.{interface.lower()}")
        check.that(isinstance(address, IPv4Address), f"{interface} is of IPv6 here")
        assert isinstance(address, IPv4Address)
        protected = own(trial) if interface == "N3" else str(check.present(where.smf, "interfaces.smf"))
        with trial.control(f"a {name} from {protected}, which the lab protects, is answered"):
            check.that(await answered(trial, address, port, octets, source=protected), "none comes")
        with trial.finding(f"a {name} in clear, from {own(trial, IN_CLEAR)}, is not answered"):
            for _ in range(TRIED):
                came = await answered(trial, address, port, octets, IN_CLEAR)
                check.that(not came, "an answer comes")
        with trial.control(f"a {name} from {protected} is answered again"):
            check.that(await answered(trial, address, port, octets, source=protected), "none comes")

    return play


for _clause, _interface, _feature, _what in ROWS:
    _case = Case(
        f"SCAS-33513-{_clause}",
        requirement=f"IPsec by the profiles of TS 33.210 and TS 33.310: {_what} (TS 33.501 §9.3).",
        threat=THREAT,
    )
    if _clause in ("4.2.2.1", "4.2.2.2", "4.2.2.5"):
        _case.sub(
            "clear",
            f"{_what}: what comes in clear is refused",
            needs=(_interface.lower(),),
            feature=_feature,
            limit=LIMIT,
        )(in_clear(_interface))
    _case.not_yet(
        "A",
        f"{_what}: mandated proposals, forbidden ones, tampered and replayed ESP",
        "bench IKEv2",
        feature=_feature,
    )
