"""Rules of the host's packet filter for one of our cores: python -m cinq.lab.packet_filter RULE [ADDRESS [PORT]].

none: no rule of this table. options: IPv4 packets with options are dropped. icmp-from: of ICMP only what comes from
ADDRESS is let in. udp-from: to UDP port PORT only what comes from ADDRESS. gtpu-echo: of GTP-U only Echo Requests.
unsafe-icmp: timestamp requests and redirects are dropped. Each rule counts; what was counted before is printed.
"""

from __future__ import annotations

import subprocess
import sys

TABLE = "inet cinq_filter"
RULES = {
    "none": (),
    "options": ("ip hdrlength > 5 counter drop",),
    "icmp-from": (
        "ip saddr {address} icmp type echo-request counter accept",
        "icmp type echo-request counter drop",
    ),
    "udp-from": ("udp dport {port} ip saddr {address} counter accept", "udp dport {port} counter drop"),
    "gtpu-echo": ("udp dport {port} @th,72,8 1 counter accept", "udp dport {port} counter drop"),
    "unsafe-icmp": (
        "icmp type {{ timestamp-request, redirect, info-request, address-mask-request }} counter drop",
        "icmp type echo-request meta pkttype {{ broadcast, multicast }} counter drop",
    ),
}


def nft(script: str, *, quiet: bool = False) -> str:
    """OSError: nft refuses it, in its words."""
    done = subprocess.run(["nft", "-f", "-"], input=script, capture_output=True, text=True, check=False)
    if done.returncode and not quiet:
        raise OSError(f"nft: {' '.join(done.stderr.split())[:300]}")
    return done.stdout


def set_up(rule: str, address: str = "", port: str = "") -> str:
    """KeyError: there is no such rule. Returns the table as it was, with its counters."""
    wanted = [one.format(address=address, port=port) for one in RULES[rule]]
    before = subprocess.run(
        ["nft", "list", "table", *TABLE.split()], capture_output=True, text=True, check=False
    )
    nft(f"delete table {TABLE}", quiet=True)
    if wanted:
        chain = "\n".join(("type filter hook input priority -10; policy accept;", *wanted))
        nft(f"table {TABLE} {{\nchain input {{\n{chain}\n}}\n}}\n")
    return before.stdout


def main(words: list[str]) -> int:
    if not words or words[0] not in RULES:
        print(f"packet_filter: wanted one of {', '.join(RULES)}", file=sys.stderr)
        return 2
    try:
        print(set_up(*words[:3]))
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
