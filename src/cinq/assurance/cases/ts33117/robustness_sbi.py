"""TS 33.117 §4.4.4 on the SBI: requests that were the undoing of other cores, each with its well-formed twin.

A sub-case has the number of its report (reference `negative-cases.json`); what happened is told there, not here.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from cinq.assurance.case import Play
from cinq.assurance.cases.ts33117 import access_tokens
from cinq.assurance.cases.ts33117.tc_bvt_robustness import CASE
from cinq.assurance.credentials import hs256, public_pem, read, unsigned
from cinq.assurance.sbi.hostile import (
    Place,
    answers,
    at,
    at_nrf,
    refuses,
    refuses_or_ends,
    tells_nothing,
)
from cinq.assurance.sbi.nf import PATCH, REFUSED, query
from cinq.assurance.sbi.services import NOBODY, NOTHING
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check

NRF = ("sbi nrf",)
CERTIFIED = ("sbi certificate",)
STRANGER = "0cb1a0ff-0000-4000-8000-00000000dead"
TAKEN = (200, 201, 204)
NO_TOKEN = (400, 401, 403)
FINE = range(200, 500)
Part = Callable[[Trial, Place], Awaitable[None]]


def negative(name: str, title: str, *needs: str, nrf: bool = True) -> Callable[[Part], Part]:
    """A sub-case at the NRF, or at the UDM as an AMF's request for subscription data."""

    def declare(part: Part) -> Part:
        async def play(trial: Trial) -> None:
            where = at_nrf(trial) if nrf else at(trial, "UDM", "nudm-sdm", "AMF")
            async with where as place:
                await part(trial, place)

        CASE.sub(f"DEV-{name}", title, needs=(*NRF, *needs), within=120.0)(play)
        return part

    return declare


def own_supi(trial: Trial) -> str:
    return f"imsi-{trial.target.scenario().ues()[-1].imsi}"


# tokens


async def _right_token(place: Place) -> None:
    """A control: with the right names there is one."""
    await place.me.token("nudm-sdm", "AMF", "UDM")


@negative("090", "a token of the NRF's for a service of the UDM")
async def scope_of_another(trial: Trial, place: Place) -> None:
    await _right_token(place)
    asked = place.me.ask_for_token("nudm-sdm", "AMF", "NRF")
    await refuses(trial, "targetNfType NRF with the scope nudm-sdm", asked, NO_TOKEN)


@negative("091", "a token for a service that nobody offers")
async def unknown_scope(trial: Trial, place: Place) -> None:
    await _right_token(place)
    await refuses(trial, "scope nsmf-toto", place.me.ask_for_token("nsmf-toto", "AMF", "SMF"), NO_TOKEN)


@negative("092", "a token for another NF instance or type than the certificate's", *CERTIFIED)
async def token_for_another(trial: Trial, place: Place) -> None:
    await _right_token(place)
    ask = place.me.ask_for_token
    other = await place.me.finds("UDM", "AMF", "nudm-sdm")
    named = ask("nudm-sdm", "AMF", "UDM", nfInstanceId=other.instance)
    await refuses(trial, "nfInstanceId of the target's UDM", named, NO_TOKEN)
    await refuses(trial, "nfType SMF of a registered AMF", ask("nudm-sdm", "SMF", "UDM"), NO_TOKEN)


# who may, at the NRF


@negative("093", "a UDM is registered by who is none", *CERTIFIED)
async def registered_by_a_stranger(trial: Trial, place: Place) -> None:
    profile = {**place.me.profile("UDM"), "nfInstanceId": STRANGER, "nfStatus": "REGISTERED"}
    asked = place.me.ask("PUT", f"/nnrf-nfm/v1/nf-instances/{STRANGER}", profile)
    await refuses(trial, "PUT of an instance that the certificate does not name", asked, REFUSED)
    with trial.finding("nobody finds it"):
        found = await place.me.found("UDM", "AMF")
        check.that(STRANGER not in [one.instance.lower() for one in found], "it is found")


@negative("094", "another function's profile is read whole", *CERTIFIED)
async def profile_of_another(trial: Trial, place: Place) -> None:
    me = place.me
    mine = await me.register(me.profile("AMF", allowedNfTypes=["SMF"]))
    own = await answers(trial, "GET of the own profile", me.ask("GET", me.place), (200,))
    with trial.control("who may ask for it is in the own profile"):
        check.that(b"allowedNfTypes" in own.body and mine.status in TAKEN, "it is not")
    other = await me.finds("UDM", "AMF", "nudm-sdm")
    answer = await me.ask("GET", f"/nnrf-nfm/v1/nf-instances/{other.instance}")
    with trial.finding("GET of the UDM's profile is refused, or shows nothing of who may ask for it") as seen:
        seen.text = str(answer)
        check.one_of(answer.status, (200, 401, 403, 404), "the status")
        check.that(b"allowed" not in answer.body or answer.status != 200, "it shows it")


