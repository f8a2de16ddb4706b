"""cinq session: the PDU sessions of a UPF that runs, as it has them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cinq.cli.output import Failure, console, control_of_upf, show_json, show_pairs, show_table

if TYPE_CHECKING:
    from cinq.nf.upf.shown import ShownSession

app = typer.Typer(help="PDU sessions of a UPF that runs.", no_args_is_help=True)
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file of the network, or of a UPF alone.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
COLUMNS = ("UE", "DNN", "slice", "state", "gNB", "up packets", "up octets", "down packets", "down octets")


def _asked(config: Path | None, of: str) -> list[ShownSession]:
    from cinq.nf.upf.shown import ShownSession
    from cinq.upf_state import Question, asked

    return asyncio.run(asked(control_of_upf(config), Question("sessions", of), ShownSession))


@app.command("list")
def list_(config: Config = None, json: Json = False) -> None:
    """All sessions, with what they have carried."""
    found = _asked(config, "")
    if json:
        show_json([msgspec.to_builtins(each) for each in found])
    elif not found:
        console().print("no sessions")
    else:
        show_table("", COLUMNS, [_row(each) for each in found])


def _row(s: ShownSession) -> tuple[object, ...]:
    carried = s.uplink_packets, s.uplink_octets, s.downlink_packets, s.downlink_octets
    gnbs = ", ".join(gnb.partition(" ")[0] for gnb in s.gnbs) or "-"
    return ", ".join(s.ues) or s.seid, s.dnn or "-", s.s_nssai or "-", s.state, gnbs, *carried


@app.command("show")
def show(
    whose: Annotated[str, typer.Argument(help="An address or a prefix of a UE, or the SEID at the UPF.")],
    config: Config = None,
    json: Json = False,
) -> None:
    """One session: its ends, and what it has carried."""
    found = _asked(config, whose)
    if not found:
        raise Failure(f"no session of {whose}", "cinq session list")
    if json:
        show_json([msgspec.to_builtins(each) for each in found])
        return
    for s in found:
        show_pairs(
            {
                "UE": ", ".join(s.ues) or None,
                "DNN": s.dnn or None,
                "slice": s.s_nssai or None,
                "state": s.state,
                "N3": ", ".join(f"TEID {teid}" for teid in s.n3_teids) or None,
                "gNB": ", ".join(s.gnbs) or None,
                "PDRs": s.pdrs,
                "QoS flows": "; ".join(s.flows) or None,
                "uplink": f"{s.uplink_packets} packets, {s.uplink_octets} octets",
                "downlink": f"{s.downlink_packets} packets, {s.downlink_octets} octets",
                "above its rates": f"{s.policed} packets",
                "N4": f"SEID {s.seid}, at SMF {s.smf} {s.cp_seid}",
            }
        )
