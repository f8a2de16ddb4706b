"""Two approvers sign for a policy to refuse or drain; nobody else's signature counts, and none for something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cinq.attest import new_key, private_key
from cinq.eligibility import approval, documents, examples
from cinq.eligibility.approval import ApprovalError

MODES = {"ng_setup": "refuse", "terminal": "drain", "nrf_registration": "audit"}


class Desk:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "ca.toml"
        self.path.write_text(examples.text("ca-2022"))
        self.document = documents.policy(self.path)
        made = [new_key(folder / f"{name}.pem") for name in ("ann", "bob", "eve")]
        self.private = [private_key(key) for key, _ in made]
        self.public = [key for _, key in made]
        self.approvers = approval.approvers(self.public[:2])

    def sign(self, *who: int, modes: dict[str, str] = MODES) -> bool:
        kept = True
        for n in who:
            envelope, same = approval.sign(
                approval.statement(self.document, modes), self.private[n], approval.read(self.path)
            )
            approval.file_of(self.path).write_bytes(approval.octets_of(envelope))
            kept = kept and same
        return kept

    def require(self, modes: dict[str, str] = MODES) -> None:
        approval.require(self.document, self.path, modes, self.approvers)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_two_approvers_are_enough(desk: Desk) -> None:
    assert desk.sign(0, 1)
    desk.require()
    desk.require({"ng_setup": "audit", "terminal": "drain"})  # less than was signed for


def test_an_audit_wants_nobody(desk: Desk) -> None:
    desk.require({"ng_setup": "audit", "terminal": "alarm"})


@pytest.mark.parametrize(("who", "found"), [((0,), 1), ((0, 0), 1), ((0, 2), 1), ((2,), 0)])
def test_one_person_is_not_two(desk: Desk, who: tuple[int, ...], found: int) -> None:
    desk.sign(*who)
    with pytest.raises(ApprovalError, match=r"2 approvers have to sign, found") as told:
        desk.require()
    assert ("nobody of them" in str(told.value)) is (found == 0)
    assert "cinq policy sign" in told.value.mend


def test_nobody_has_signed(desk: Desk) -> None:
    with pytest.raises(
        ApprovalError, match="wants ng_setup = refuse, terminal = drain, and nobody has signed"
    ):
        desk.require()


def test_a_signature_is_for_what_was_said(desk: Desk) -> None:
    desk.sign(0, 1, modes={"ng_setup": "drain"})
    with pytest.raises(ApprovalError, match="ng_setup = refuse, signed for is drain"):
        desk.require({"ng_setup": "refuse"})
    with pytest.raises(ApprovalError, match="terminal = drain, signed for is audit or alarm"):
        desk.require({"terminal": "drain"})
    assert not desk.sign(0, modes=MODES)  # a new statement, and bob's signature is gone with the old
    with pytest.raises(ApprovalError, match="found"):
        desk.require()


def test_a_policy_that_was_changed_is_not_signed(desk: Desk) -> None:
    desk.sign(0, 1)
    desk.path.write_text(desk.path.read_text().replace('names = ["ZTE"]', 'names = ["ZTE", "Zed"]'))
    desk.document = documents.policy(desk.path)
    with pytest.raises(ApprovalError, match="was changed after version 1 was signed"):
        desk.require()


def test_a_changed_envelope_is_not_taken(desk: Desk) -> None:
    desk.sign(0, 1)
    file = approval.file_of(desk.path)
    octets = file.read_bytes()
    for at in range(0, len(octets), 7):
        changed = bytearray(octets)
        changed[at] ^= 1
        file.write_bytes(changed)
        with pytest.raises(ApprovalError):
            desk.require()


@pytest.mark.parametrize("octets", [b"", b"{}", b"[" * 100_000, b"x" * (approval.OCTETS + 1)])
def test_what_is_no_envelope(desk: Desk, octets: bytes) -> None:
    approval.file_of(desk.path).write_bytes(octets)
    with pytest.raises(ApprovalError, match="found no signatures"):
        desk.require()


def test_a_statement_about_something_else(desk: Desk) -> None:
    from cinq.attest import signed

    envelope = signed(b'{"_type": "x"}', Ed25519PrivateKey.generate())
    approval.file_of(desk.path).write_bytes(approval.octets_of(envelope))
    with pytest.raises(ApprovalError, match="found no statement about a policy"):
        desk.require()


def test_approvers_are_different_keys(desk: Desk, tmp_path: Path) -> None:
    again = tmp_path / "again.pub.pem"
    again.write_bytes(desk.public[0].read_bytes())
    with pytest.raises(ApprovalError, match=r"again\.pub\.pem is the key of another approver too"):
        approval.approvers((desk.public[0], again))
    with pytest.raises(ApprovalError, match=r"none\.pem"):
        approval.approvers((tmp_path / "none.pem",))
    again.write_text("no key")
    with pytest.raises(ApprovalError, match="wanted an ed25519 public key"):
        approval.approvers((again,))


INVENTORY = '[[gnb]]\nname = "site"\nidentity = "999-70-1/22"\nvendor = "Beta"\nsbom = "gnb.cdx.json"\n'
BILL = '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'


class Store(Desk):
    """The same of an inventory with a bill of materials."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.inventory = folder / "inventory.toml"
        self.inventory.write_text(INVENTORY)
        (folder / "gnb.cdx.json").write_text(BILL)

    def sign_it(self, *who: int) -> None:
        said = approval.inventory_statement(documents.stock(self.inventory))
        for n in who:
            envelope, _ = approval.sign(said, self.private[n], approval.read(self.inventory))
            approval.file_of(self.inventory).write_bytes(approval.octets_of(envelope))

    def require_it(self, modes: dict[str, str] = MODES) -> None:
        stock = documents.stock(self.inventory)
        approval.require_inventory(stock, self.inventory, modes, self.approvers)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_an_inventory_is_signed_by_two_as_well(store: Store) -> None:
    store.require_it({"ng_setup": "audit"})  # where nobody is kept out
    with pytest.raises(ApprovalError, match="and nobody has signed it"):
        store.require_it()
    for who in ((0,), (0, 2)):
        store.sign_it(*who)
        with pytest.raises(ApprovalError, match="2 approvers have to sign"):
            store.require_it()
    store.sign_it(1)
    store.require_it()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("inventory.toml", "Beta", "Gamma"),
        ("gnb.cdx.json", '"1.6"', '"1.5"'),
        ("inventory.toml", "site", "s"),
    ],
)
def test_an_inventory_that_was_changed_is_not_signed(store: Store, name: str, old: str, new: str) -> None:
    store.sign_it(0, 1)
    file = store.path.parent / name
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ApprovalError, match="was changed after it was signed"):
        store.require_it()


def test_a_signature_for_a_policy_is_none_for_an_inventory(store: Store) -> None:
    store.sign(0, 1)
    approval.file_of(store.inventory).write_bytes(approval.file_of(store.path).read_bytes())
    with pytest.raises(ApprovalError, match="found no statement about an inventory"):
        store.require_it()