def subscription(place: Place, **changes: object) -> dict[str, object]:
    """About an instance that never registers: nobody is told anything."""
    return {
        "nfStatusNotificationUri": f"{place.me.nrf}/bench/1",
        "reqNfInstanceId": place.me.instance,
        "reqNfType": "AMF",
        "subscrCond": {"nfInstanceId": STRANGER},
        **changes,
    }


async def subscribed(trial: Trial, place: Place) -> None:
    """A control: a subscription of the bench is taken, and ended again."""
    made = place.me.ask("POST", "/nnrf-nfm/v1/subscriptions", subscription(place))
    answer = await answers(trial, "a subscription in the own name", made, (201,))
    await _unsubscribe(place, answer.header("location"))


async def _unsubscribe(place: Place, location: str) -> None:
    if location:
        await place.me.ask("DELETE", f"/nnrf-nfm/v1/subscriptions/{location.rstrip('/').rpartition('/')[2]}")


@negative("095", "a subscription in the name of another", *CERTIFIED)
async def subscribed_by_another(trial: Trial, place: Place) -> None:
    await subscribed(trial, place)
    other = await place.me.finds("UDM", "AMF", "nudm-sdm")
    body = subscription(place, reqNfInstanceId=other.instance, reqNfType="UDM")
    await refuses(
        trial, "reqNfInstanceId of the UDM", place.me.ask("POST", "/nnrf-nfm/v1/subscriptions", body), REFUSED
    )


CASE.sub(
    "DEV-096", "resources of a producer without a token, of a BSF or any other", needs=NRF, within=120.0
)(access_tokens.refused("a request without a token", lambda token: ""))


# what cannot be read, at the UDM


async def data_is_served(trial: Trial, place: Place) -> None:
    target = f"/nudm-sdm/v2/{own_supi(trial)}?dataset-names=AM"
    await answers(trial, "a request for a test subscriber's data", place.ask("GET", target), (200,))


@negative("097", "a list in a query is of the wrong arity", nrf=False)
async def wrong_arity(trial: Trial, place: Place) -> None:
    await data_is_served(trial, place)
    for asked in ("dataset-names=", "dataset-names=AM&dataset-names=SM&dataset-names=", "plmn-id=[]"):
        await refuses(trial, asked, place.ask("GET", f"/nudm-sdm/v2/{own_supi(trial)}?{asked}"))


@negative("098", "no SUPI: NUL, nothing, control characters", nrf=False)
async def no_supi(trial: Trial, place: Place) -> None:
    await data_is_served(trial, place)
    for supi in ("imsi-1%00", "", "imsi-1%0d%0aX", "imsi-%7f", "..%2f..", "imsi-" + "9" * 400):
        asked = place.ask("GET", f"/nudm-sdm/v2/{supi}/am-data")
        await refuses(trial, f"SUPI {supi[:30]!r}", asked)


@negative("099", "an MCC of a million digits")
async def endless_mcc(trial: Trial, place: Place) -> None:
    search = {"target_nf_type": "UDM", "requester_nf_type": "AMF"}
    await answers(trial, "a search", place.ask("GET", query("/nnrf-disc/v1/nf-instances", **search)), (200,))
    plmn = [{"mcc": "9" * 1_000_000, "mnc": "70"}]
    target = query("/nnrf-disc/v1/nf-instances", **search, target_plmn_list=plmn)
    await refuses_or_ends(trial, "target-plmn-list with it", lambda: place.ask("GET", target))


@negative("100", "a path below a resource does not show it", nrf=False)
async def below_a_resource(trial: Trial, place: Place) -> None:
    supi = own_supi(trial)
    served = await answers(trial, "am-data", place.ask("GET", f"/nudm-sdm/v2/{supi}/am-data"), (200,))
    for path in ("am-data/more", "am-dat", "am-data/"):
        answer = await refuses(trial, path, place.ask("GET", f"/nudm-sdm/v2/{supi}/{path}"), (400, 404))
        with trial.finding(f"{path}: nothing of the resource is in the answer"):
            body = b"" if answer is None else answer.body
            check.that(not set(served.tree) & set(_names(body)), "it is")


