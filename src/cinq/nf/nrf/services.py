"""Nnrf_NFManagement (TS 29.510 §5.2), Nnrf_NFDiscovery (§5.3) and Nnrf_Bootstrapping (§5.5).

With TLS an NF instance speaks for itself alone: the caller's certificate says who it is (TS 33.501 §13.3.1).
"""

from __future__ import annotations

import re
from ipaddress import ip_address

import msgspec

from cinq.eligibility.gate import OPEN, Gate, Ruling
from cinq.nf.nrf import discovery
from cinq.nf.nrf.instances import Instances, read
from cinq.nf.nrf.roaming import Roaming
from cinq.nf.nrf.settings import Settings
from cinq.nf.nrf.subscriptions import Subscriptions
from cinq.nf.nrf.tokens import Tokens
from cinq.procedure import Clock, Journal, Why
from cinq.procedure.store import MemoryStore, Store
from cinq.sbi import Bus, Created, InvalidParam, Problem
from cinq.sbi.caller import caller
from cinq.sbi.json_patch import PatchItem, patched
from cinq.sbi.models import NFType, PlmnId
from cinq.sbi.nf_profile import NFProfile
from cinq.sbi.services.nnrf import (
    BootstrappingInfo,
    Link,
    NnrfBootstrapping,
    NnrfNFDiscovery,
    NnrfNFManagement,
    NotificationEventType,
    SearchQuery,
    SearchResult,
    SubscriptionData,
    UriList,
)
from cinq.sbi.token import SigningKey
from cinq.sbi.whole import Whole

INSTANCE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
VENDOR_ID = re.compile(r"[0-9]{6}", re.ASCII)  # TS 29.510 §6.1.6.3.2
NF_TYPE = re.compile(r"[A-Z0-9_]{2,40}", re.ASCII)
FEATURES = re.compile(r"[0-9A-Fa-f]{0,32}", re.ASCII)
MCC, MNC = re.compile(r"[0-9]{3}", re.ASCII), re.compile(r"[0-9]{2,3}", re.ASCII)
HEARTBEAT_PATHS = frozenset(("/nfStatus", "/load", "/loadTimeStamp"))
LONGEST_LIST = 100  # elements of any list of a profile
NAMED = 20  # faults of a profile that are named
ROOT = "/nnrf-nfm/v1/nf-instances"


