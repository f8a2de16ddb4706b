"""Dossiers: what is signed verifies offline, and nothing else does."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cinq.assurance.dossier import Dossier, DossierError, build, read, verify
from cinq.assurance.dossier.archive import ENVELOPE, STATEMENT
from cinq.assurance.dossier.compare import lines, page
from cinq.assurance.dossier.report import report
from cinq.assurance.evidence import Folder, new_run, told_of
from cinq.assurance.run import Outcome
from cinq.assurance.verdict import Fact, Judged, Verdict
from cinq.attest.canonical import canonical
from cinq.attest.envelope import pre_authenticated

from .site import asked, found, target

KEY, OTHER, THIRD = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
HOSTILE = '<script>alert("x")</script>&\x00\ud7ff'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evidence of one sub-case that was asked, and of one that was not, in the words of a hostile target."""
    path = tmp_path_factory.mktemp("run")
    described = target()
    kept = Folder(path, new_run(described, b"[core]", "seed", 1.0))
    kept.described(described, '[core]\nk = "00"\n')
    kept.keep(asked("33512-4.2.2.1.2", "A"))
    case, sub = found("33512-4.2.2.6.2", "1")
    facts = (Fact("finding", "x", False, HOSTILE),)
    kept.keep(Outcome(case, sub, Judged(Verdict.FAIL, HOSTILE), facts))
    kept.finished(2.0)
    return path


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    return build(folder).signed(KEY).octets()


def refusal(octets: bytes) -> DossierError:
    with pytest.raises(DossierError) as error:
        verify(octets, [KEY.public_key()])
    return error.value


def test_a_dossier_verifies(whole: bytes) -> None:
    verified = verify(whole, [KEY.public_key(), OTHER.public_key()])
    assert len(verified.trusted) == 1
    assert not verified.others
    verdicts = verified.statement.predicate["verdicts"]
    assert isinstance(verdicts, list)
    assert [one["verdict"] for one in verdicts] == ["PASS", "FAIL"]


def test_secrets_stay_behind(folder: Path, whole: bytes) -> None:
    assert "evidence/keys.csv" not in read(whole).files
    assert "evidence/keys.csv" in build(folder, with_keys=True).files
    assert b'"00"' not in read(whole).files["evidence/target.toml"]


def test_the_same_evidence_makes_the_same_file(folder: Path, whole: bytes) -> None:
    assert build(folder).signed(KEY).octets() == whole


def test_any_byte(whole: bytes) -> None:
    """Wherever it is: in an artefact, in the statement, in a signature, in the container."""
    chance = random.Random(7)
    places = {chance.randrange(len(whole)) for _ in range(150)}
    places |= set(range(64)) | set(range(len(whole) - 64, len(whole)))
    envelope = whole.index(b'{"payload"')
    places |= {envelope + chance.randrange(400) for _ in range(20)}
    for place in sorted(places):
        turned = bytearray(whole)
        turned[place] ^= 1 << chance.randrange(8)
        refusal(bytes(turned))
    refusal(whole + b"\0")
    refusal(whole[:-1])
    refusal(b"")


def changed(whole: bytes, name: str, octets: bytes | None) -> bytes:
    files = dict(read(whole).files)
    files.pop(name, None)
    if octets is not None:
        files[name] = octets
    return Dossier(files).octets()


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("report.html", b"all is well", "report.html: changed"),
        ("junit.xml", None, "junit.xml: removed"),
        ("evidence/more.txt", b"", "evidence/more.txt: added"),
        (STATEMENT, b"{}", "statement.json: changed"),
        (STATEMENT, None, "statement.json: removed"),
        (ENVELOPE, None, "envelope.json: removed"),
        (ENVELOPE, b"{}", "envelope.json: changed"),
    ],
)
def test_the_artefact_is_named(whole: bytes, name: str, octets: bytes | None, said: str) -> None:
    assert said in str(refusal(changed(whole, name, octets)).strerror)