def _names(body: bytes) -> list[str]:
    try:
        found = json.loads(body)
    except ValueError:
        return []
    return list(found) if isinstance(found, dict) else []


# profiles


async def profiles_refused(trial: Trial, place: Place, *wrong: tuple[str, dict[str, object]]) -> None:
    """Each is refused, and the profile that was there before stays."""
    me = place.me
    await answers(trial, "a profile without it", me.register(me.profile("AMF", capacity=7)), TAKEN)
    await shows(trial, place, 7)
    for what, changes in wrong:
        await refuses(trial, what, me.register(me.profile("AMF", **changes)), (400, 403, 413))
    with trial.finding("the profile that was registered before is unchanged"):
        check.equal((await me.ask("GET", me.place)).tree.get("capacity"), 7, "capacity")


async def shows(trial: Trial, place: Place, capacity: int) -> None:
    """A control: the NRF gives the bench's own profile back."""
    with trial.control("the bench's own profile is given back as it is"):
        answer = await place.me.ask("GET", place.me.place)
        check.equal(answer.tree.get("capacity"), capacity, "capacity")


@negative("101", "a type of network function that nobody knows")
async def unknown_type(trial: Trial, place: Place) -> None:
    me = place.me
    await answers(trial, "a profile of a known type", me.register(me.profile("AMF")), TAKEN)
    answer = await me.register(me.profile("CUSTOM_INF"))
    with trial.finding("nfType CUSTOM_INF is refused or stored") as seen:
        seen.text = str(answer)
        check.one_of(answer.status, FINE, "the status")
        tells_nothing(answer)
    await answers(trial, "a profile of a known type afterwards", me.register(me.profile("AMF")), TAKEN)


@negative("102", "heartbeat timers of nothing and less")
async def no_heartbeat(trial: Trial, place: Place) -> None:
    values: tuple[object, ...] = (0, -1, -(2**63), "x")
    wrong = [(f"heartBeatTimer {value}", {"heartBeatTimer": value}) for value in values]
    await profiles_refused(trial, place, *wrong)


@negative("103", "lists of a profile that are longer than anybody has use for")
async def endless_lists(trial: Trial, place: Place) -> None:
    many = 4000
    plmns = [{"mcc": f"{n % 900 + 100}", "mnc": f"{n % 90 + 10}"} for n in range(many)]
    ranges = [{"start": f"{n:06x}", "end": f"{n:06x}"} for n in range(many)]
    area = {"plmnId": plmns[0], "tacRangeList": ranges}
    amf = {"amfSetId": "001", "amfRegionId": "01", "guamiList": [], "taiRangeList": [area]}
    await profiles_refused(
        trial,
        place,
        (f"plmnList of {many}", {"plmnList": plmns}),
        (f"scpDomains of {many}", {"scpDomains": [f"domain{n}" for n in range(many)]}),
        (f"tacRangeList of {many}", {"amfInfo": amf}),
        (f"sNssais of {many}", {"sNssais": [{"sst": 1, "sd": f"{n:06x}"} for n in range(many)]}),
    )


@negative("104", "a callback URI without a path")
async def pathless_callback(trial: Trial, place: Place) -> None:
    await subscribed(trial, place)
    body = subscription(place, nfStatusNotificationUri="http://192.0.2.1:9")
    answer = await place.me.ask("POST", "/nnrf-nfm/v1/subscriptions", body)
    await _unsubscribe(place, answer.header("location"))
    with trial.finding("nfStatusNotificationUri without a path is refused or taken") as seen:
        seen.text = str(answer)
        check.one_of(answer.status, (201, 400, 403), "the status")
        tells_nothing(answer)


# queries of discovery


async def searches_refused(trial: Trial, place: Place, *wrong: tuple[str, str]) -> None:
    plain = "target-nf-type=UDM&requester-nf-type=AMF"
    await answers(trial, "a search", place.ask("GET", f"/nnrf-disc/v1/nf-instances?{plain}"), (200,))
    for what, more in wrong:
        asked = place.ask("GET", f"/nnrf-disc/v1/nf-instances?{plain}&{more}")
        await refuses(trial, what, asked, (400, 414))


@negative("105", "features of 64 digits")
async def endless_features(trial: Trial, place: Place) -> None:
    await searches_refused(trial, place, ("requester-features of 64 F", f"requester-features={'F' * 64}"))


@negative("106", "two hundred parameters, and one without a name")
async def many_parameters(trial: Trial, place: Place) -> None:
    many = "&".join(f"p{n}=1" for n in range(200))
    await searches_refused(trial, place, ("200 parameters", many), ("a parameter without a name", "=x"))