class NRF:
    """key: with which it signs access tokens; without it there are none. bus: by which it notifies.

    gate: whom policies of eligibility keep out. One that is drained serves those that know it, and is not found.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        instance_id: str,
        key: SigningKey | None = None,
        store: Store | None = None,
        bus: Bus | None = None,
        gate: Gate = OPEN,
        journal: Journal | None = None,
    ) -> None:
        kept = store or MemoryStore()
        self._settings = settings
        self._gate, self._journal, self._clock = gate, journal or Journal(), clock
        self._bus = bus
        self.instance_id = instance_id
        self._instances = Instances(settings, clock, kept, gate)
        self._drained: set[str] = set()
        self._subscriptions = Subscriptions(clock, kept, bus)
        self._roaming = Roaming(settings, bus)
        self._tokens = (
            None
            if key is None
            else Tokens(
                key, clock, instance_id, self.registered, settings.access_token_s, roaming=self._roaming
            )
        )

    def services(self) -> list[tuple[type, object]]:
        tokens = [] if self._tokens is None else self._tokens.services()
        bootstrapping = _Bootstrapping(self, self._tokens is not None)
        return [
            (NnrfNFManagement, self),
            (NnrfNFDiscovery, self),
            (NnrfBootstrapping, bootstrapping),
            *tokens,
        ]

    def registered(self) -> list[NFProfile]:
        """The profiles, as they are now."""
        return [profile.read for profile in self._instances.all()]

    # Nnrf_NFManagement

    async def nf_register(self, nf_instance_id: str, body: Whole[NFProfile]) -> Created[Whole[NFProfile]]:
        """§5.2.2.2: a registration replaces an earlier one of the same instance. The NRF sets the timer."""
        identifier = nf_instance_id.lower()
        self._own(identifier)
        _check(identifier, body)
        self._let_in(identifier, body.read.vendor_id)
        timer = self._settings.heart_beat_timer
        profile = Whole(
            msgspec.structs.replace(body.read, nf_instance_id=identifier, heart_beat_timer=timer),
            {**body.document, "nfInstanceId": identifier, "heartBeatTimer": timer},
        )
        event: NotificationEventType = (
            "NF_PROFILE_CHANGED" if identifier in self._instances else "NF_REGISTERED"
        )
        self._instances.put(profile)
        await self._tell(event, profile)
        return Created(f"/nf-instances/{identifier}", profile)

    async def nf_update(self, nf_instance_id: str, body: list[PatchItem]) -> Whole[NFProfile] | None:
        """§5.2.2.3: a heartbeat, or a change. All of the patch is applied, or nothing."""
        self._own(nf_instance_id.lower())
        instance = self._instances.known(nf_instance_id)
        before, was_late = instance.profile, self._instances.is_late(instance)
        made = read(patched(msgspec.json.decode(msgspec.json.encode(before.document)), body))
        _check(before.read.nf_instance_id, made)
        if made.read.nf_type != before.read.nf_type:
            raise Problem(403, "MODIFICATION_NOT_ALLOWED", Why("nfType is what an instance is registered as"))
        if made.read.vendor_id != before.read.vendor_id:
            self._let_in(nf_instance_id.lower(), made.read.vendor_id)
        if made.document == before.document:
            self._instances.heard(nf_instance_id)
        else:
            self._instances.put(made)
        if was_late or made.read != before.read:
            await self._tell("NF_PROFILE_CHANGED", made)
        return None if all(item.path in HEARTBEAT_PATHS for item in body) else made

    async def nf_deregister(self, nf_instance_id: str) -> None:
        self._own(nf_instance_id.lower())
        await self._gone(nf_instance_id)

    async def nf_profile(self, nf_instance_id: str) -> Whole[NFProfile]:
        """The whole profile for the instance itself; for others what discovery shows."""
        found = self._instances.current(self._instances.known(nf_instance_id))
        who = caller()
        if who is None or who.may_be(found.read.nf_instance_id):
            return found
        return Whole(found.read, discovery.visible(found.document))

    async def nf_list(self, nf_type: NFType | None, limit: int | None) -> UriList:
        """§5.2.2.8."""
        found = [p.nf_instance_id for p in self.registered() if nf_type is None or p.nf_type == nf_type]
        links: dict[str, Link | list[Link]] = {
            "item": [Link(href=self._uri(f"{ROOT}/{one}")) for one in found[: _limit(limit)]],
            "self": Link(href=self._uri(ROOT)),
        }
        return UriList(links=links, total_item_count=len(found))

    async def subscribe(self, body: SubscriptionData) -> Created[SubscriptionData]:
        return self._subscriptions.subscribe(body)

    async def update_subscription(
        self, subscription_id: str, body: list[PatchItem]
    ) -> SubscriptionData | None:
        return self._subscriptions.update(subscription_id, body)

    async def unsubscribe(self, subscription_id: str) -> None:
        self._subscriptions.unsubscribe(subscription_id)

    async def look(self) -> None:
        """Called each heartbeat: subscribers hear of those that have gone silent; the long silent are forgotten."""
        for identifier, forgotten in list(self._instances.gone_silent()):
            if forgotten:
                await self._gone(identifier)
            else:
                suspended = self._instances.current(self._instances.known(identifier))
                await self._tell("NF_PROFILE_CHANGED", suspended)

    def _let_in(self, identifier: str, vendor_id: str | None) -> None:
        """Problem: a policy keeps it out."""
        ruling = self._ruling(identifier, vendor_id)
        if ruling.refuses:
            raise Problem(403, None, ruling.reason)

    def _ruling(self, identifier: str, vendor_id: str | None) -> Ruling:
        ruling = self._gate.function(identifier, vendor_id)
        self._gate.tell(ruling, "NRF", f"NF {identifier}", self._journal, self._clock)
        (self._drained.add if ruling.drains else self._drained.discard)(identifier)
        return ruling

    async def day_has_come(self) -> None:
        """A rule of eligibility may begin to hold, or end; also at the start, of those that are kept over a restart.
        Who is refused by now is registered no more; subscribers hear of it, and of who is found no more or again."""
        for profile in list(self._instances.all()):
            identifier, was_drained = (
                profile.read.nf_instance_id,
                profile.read.nf_instance_id in self._drained,
            )
            ruling = self._ruling(identifier, profile.read.vendor_id)
            if ruling.refuses:
                await self._gone(identifier)
            elif ruling.drains != was_drained:
                await self._tell(
                    "NF_PROFILE_CHANGED", self._instances.current(self._instances.known(identifier))
                )

    async def _gone(self, identifier: str) -> None:
        """Problem 404."""
        profile = self._instances.remove(identifier)
        self._drained.discard(identifier.lower())
        await self._tell("NF_DEREGISTERED", profile)

    # Nnrf_NFDiscovery

    async def search(self, query: SearchQuery) -> Whole[SearchResult]:
        """§5.3.2.2: instances in status REGISTERED that fit every criterion given, the best first.

        Those of another network its NRF knows (§5.3.2.2.3). Problem 403: there are such, and none of them allows the
        requester (TS 33.501 §13.3.1.1).
        """
        elsewhere = self._roaming.elsewhere(query.target_plmn_list or ())
        if elsewhere is not None:
            return await self._roaming.search(elsewhere, query)
        requester = self._requester(query)
        found = [p for p in self._instances.all() if discovery.fits(p.read, query, requester)]
        if not found and any(discovery.closed(p.read, query, requester) for p in self._instances.all()):
            raise Problem(
                403, None, Why(f"no {query.target_nf_type} that fits allows this {requester.nf_type}")
            )
        best = discovery.ranked(found, query)[: _limit(query.limit)]
        profiles = [discovery.shown(one, query, requester) for one in best]
        document: dict[str, object] = {
            "validityPeriod": self._settings.validity_period,
            "nfInstances": profiles,
        }
        if len(best) < len(found):
            document["numNfInstComplete"] = len(found)
        return Whole(msgspec.convert(document, SearchResult), document)

    def _requester(self, query: SearchQuery) -> NFProfile:
        """Who asks, by its registered profile or by its own words. Problem 400, 403."""
        who, identifier = caller(), (query.requester_nf_instance_id or "").lower()
        guest = self._roaming.is_guest(query.requester_plmn_list or ())
        if not guest and identifier and who is not None and not who.may_be(identifier):
            raise Problem(403, None, Why("requester-nf-instance-id is not of the client's certificate"))
        wrong = {
            "target-nf-type": not NF_TYPE.fullmatch(query.target_nf_type),
            "requester-nf-type": not NF_TYPE.fullmatch(query.requester_nf_type),
            "requester-features": not FEATURES.fullmatch(query.requester_features or ""),
            "snssais": discovery.faulty([*(query.snssais or ()), *(query.requester_snssais or ())]),
        }
        for name, fault in wrong.items():
            if fault:
                cause = "MANDATORY" if name.endswith("nf-type") else "OPTIONAL"
                raise Problem(400, f"{cause}_QUERY_PARAM_INCORRECT", Why(name), InvalidParam(param=name))
        if not guest and identifier in self._instances:
            known = self._instances.known(identifier).profile.read
            if known.nf_type != query.requester_nf_type:
                raise Problem(403, None, Why(f"{identifier} is registered as {known.nf_type}"))
            return known
        if not guest and who is not None and who.tls and not identifier:
            own = [self._instances.known(one).profile.read for one in who.instances if one in self._instances]
            found = [one for one in own if one.nf_type == query.requester_nf_type]
            if own and not found:
                raise Problem(403, None, Why("requester-nf-type is not of the client's certificate"))
            if found:
                return found[0]
        return NFProfile(
            nf_instance_id=identifier,
            nf_type=query.requester_nf_type,
            nf_status="REGISTERED",
            plmn_list=query.requester_plmn_list or [],
            s_nssais=query.requester_snssais or [],
        )

    def _own(self, identifier: str) -> None:
        """An instance is registered, changed and taken away by itself. Problem 401, 403."""
        if identifier == self.instance_id:
            raise Problem(403, "MODIFICATION_NOT_ALLOWED", Why("this is the NRF's own instance"))
        who = caller()
        if who is None or who.may_be(identifier):
            return
        if not who.instances:
            raise Problem(401, None, Why("the client's certificate names no NF instance"))
        raise Problem(403, None, Why("nfInstanceID is not of the client's certificate"))

    async def _tell(self, event: NotificationEventType, profile: Whole[NFProfile]) -> None:
        uri = self._uri(f"{ROOT}/{profile.read.nf_instance_id}")
        letters = self._subscriptions.of(event, profile, uri, self._known)
        if letters:
            await self._subscriptions.tell(letters)

    def _known(self, identifier: str) -> NFProfile | None:
        known = identifier.lower() in self._instances
        return self._instances.known(identifier).profile.read if known else None

    def _uri(self, path: str) -> str:
        return path if self._bus is None else self._bus.uri(path)


class _Bootstrapping:
    """§5.5.2.2: where the services of this NRF are."""

    def __init__(self, nrf: NRF, tokens: bool) -> None:
        self._nrf = nrf
        self._tokens = tokens

    async def get(self) -> BootstrappingInfo:
        nrf = self._nrf
        places = {
            "self": "/bootstrapping",
            "manage": ROOT,
            "subscribe": "/nnrf-nfm/v1/subscriptions",
            "discover": "/nnrf-disc/v1/nf-instances",
        }
        if self._tokens:
            places["authorize"] = "/oauth2/token"
        return BootstrappingInfo(
            status="OPERATIVE",
            links={name: Link(href=nrf._uri(path)) for name, path in places.items()},
            oauth2_required={"nnrf-nfm": False, "nnrf-disc": False},
            nrf_instance_id=nrf.instance_id,
        )


def _limit(wanted: int | None) -> int:
    if wanted is not None and wanted < 1:
        raise Problem(
            400, "OPTIONAL_QUERY_PARAM_INCORRECT", Why(f"limit: {wanted}"), InvalidParam(param="limit")
        )
    return min(wanted or 1000, 1000)


def _check(identifier: str, body: Whole[NFProfile]) -> None:
    """Problem 400 MANDATORY_IE_INCORRECT names what does not hold together."""
    profile = body.read
    faults = {
        "nfInstanceId": not INSTANCE_ID.fullmatch(identifier) or profile.nf_instance_id.lower() != identifier,
        "nfType": not NF_TYPE.fullmatch(profile.nf_type),
        "vendorId": profile.vendor_id is not None and not VENDOR_ID.fullmatch(profile.vendor_id),
        "heartBeatTimer": profile.heart_beat_timer is not None and profile.heart_beat_timer < 1,
        "priority": profile.priority is not None and not 0 <= profile.priority <= 65_535,
        "capacity": profile.capacity is not None and not 0 <= profile.capacity <= 65_535,
        "load": profile.load is not None and not 0 <= profile.load <= 100,
        "sNssais": discovery.faulty([*profile.s_nssais, *profile.allowed_nssais]),
        "plmnList": not all(map(_is_plmn, (*profile.plmn_list, *profile.allowed_plmns))),
        "ipv4Addresses": not all(_is_address(one, 4) for one in profile.ipv4_addresses),
        "ipv6Addresses": not all(_is_address(one, 6) for one in profile.ipv6_addresses),
        **dict.fromkeys(_long(body.document), True),
    }
    wrong = [InvalidParam(param=f"/{name}") for name, fault in faults.items() if fault][:NAMED]
    if wrong:
        names = ", ".join(w.param for w in wrong)
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"profile of {identifier[:60]}: {names}"), *wrong)


def _is_plmn(plmn: PlmnId) -> bool:
    """TS 29.571 §5.4.2."""
    return bool(MCC.fullmatch(plmn.mcc) and MNC.fullmatch(plmn.mnc))


def _is_address(text: str, version: int) -> bool:
    try:
        return ip_address(text).version == version
    except ValueError:
        return False


def _long(tree: object, path: str = "", deep: int = 0) -> list[str]:
    """Lists and maps of a profile that are longer than a profile has use for, or too deep."""
    if deep > 16:
        return [path]
    if isinstance(tree, dict):
        over = [path] if len(tree) > 10 * LONGEST_LIST else []
        below = [(f"{path}/{key}"[:80].lstrip("/"), value) for key, value in tree.items()]
    elif isinstance(tree, list):
        over = [path] if len(tree) > LONGEST_LIST else []
        below = [(path, value) for value in tree]
    else:
        return []
    return over + [each for name, value in below for each in _long(value, name, deep + 1)]
