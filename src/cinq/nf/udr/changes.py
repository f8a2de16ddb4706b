"""Changes of what is provisioned, from who made them to who wants to know (Nudr_DM_Notify, TS 29.504 §5.2.2.8).

The commands write beside a running core, or while none runs. With each change they leave a note in the store; the UDR
finds it, tells its subscribers and takes the note away, so that no change is lost to a crash of either.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import msgspec

from cinq.nf.udr import records
from cinq.procedure.store import Store
from cinq.sbi.models import ChangeItem, NotifyItem
from cinq.sbi.services.nudr_dr import ProvisionedDataSets

COLLECTION = "data-changes"
AUTHENTICATION = "/subscription-data/{}/authentication-data/authentication-subscription"
PROVISIONED = "/subscription-data/{}/{}/provisioned-data/{}"


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """before: what was provisioned until then; None where that is as it was. policy: the policy data have changed."""

    before: ProvisionedDataSets | None = None
    policy: bool = False


_decode = msgspec.json.Decoder(Note).decode


def leave(store: Store, supi: str, note: Note) -> None:
    """Before the change is written: a note that turns out to be about nothing is harmless."""
    key = f"{supi}/{time.time_ns():020d}-{secrets.token_hex(4)}"
    store.put(COLLECTION, key, msgspec.json.encode(note))


def pending(store: Store) -> Iterator[tuple[str, list[str], Note]]:
    """For each subscriber: the keys of its notes, and what they say together."""
    found: dict[str, tuple[list[str], Note]] = {}
    for key, octets in store.items(COLLECTION):
        supi = key.partition("/")[0]
        keys, old = found.get(supi, ([], Note()))
        new = _decode(octets)
        found[supi] = ([*keys, key], Note(old.before or new.before, old.policy or new.policy))
    for supi, (keys, note) in found.items():
        yield supi, keys, note


def items(store: Store, supi: str, plmn: str, note: Note) -> list[NotifyItem]:
    """What has changed since the note, resource by resource; nothing where all is as it was."""
    if store.get(records.AUTHENTICATION_SUBSCRIPTION.collection, supi) is None:
        gone = ChangeItem(op="REMOVE", path="")
        return [NotifyItem(resource_id=AUTHENTICATION.format(supi), changes=[gone])]
    before, after = note.before, records.PROVISIONED_DATA.read(store, supi)
    found: list[NotifyItem] = []
    if before is None:
        return found
    for name, attribute in (
        ("am-data", "am_data"),
        ("smf-selection-subscription-data", "smf_sel_data"),
        ("sm-data", "sm_data"),
    ):
        changes = list(_changes(getattr(before, attribute, None), getattr(after, attribute, None)))
        if changes:
            uri = PROVISIONED.format(supi, plmn, name)
            found.append(NotifyItem(resource_id=uri, changes=changes))
    return found


def _changes(before: object, after: object) -> Iterator[ChangeItem]:
    """Attribute by attribute of an object; a list is one value."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new:
            yield _change("", old, new)
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield _change(f"/{name}", old.get(name), new.get(name))


def _change(path: str, old: object, new: object) -> ChangeItem:
    if new is None:
        return ChangeItem(op="REMOVE", path=path)
    value = msgspec.Raw(msgspec.json.encode(new))
    return ChangeItem(op="ADD" if old is None else "REPLACE", path=path, new_value=value)