# sessions


CREATE = "/nsmf-pdusession/v1/sm-contexts"
N1 = bytes.fromhex("2e0165c1ffff91a1")
"""PDU SESSION ESTABLISHMENT REQUEST, PSI 1, IPv4, SSC mode 1 (TS 24.501 §8.3.1)."""


def multipart(root: dict[str, object]) -> bytes:
    """multipart/related with the boundary 'b' (RFC 2387, TS 29.500 §5.4)."""
    head = b"--b\r\nContent-Type: application/json\r\n\r\n" + json.dumps(root).encode()
    n1 = b"\r\n--b\r\nContent-Type: application/vnd.3gpp.5gnas\r\nContent-Id: n1\r\n\r\n" + N1
    return head + n1 + b"\r\n--b--\r\n"


def session_of(place: Place, **changes: object) -> bytes:
    """SmContextCreateData of somebody whom no UDM knows. None takes an attribute away."""
    core = place.me.trial.target.core
    data = {
        "servingNfId": place.me.instance,
        "servingNetwork": {"mcc": core.plmn.mcc, "mnc": core.plmn.mnc},
        "anType": "3GPP_ACCESS",
        "smContextStatusUri": f"{place.me.nrf}/bench/1",
        "supi": NOBODY,
        "pduSessionId": 1,
        "dnn": core.dnns[0],
        "sNssai": {"sst": core.slices[0].sst},
        "n1SmMsg": {"contentId": "n1"},
        **changes,
    }
    return multipart({name: value for name, value in data.items() if value is not None})


RELATED = "multipart/related; boundary=b"


def at_smf(name: str, title: str) -> Callable[[Part], Part]:
    def declare(part: Part) -> Part:
        async def play(trial: Trial) -> None:
            async with at(trial, "SMF", "nsmf-pdusession", "AMF") as place:
                with trial.control(
                    "the well-formed twin is read: it is refused for its subscriber alone"
                ) as seen:
                    answer = await place.ask("POST", CREATE, session_of(place), RELATED)
                    seen.text = str(answer)
                    check.that(answer.status not in (400, 401, 415), f"it is answered {answer}")
                await part(trial, place)
                released = place.ask("POST", f"{CREATE}/{NOTHING}/release", {})
                await answers(trial, "a request for no session", released, (404,))

        CASE.sub(f"DEV-{name}", title, needs=NRF, within=120.0)(play)
        return part

    return declare


@at_smf("107", "a multipart body whose header lines are none")
async def multipart_of_nothing(trial: Trial, place: Place) -> None:
    for what, octets in (
        ("a header line ':'", b"--b\r\n:\r\n\r\n{}\r\n--b--\r\n"),
        ("no header lines", b"--b\r\n\r\n{}\r\n--b--\r\n"),
        ("no end", b"--b\r\nContent-Type: application/json\r\n\r\n{}"),
        ("a thousand beginnings", b"--b\r\n" * 1000),
        ("a header line of 5000 octets", b"--b\r\nContent-Type: " + b"x" * 5000 + b"\r\n\r\n{}\r\n--b--\r\n"),
        ("nothing", b""),
    ):
        await refuses(trial, what, place.ask("POST", CREATE, octets, RELATED))


@at_smf("110", "PDU sessions of no identity and of nobody")
async def sessions_of_nobody(trial: Trial, place: Place) -> None:
    for what, changes in (
        ("pduSessionId 0", {"pduSessionId": 0}),
        ("pduSessionId 256", {"pduSessionId": 256}),
        ("pduSessionId -1", {"pduSessionId": -1}),
        ("no pduSessionId", {"pduSessionId": None}),
        ("an empty supi", {"supi": ""}),
        ("no supi", {"supi": None}),
    ):
        await refuses(trial, what, place.ask("POST", CREATE, session_of(place, **changes), RELATED))


# notifications, and the NRF itself


@negative("111", "a notification for a subscription that the NRF never confirmed", "sbi status callback")
async def notification_of_nothing(trial: Trial, place: Place) -> None:
    me = place.me
    root, _, path = trial.target.sbi.status_callback.partition("://")[2].partition("/")
    scheme = trial.target.sbi.status_callback.partition("://")[0]
    where = f"{scheme}://{root}"
    target = f"/{path}".rpartition("/")[0] + f"/{NOTHING}"
    nobody = f"{me.nrf}/nnrf-nfm/v1/nf-instances/{STRANGER}"
    await answers(
        trial, "a body that is none, at the same place", me.ask("POST", target, b"{", root=where), (400, 404)
    )
    body = {"event": "NF_DEREGISTERED", "nfInstanceUri": nobody}
    await refuses(trial, "the notification", me.ask("POST", target, body, root=where), (400, 401, 403, 404))


