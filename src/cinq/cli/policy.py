"""cinq policy: what the PCF grants one subscriber beyond the subscription, which a running core applies at once.

Policies of eligibility, whom the network lets in, are beside it (cinq.cli.eligibility).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
import typer

from cinq.cli import eligibility
from cinq.cli.output import Failure, settings, show_json, show_table
from cinq.cli.subscriber import AsJson, Config, open_store, supi_of
from cinq.nf.udr import policies, provisioning
from cinq.numbering import NumberingError, SNssai, Supi
from cinq.operator_identifier import network_identifier
from cinq.sbi.models import Ambr, Area, ServiceAreaRestriction, Snssai, bit_rate
from cinq.sbi.services.npcf_smpolicycontrol import AuthorizedDefaultQos
from cinq.sbi.services.nudr_policy import AccessPolicy, PolicyElement, RulePolicy, SessionPolicy
from cinq.settings import check
from cinq.settings.network import NetworkSettings
from cinq.settings.policy import Rule
from cinq.settings.toml import BitRate
from cinq.settings.toml import bit_rate as parsed_rate
from cinq.transport.write_behind import WriteBehind

app = typer.Typer(
    help="What the PCF grants one subscriber; and whom policies of eligibility keep out: check, dry-run, sign.",
    no_args_is_help=True,
)
eligibility.add_to(app)

Imsi = Annotated[str, typer.Argument(help="IMSI of the subscriber.")]
Slices = Annotated[list[str] | None, typer.Option("--slice", help="S-NSSAI where it holds; else everywhere.")]
Dnn = Annotated[str, typer.Option(help="DNN where it holds; else in every one.")]


@app.command("add")
def add(
    imsi: Imsi,
    name: Annotated[str, typer.Argument(help="Name of the rule; one of that name is replaced.")],
    filters: Annotated[
        list[str],
        typer.Option(
            "--filter",
            help="Packets, as 'permit out 17 from 198.51.100.0/24 5004 to assigned'. May be repeated.",
        ),
    ],
    five_qi: Annotated[int, typer.Option(help="5QI of the QoS flow.")] = 9,
    dnn: Dnn = "",
    slices: Slices = None,
    direction: Annotated[str, typer.Option(help="both, uplink or downlink.")] = "both",
    precedence: Annotated[int, typer.Option(help="1 to 254; the lower, the earlier.")] = 100,
    gbr_uplink: Annotated[str, typer.Option(help="Guaranteed bit rate, uplink, as '1 Mbps'.")] = "",
    gbr_downlink: Annotated[str, typer.Option(help="Guaranteed bit rate, downlink.")] = "",
    mbr_uplink: Annotated[str, typer.Option(help="Maximum bit rate, uplink.")] = "",
    mbr_downlink: Annotated[str, typer.Option(help="Maximum bit rate, downlink.")] = "",
    arp: Annotated[int, typer.Option(help="ARP priority level, 1 to 15.")] = 8,
    may_preempt: Annotated[bool, typer.Option(help="The flow may take resources from others.")] = False,
    preemptable: Annotated[bool, typer.Option(help="Others may take its resources.")] = True,
    reflective: Annotated[bool, typer.Option(help="Reflective QoS.")] = False,
    notify: Annotated[bool, typer.Option(help="The gNB tells when it cannot keep the rate.")] = False,
    gate: Annotated[str, typer.Option(help="open or closed.")] = "open",
    rating_group: Annotated[int, typer.Option(help="Of what is used by it; 0: that of the DNN.")] = 0,
    config: Config = None,
) -> None:
    """Give packets of a subscriber a QoS flow."""
    check_word("--direction", direction, "both", "uplink", "downlink")
    check_word("--gate", gate, "open", "closed")
    try:
        rule = Rule(
            name=name,
            filters=tuple(filters),
            five_qi=five_qi,
            dnn=dnn,
            slices=_slices(slices),
            direction=cast(Literal["both", "uplink", "downlink"], direction),
            precedence=precedence,
            gbr_uplink=_rate("gbr_uplink", gbr_uplink),
            gbr_downlink=_rate("gbr_downlink", gbr_downlink),
            mbr_uplink=_rate("mbr_uplink", mbr_uplink),
            mbr_downlink=_rate("mbr_downlink", mbr_downlink),
            arp=arp,
            may_preempt=may_preempt,
            preemptable=preemptable,
            reflective=reflective,
            notify=notify,
            gate=cast(Literal["open", "closed"], gate),
            rating_group=rating_group,
        )
    except ValueError as error:
        raise _fault(error) from None
    _put(config, imsi, name, policies.element(rule), dnn)


@app.command("session")
def session(
    imsi: Imsi,
    ambr_uplink: Annotated[str, typer.Option(help="Session AMBR, uplink, as '10 Mbps'.")] = "",
    ambr_downlink: Annotated[str, typer.Option(help="Session AMBR, downlink.")] = "",
    five_qi: Annotated[int, typer.Option(help="5QI of the default QoS flow; 0: as subscribed.")] = 0,
    denied: Annotated[bool, typer.Option("--denied", help="No such sessions: those there are end.")] = False,
    dnn: Dnn = "",
    slices: Slices = None,
    config: Config = None,
) -> None:
    """Session AMBR and default QoS in place of the subscribed ones, or no sessions at all."""
    if bool(ambr_uplink) != bool(ambr_downlink) or not (ambr_uplink or five_qi or denied):
        raise Failure(
            "wanted both bit rates, a 5QI, or --denied", "add --ambr-uplink ... --ambr-downlink ..."
        )
    try:
        rates = [_rate("ambr_uplink", ambr_uplink), _rate("ambr_downlink", ambr_downlink)]
        check.within("five_qi", five_qi, 0, 254)
        value = SessionPolicy(
            dnn=network_identifier(dnn) if dnn else None,
            single_nssais=[Snssai.of(s) for s in _slices(slices)],
            sess_ambr=Ambr(uplink=bit_rate(rates[0]), downlink=bit_rate(rates[1])) if ambr_uplink else None,
            def_qos=AuthorizedDefaultQos(five_qi=five_qi) if five_qi else None,
            denied=denied,
        )
    except ValueError as error:
        raise _fault(error) from None
    _put(config, imsi, f"session-{dnn}" if dnn else "session", value, dnn)


@app.command("access")
def access(
    imsi: Imsi,
    rfsp: Annotated[int, typer.Option(help="RFSP index, 1 to 256; 0: as subscribed.")] = 0,
    ambr_uplink: Annotated[str, typer.Option(help="UE-AMBR, uplink.")] = "",
    ambr_downlink: Annotated[str, typer.Option(help="UE-AMBR, downlink.")] = "",
    allowed_tacs: Annotated[
        list[int] | None, typer.Option("--allowed-tac", help="The only areas with service.")
    ] = None,
    non_allowed_tacs: Annotated[
        list[int] | None, typer.Option("--non-allowed-tac", help="Areas without service.")
    ] = None,
    config: Config = None,
) -> None:
    """RFSP index, UE-AMBR and service area in place of the subscribed ones."""
    if bool(ambr_uplink) != bool(ambr_downlink) or (allowed_tacs and non_allowed_tacs):
        raise Failure("wanted both bit rates or none, and allowed or non-allowed areas, not both")
    tacs = allowed_tacs or non_allowed_tacs or []
    try:
        check.within("rfsp", rfsp, 0, 256)
        check.tacs("allowed_tac" if allowed_tacs else "non_allowed_tac", tacs)
        rates = [_rate("ambr_uplink", ambr_uplink), _rate("ambr_downlink", ambr_downlink)]
    except ValueError as error:
        raise _fault(error) from None
    area = ServiceAreaRestriction(
        restriction_type="ALLOWED_AREAS" if allowed_tacs else "NOT_ALLOWED_AREAS",
        areas=[Area(tacs=[f"{tac:06x}" for tac in tacs])],
    )
    value = AccessPolicy(
        rfsp=rfsp or None,
        ue_ambr=Ambr(uplink=bit_rate(rates[0]), downlink=bit_rate(rates[1])) if ambr_uplink else None,
        serv_area_res=area if tacs else None,
    )
    if value == AccessPolicy():
        raise Failure("nothing to set", f"cinq policy access {imsi} --rfsp 5")
    _put(config, imsi, "access", value)


@app.command("list")
def list_(imsi: Imsi, config: Config = None, json: AsJson = False) -> None:
    """Show what is granted to a subscriber."""
    with _store(config) as (store, _):
        found = policies.get(store, _subscriber(store, imsi))
    if json:
        show_json(msgspec.to_builtins(found))
        return
    show_table("", ("name", "kind", "DNN", "what"), [_row(name, value) for name, value in found.items()])


@app.command("remove")
def remove(
    imsi: Imsi,
    name: Annotated[str, typer.Argument(help="Name as `cinq policy list` shows it.")],
    config: Config = None,
) -> None:
    """Take back what was granted."""
    with _store(config) as (store, _):
        supi = _subscriber(store, imsi)
        if not policies.remove(store, supi, name):
            raise Failure(f"{supi} has no policy {name!r}", f"cinq policy list {imsi}")
    typer.echo(f"removed {name} of {supi}")


def _put(config: Path | None, imsi: str, name: str, value: PolicyElement, dnn: str = "") -> None:
    with _store(config) as (store, network):
        supi = _subscriber(store, imsi)
        names = [d.identifier for d in network.dnn]
        if dnn and network_identifier(dnn) not in names:
            raise Failure(f"--dnn: this network has no DNN {dnn}", f"give one of {', '.join(names)}")
        policies.put(store, supi, name, value)
    typer.echo(f"{name} of {supi} set")


@contextmanager
def _store(config: Path | None) -> Iterator[tuple[WriteBehind, NetworkSettings]]:
    with open_store(config) as store:
        yield store, settings(NetworkSettings, config)


def _subscriber(store: WriteBehind, imsi: str) -> Supi:
    supi = supi_of(imsi)
    if provisioning.get(store, supi) is None:
        raise Failure(f"no subscriber {supi}", f"cinq subscriber add {supi} --k ... --opc ...")
    return supi


def _rate(key: str, text: str) -> BitRate:
    try:
        return parsed_rate(text) if text else BitRate(0)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _slices(texts: list[str] | None) -> tuple[SNssai, ...]:
    try:
        return tuple(SNssai.parse(text) for text in texts or ())
    except NumberingError as error:
        raise ValueError(f"slice: {error}") from None


def check_word(option: str, found: str, *wanted: str) -> None:
    if found not in wanted:
        raise Failure(f"{option}: found {found!r}, wanted {', '.join(wanted[:-1])} or {wanted[-1]}")


def _fault(error: ValueError) -> Failure:
    """'gbr_downlink: found ...' is said of the option."""
    key, _, what = str(error).partition(": ")
    option = {"filters": "--filter", "slices": "--slice", "name": "name"}.get(
        key, f"--{key.replace('_', '-')}"
    )
    return Failure(f"{option}: {what}")


def _row(name: str, value: PolicyElement) -> tuple[str, str, str, str]:
    match value:
        case RulePolicy():
            said = [f"5QI {value.qos.five_qi}"]
            if value.qos.gbr_ul or value.qos.gbr_dl:
                said.append(f"guaranteed {value.qos.gbr_ul or 'none'} up, {value.qos.gbr_dl or 'none'} down")
            said += [str(flow.flow_description) for flow in value.pcc_rule.flow_infos or ()]
            return name, "rule", value.dnn or "all", "; ".join(said)
        case SessionPolicy():
            rates, qos = value.sess_ambr, value.def_qos
            said = ["denied"] if value.denied else []
            said += [f"AMBR {rates.uplink} up, {rates.downlink} down"] if rates else []
            return (
                name,
                "session",
                value.dnn or "all",
                "; ".join([*said, *([f"5QI {qos.five_qi}"] if qos else [])]),
            )
        case AccessPolicy():
            said = [f"RFSP {value.rfsp}"] if value.rfsp else []
            if value.ue_ambr:
                said.append(f"UE-AMBR {value.ue_ambr.uplink} up, {value.ue_ambr.downlink} down")
            if (area := value.serv_area_res) is not None:
                kind = "allowed" if area.restriction_type == "ALLOWED_AREAS" else "non-allowed"
                said.append(f"{kind} areas {', '.join(str(int(t, 16)) for a in area.areas for t in a.tacs)}")
            return name, "access", "", "; ".join(said)