def test_who_signed(folder: Path, whole: bytes) -> None:
    """A second lab signs beside the first; one that nobody trusts is no reason; a signature of other words is none."""
    both = read(whole).signed(OTHER).octets()
    assert len(verify(both, [OTHER.public_key()]).trusted) == 1
    assert len(verify(both, [OTHER.public_key()]).others) == 1
    with pytest.raises(DossierError, match="none of the trusted keys"):
        verify(both, [THIRD.public_key()])
    with pytest.raises(DossierError, match="removed"):
        verify(build(folder).octets(), [KEY.public_key()])
    other = build(folder, with_keys=True).signed(OTHER)
    stolen = {**read(whole).files, ENVELOPE: other.files[ENVELOPE]}
    refusal(Dossier(stolen).octets())


def test_nothing_of_the_target_is_markup(whole: bytes) -> None:
    page = read(whole).files["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "certified" not in page
    assert "approved" not in page


def test_many_open_points_and_long_ladders_are_told_short() -> None:
    """A page of thirty failures and of a campaign's ladder is one that a person opens; what is left out is named."""
    case, sub = found("33512-4.2.2.6.2", "1")
    one = told_of(Outcome(case, sub, Judged(Verdict.FAIL, "x"), ()))
    told = [msgspec.structs.replace(one, sub=f"s{n}") for n in range(30)]
    name = f"evidence/cases/{one.case}/s0/ladder.txt"
    ladder = "\n".join(f"line {n}" for n in range(20_000)).encode()
    page = report(new_run(target(), b"", "seed", 1.0), told, {name: ladder})
    assert "s0, s1, s2 and 27 more" in page
    assert f"… 19700 lines more: {name}" in page
    assert ("line 0\n" in page, "line 10000" in page, "line 19999" in page) == (True, False, True)


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DossierError, match="name the folder of a run"):
        build(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(DossierError, match="not of a run"):
        build(tmp_path)


def test_canonical_json() -> None:
    """RFC 8785 §3.2.3: names by UTF-16 code units; DSSE's own example of what is signed."""
    names: dict[str, object] = {
        "\u20ac": 1,
        "\r": 2,
        "\ufb33": 3,
        "1": 4,
        "\U0001f600": 5,
        "\x80": 6,
        "\xf6": 7,
    }
    assert list(msgspec.json.decode(canonical(names), type=dict[str, int]).values()) == [2, 4, 6, 7, 1, 5, 3]  # type: ignore[arg-type]
    assert (
        canonical({"b": [1, None, True], "a": '"\n\x1f\u20ac'})
        == '{"a":"\\"\\n\\u001f\u20ac","b":[1,null,true]}'.encode()
    )
    assert pre_authenticated(b"hello world", "http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    for no_number in (0.5, 1 << 60):
        with pytest.raises(ValueError, match=r"canonical|beyond"):
            canonical(no_number)  # type: ignore[arg-type]


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(1 << 53) + 1, (1 << 53) - 1), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_canonical_json_is_a_fixed_point(value: object) -> None:
    try:
        octets = canonical(value)  # type: ignore[arg-type]
    except UnicodeEncodeError:
        return  # a lone surrogate has no octets
    assert canonical(msgspec.json.decode(octets)) == octets


def test_products_side_by_side(folder: Path, whole: bytes, tmp_path: Path) -> None:
    other = Folder(tmp_path, new_run(target(), b"[core] # another", "seed", 1.0))
    other.described(target(), "")
    case, sub = found("33512-4.2.2.6.2", "1")
    other.keep(Outcome(case, sub, Judged(Verdict.PASS, "well")))
    one, two = (verify(each, [KEY.public_key()]) for each in (whole, build(tmp_path).signed(KEY).octets()))
    first, second = lines([one, two])
    assert (first.differs, first.verdicts) == (True, ("FAIL", "PASS"))
    assert (second.part, second.verdicts) == ("Not asked of each", ("PASS", "not asked"))
    shown = page([one, two])
    assert "<script" not in shown
    assert shown.index("Where they differ") < shown.index("Not asked of each")
    assert shown.count("<td data-of=") == 4, "on a narrow screen each verdict says whose it is"
    changed = dict(two.statement.predicate) | {"catalogue": {"sha256": "other"}}
    foreign = msgspec.structs.replace(
        two, statement=msgspec.structs.replace(two.statement, predicate=changed)
    )
    with pytest.raises(DossierError, match="versions of the catalogue"):
        lines([one, foreign])