@negative("112", "the NRF's own instance is changed and taken away")
async def the_nrf_itself(trial: Trial, place: Place) -> None:
    me = place.me
    patch = [{"op": "replace", "path": "/nfStatus", "value": "SUSPENDED"}]
    own = me.ask("PATCH", me.place, patch, kind=PATCH)
    await answers(trial, "PATCH of the own instance", own, TAKEN)
    await me.register(me.profile("AMF"))
    token, issuer = await me.token("nudm-sdm", "AMF", "UDM"), ""
    with trial.control("the NRF's own instance is known by its tokens") as seen:
        issuer = seen.text = str(read(token)[1].get("iss", ""))
        check.that(bool(issuer), "iss is missing")
    target = f"/nnrf-nfm/v1/nf-instances/{quote(issuer, safe='')}"
    no = (401, 403, 404, 405)
    await refuses(trial, "PATCH", me.ask("PATCH", target, patch, kind=PATCH), no)
    await refuses(trial, "DELETE", me.ask("DELETE", target), no)


@negative("113", "a change of which a part is wrong changes nothing")
async def half_a_change(trial: Trial, place: Place) -> None:
    me = place.me
    await me.register(me.profile("AMF", capacity=7))

    def replace(path: str, value: object) -> dict[str, object]:
        return {"op": "replace", "path": path, "value": value}

    own = me.ask("PATCH", me.place, [replace("/capacity", 8)], kind=PATCH)
    await answers(trial, "a change of capacity", own, TAKEN)
    await shows(trial, place, 8)
    wrong = [replace("/capacity", 9), {"op": "add", "path": "/heartBeatTimer", "value": -1}]
    await refuses(trial, "with heartBeatTimer -1 behind it", me.ask("PATCH", me.place, wrong, kind=PATCH))
    wrong = [replace("/capacity", 9), {"op": "remove", "path": "/nfType"}]
    await refuses(trial, "with nfType removed behind it", me.ask("PATCH", me.place, wrong, kind=PATCH))
    with trial.finding("the profile is unchanged"):
        check.equal((await me.ask("GET", me.place)).tree.get("capacity"), 8, "capacity")


def in_turn(*plays: Play) -> Play:
    async def play(trial: Trial) -> None:
        for one in plays:
            await one(trial)

    return play


CASE.sub(
    "DEV-114",
    "tokens of 'none', of HS256 with the public key, expired, for others, without a scope",
    needs=(*NRF, "sbi token key"),
    within=300.0,
)(
    in_turn(
        access_tokens.refused("a token of 'none'", lambda t: unsigned(t.header, t.claims)),
        access_tokens.refused("a token of HS256", lambda t: hs256(t.header, t.claims, public_pem(t.key))),
        access_tokens.refused("a token that has expired", access_tokens.expired, twin=True),
        access_tokens.refused("a token for others", lambda t: t.signed(aud=[STRANGER]), twin=True),
        access_tokens.refused("a token without a scope", lambda t: t.signed(scope=None), twin=True),
    )
)


@negative("115", "a value that no list has, and a name twice")
async def unknown_and_double(trial: Trial, place: Place) -> None:
    me = place.me
    await answers(trial, "the profile", me.register(me.profile("AMF")), TAKEN)
    answer = await me.register(me.profile("AMF", allowedNfTypes=["AMF", "NO_SUCH_TYPE"]))
    with trial.finding("an unknown value in a list is refused or passed over") as seen:
        seen.text = str(answer)
        check.one_of(answer.status, FINE, "the status")
        tells_nothing(answer)
    whole = json.dumps(me.profile("AMF"))
    double = f'{{"nfType": "UDM", {whole[1:]}'.encode()
    await refuses(trial, "nfType twice", me.ask("PUT", me.place, double), (400,))


@negative("116", "a time with five hundred digits of a second")
async def endless_fraction(trial: Trial, place: Place) -> None:
    await subscribed(trial, place)
    for value in (f"2031-01-01T00:00:00.{'1' * 500}Z", f"{'9' * 500}-01-01T00:00:00Z", "tomorrow"):
        made = place.me.ask("POST", "/nnrf-nfm/v1/subscriptions", subscription(place, validityTime=value))
        answer = await refuses(trial, f"validityTime {value[:24]}...", made, (400,))
        if answer is not None:
            await _unsubscribe(place, answer.header("location"))
