"""The 5G-EIR: what lists and policies say of a PEI."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.eligibility.gate import OPEN, Gate
from cinq.eligibility.inventory import Inventory
from cinq.nf.eir import EIR, Settings, lists
from cinq.nf.eir.lists import ListError
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.services.n5g_eir import EirResponseData, EquipmentStatus, N5gEirEquipmentIdentityCheck
from cinq.settings.eligibility import Mode
from tests.eligibility.parts import gate

IMEI = "490154203237518"  # TS 23.003 has no example; this one is in every text about Luhn's formula
OTHER = "imeisv-9901542032375101"


def register(unlisted: EquipmentStatus = "WHITELISTED", door: Gate = OPEN, **entries: str) -> EIR:
    store = MemoryStore()
    eir = EIR(Settings(unlisted), store, "eir", door)
    lists.put(store, [lists.entry(what.strip("_").replace("_", "-"), name) for what, name in entries.items()])
    return eir


def ask(eir: EIR, pei: str) -> EirResponseData:
    """By the words of TS 29.511."""

    async def main() -> EirResponseData:
        bus = Bus(checked)
        for service, implementation in eir.services():
            bus.serve(service, implementation, "eir")
        client = bus.client(N5gEirEquipmentIdentityCheck, "AMF")
        return await client.get_equipment_status(pei, "imsi-001010000000001", None)

    return asyncio.run(main())


def test_what_is_on_no_list_is_as_the_settings_say() -> None:
    for status in ("WHITELISTED", "GREYLISTED", "BLACKLISTED"):
        assert ask(register(status), OTHER).status == status  # type: ignore[arg-type]


@pytest.mark.parametrize("pei", [f"imei-{IMEI}", "imei-490154203237510", "imeisv-4901542032375199"])
def test_a_phone_by_its_imei_whatever_its_software(pei: str) -> None:
    """The check digit may be 0 as sent (TS 23.003 §6.2.1)."""
    eir = register(**{IMEI: "black"})
    answer = ask(eir, pei)
    assert answer.status == "BLACKLISTED"
    assert answer.why == f"equipment {IMEI} is on the black list of the 5G-EIR"
    assert answer.mend == f"cinq eir remove {IMEI}"
    assert ask(eir, OTHER).status == "WHITELISTED"
    many = ask(register(**{"4901542032*": "black"}), pei)
    assert many.mend == "cinq eir remove '4901542032*'"


def test_the_entry_that_says_most_counts() -> None:
    store = MemoryStore()
    eir = EIR(Settings(), store, "eir")
    pei = "imeisv-4901542032375112"
    for what, name, status in (
        ("49000000-49999999", "black", "BLACKLISTED"),
        ("49015000-49015999", "grey", "GREYLISTED"),
        ("49015420", "black", "BLACKLISTED"),
        ("4901542032*", "white", "WHITELISTED"),
        (IMEI, "black", "BLACKLISTED"),
        ("4901542032375112", "grey", "GREYLISTED"),
    ):
        lists.put(store, [lists.entry(what, name)])
        assert ask(eir, pei).status == status, what
    for what, status in (
        ("4901542032375112", "BLACKLISTED"),
        (IMEI, "WHITELISTED"),
        ("4901542032*", "BLACKLISTED"),
        ("49015420", "GREYLISTED"),
        ("49015000-49015999", "BLACKLISTED"),
        ("49000000-49999999", "WHITELISTED"),
    ):
        assert lists.remove(store, what)
        assert not lists.remove(store, what)
        assert ask(eir, pei).status == status, what


@pytest.mark.parametrize("pei", ["imei-123", "imeisv-49015420323751x8", "imeisv-490154203237518", "imei-"])
def test_a_pei_that_is_none(pei: str) -> None:
    with pytest.raises(Problem) as caught:
        ask(register(), pei)
    assert (caught.value.status, caught.value.cause) == (400, "MANDATORY_QUERY_PARAM_INCORRECT")


@pytest.mark.parametrize("pei", ["mac-00-00-5E-00-53-00", "eui-00-00-5E-EF-10-00-00-00"])
def test_equipment_without_an_imei_is_on_no_list(pei: str) -> None:
    assert ask(register("GREYLISTED"), pei).status == "GREYLISTED"


@pytest.mark.parametrize(
    ("mode", "status", "may_stay"),
    [
        ("audit", "GREYLISTED", False),
        ("alarm", "GREYLISTED", False),
        ("refuse", "BLACKLISTED", False),
        ("drain", "BLACKLISTED", True),
    ],
)
def test_what_a_policy_says_of_a_type(mode: Mode, status: str, may_stay: bool) -> None:
    door = gate(mode, Inventory())
    answer = ask(register(door=door), "imeisv-3560920412345601")
    assert (answer.status, answer.may_stay) == (status, may_stay)
    assert "terminal 35609204: denied by rule test/no-acme" in str(answer.why)
    assert ask(register(door=door), OTHER).why is None
    alone = register(door=door, **{"3560920412345601": "white"})
    assert ask(alone, "imeisv-3560920412345601").status == "WHITELISTED"  # a person has put this phone there
    many = register(door=door, **{"35609204": "white"})
    assert ask(many, "imeisv-3560920412345601").status == (
        "BLACKLISTED" if status == "BLACKLISTED" else "WHITELISTED"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("490154203237519", "with check digit 9, wanted 8"),
        ("123", "wanted an IMEI"),
        ("35609204-35609203", "the lower code first"),
        ("35609204-35609204", "the lower code first"),
        ("*", "wanted an IMEI"),
        ("٣٥٦٠٩٢٠٤", "wanted an IMEI"),
        ("4901542032375112*", "wanted an IMEI"),
        ("", "wanted an IMEI"),
        ("x" * 10_000, "wanted an IMEI"),
    ],
)
def test_what_is_no_entry(text: str, says: str) -> None:
    with pytest.raises(ListError, match=says) as told:
        lists.parse(text)
    assert len(str(told.value)) < 300


@given(
    st.text(st.sampled_from("0123456789"), min_size=14, max_size=14), st.integers(0, 13), st.integers(1, 9)
)
@settings(max_examples=200, deadline=None)
def test_a_check_digit_finds_every_single_wrong_digit(digits: str, at: int, by: int) -> None:
    right = lists.check_digit(digits)
    wrong = digits[:at] + str((int(digits[at]) + by) % 10) + digits[at + 1 :]
    assert lists.check_digit(wrong) != right
    assert lists.parse(f"{digits}{right}") == digits
    with pytest.raises(ListError):
        lists.parse(f"{wrong}{right}")


LENGTHS = {8: "", 14: "", 16: "", 9: "*", 13: "*"}
ENTRIES = st.one_of(
    st.builds(
        lambda length, number: f"{number % 10**length:0{length}d}{LENGTHS[length]}",
        st.sampled_from(list(LENGTHS)),
        st.integers(0, 10**16),
    ),
    st.builds(
        lambda low, more: f"{low:08d}-{low + more:08d}", st.integers(0, 10**8 - 1001), st.integers(1, 1000)
    ),
)


@given(st.dictionaries(ENTRIES, st.sampled_from(["white", "grey", "black"]), max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_listed_may_be_written_again(entries: dict[str, str]) -> None:
    store = MemoryStore()
    lists.put(store, [lists.entry(what, name) for what, name in entries.items()])
    for one in lists.all_of(store):
        assert lists.parse(one.shown) == one.what
    assert {one.what for one in lists.all_of(store)} == {lists.parse(what) for what in entries}


def test_ranges_are_bounded() -> None:
    store = MemoryStore()
    many = [lists.Entry(f"{n:08d}-{n + 1:08d}", "BLACKLISTED") for n in range(lists.MOST_RANGES)]
    lists.put(store, many)
    with pytest.raises(ListError, match="10001 ranges"):
        lists.put(store, [lists.entry("90000000-90000001", "black")])
    assert len(list(store.items(lists.RANGES))) == lists.MOST_RANGES


def test_a_change_is_noticed_once() -> None:
    store = MemoryStore()
    eir = EIR(Settings(), store, "eir")
    assert not eir.have_changed()
    lists.put(store, [lists.entry("35609204", "black")])
    assert eir.have_changed()
    assert not eir.have_changed()


def test_a_file_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "lists.csv"
    path.write_text(f"# of ours\nequipment;list;note\n{IMEI};black;stolen\n35609204;GREYLISTED;\n\n")
    first, second = lists.read_csv(path)
    assert (first.what, first.status, first.note) == (IMEI[:14], "BLACKLISTED", "stolen")
    assert second.status == "GREYLISTED"
    for text, says in (
        ("equipment,list\n1,black\n", r"lists\.csv:2: found '1', wanted an IMEI"),
        ("equipment,list\n35609204,blue\n", r"lists\.csv:2: list: found 'blue', wanted white, grey or black"),
        (
            "imei,list\n35609204,black\n",
            r"lists\.csv:1: found imei,list, wanted a header with one column equipment",
        ),
        ("", r"lists\.csv:1: found nothing, wanted a header"),
        ("equipment,list\n35609204,black\n35609204,white\n", r"lists\.csv:3: found 35609204 on two lists"),
    ):
        path.write_text(text)
        with pytest.raises(ListError, match=says):
            lists.read_csv(path)
