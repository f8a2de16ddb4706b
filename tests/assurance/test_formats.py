"""The dossier in the forms of others: OSCAL, CycloneDX, RFC 3161, each judged by a foreign reader."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator

from cinq.assurance.dossier import DossierError, build
from cinq.assurance.dossier.timestamp import asked, certificates, request, stamped
from cinq.assurance.evidence import SBOM, Folder, new_run
from cinq.assurance.run import Outcome
from cinq.assurance.verdict import Fact, Judged, Verdict

from .site import found, target

SCHEMA = Path(__file__).with_name("oscal_assessment-results_schema.json")
HOSTILE = '<script>alert("x")</script>\x00\x1b[31m \n'
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
CASES = (
    ("33512-4.2.2.1.2", "A", Verdict.PASS),
    ("33512-4.2.2.6.2", "1", Verdict.FAIL),
    ("33512-4.2.2.5.1", "1", Verdict.INCONCLUSIVE),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    described = target()
    kept = Folder(path, new_run(described, b"[core]", "seed", 1.0))
    kept.described(described, "[core]\n")
    for row, name, verdict in CASES:
        case, sub = found(row, name)
        fact = Fact("finding", HOSTILE, verdict is Verdict.PASS, HOSTILE, 1.5)
        kept.keep(Outcome(case, sub, Judged(verdict, HOSTILE), (fact,)))
    kept.finished(2.0)
    return path


@pytest.fixture(scope="module")
def oscal(folder: Path) -> dict[str, object]:
    whole: dict[str, object] = json.loads(build(folder).files["oscal.json"])
    return whole


def test_oscal_holds_its_schema(oscal: dict[str, object]) -> None:
    schema = json.loads(SCHEMA.read_text())
    faults = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in _schema(schema)(oscal)]
    assert not faults


def _schema(schema: dict[str, object]) -> Callable[..., object]:
    """The published schema, its character classes in Python's regular expressions."""
    text = json.dumps(schema).replace(r"\\p{L}", "[A-Za-z]").replace(r"\\p{N}", "[0-9]")
    return Draft7Validator(json.loads(text)).iter_errors


def test_oscal_says_what_was_told_and_no_more(oscal: dict[str, object]) -> None:
    """Three observations with their verdicts; a finding where there is a PASS or a FAIL of the whole case."""
    result = oscal["assessment-results"]["results"][0]  # type: ignore[index]
    verdicts = [o["props"][0]["value"] for o in result["observations"]]
    assert verdicts == ["PASS", "INCONCLUSIVE", "FAIL"]
    states = {f["target"]["target-id"]: f["target"]["status"]["state"] for f in result["findings"]}
    assert states == {"SCAS-33512-4.2.2.1.2": "satisfied", "SCAS-33512-4.2.2.6.2": "not-satisfied"}


def test_each_artefact_of_oscal_is_in_the_dossier(folder: Path) -> None:
    files = build(folder).files
    whole = json.loads(files["oscal.json"])
    resources = whole["assessment-results"]["back-matter"]["resources"]
    names = [link["href"] for one in resources for link in one.get("rlinks", ())]
    assert sorted(names) == sorted(name for name in files if name.startswith("evidence/"))
    identities = re.findall(r'"uuid":"([0-9a-f-]{36})"', files["oscal.json"].decode())
    assert len(identities) == len(set(identities))


def test_the_bill_of_materials(folder: Path) -> None:
    """It holds its schema, and names what is installed, each thing that is needed among the components."""
    text = (folder / SBOM).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    names = {one["name"] for one in bill["components"]}
    assert {"msgspec", "cryptography", "cffi", "pycparser", "CPython", "OpenSSL"} <= names
    assert "pytest" not in names
    refs = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {ref for one in bill["dependencies"] for ref in (one["ref"], *one["dependsOn"])} <= refs


CONFIGURATION = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamping authority: openssl, with keys of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
        (folder / "extensions").write_text(
            "extendedKeyUsage=critical,timeStamping\nbasicConstraints=critical,CA:FALSE\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        for name in ("root", "tsa"):
            self._run(f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key")
        self._run("req -x509 -key root.key -subj /CN=root -days 30 -out root.pem")
        self._run("req -new -key tsa.key -subj /CN=tsa -out tsa.csr")
        signing = "-CA root.pem -CAkey root.key -CAcreateserial -extfile extensions"
        self._run(f"x509 -req -in tsa.csr {signing} -days 30 -out tsa.pem")
        self.root = folder / "root.pem"

    def answer(self, question: bytes) -> bytes:
        (self._folder / "question").write_bytes(question)
        own = "-signer tsa.pem -inkey tsa.key"
        self._run(f"ts -reply -config tsa.cnf -queryfile question {own} -out answer")
        return (self._folder / "answer").read_bytes()

    def _run(self, words: str) -> None:
        subprocess.run(("openssl", *words.split()), cwd=self._folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def signed(folder: Path) -> bytes:
    return build(folder).signed(KEY).octets()


def test_a_time_stamp(signed: bytes, authority: Authority, tmp_path: Path) -> None:
    """It holds for these octets and by this authority alone."""
    before = datetime.now(UTC).replace(microsecond=0)
    token = authority.answer(request(signed))
    roots = certificates(authority.root)
    assert before <= stamped(signed, token, roots) <= datetime.now(UTC)
    with pytest.raises(DossierError, match="does not hold"):
        stamped(signed + b"\0", token, roots)
    stranger = Authority(tmp_path)
    with pytest.raises(DossierError, match="does not hold"):
        stamped(signed, token, certificates(stranger.root))


@pytest.mark.parametrize("token", [b"", b"0", b"0\x03\x02\x01\x02", b"\xff" * 64])
def test_what_is_no_time_stamp(signed: bytes, authority: Authority, token: bytes) -> None:
    with pytest.raises(DossierError):
        stamped(signed, token, certificates(authority.root))


def test_an_authority_is_asked_over_http(signed: bytes, authority: Authority) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(authority.answer(question))

        def log_message(self, *words: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        token = asked(f"http://127.0.0.1:{server.server_port}/", request(signed))
    assert stamped(signed, token, certificates(authority.root))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/", "nonsense", "http://[::1/"])
def test_an_authority_that_is_not_there(url: str) -> None:
    with pytest.raises(DossierError):
        asked(url, b"question")


RULED = [
    {
        "element": "site-1<script>",
        "policy": "ca-2022",
        "date": "2026-11-30",
        "verdict": "review",
        "why": "declared vendor <b>X</b>",
        "findings": [{"rule": "orders", "status": "proposed", "citation": "Act s.15", "keptOut": False}],
    }
]


def test_eligibility_has_a_box_of_its_own(folder: Path) -> None:
    """What policies say is shown beside the verdicts, escaped, and is in none of them."""
    plain, ruled = build(folder), build(folder, ruled=json.dumps(RULED).encode())
    assert "not examined" in plain.files["report.html"].decode()
    page = ruled.files["report.html"].decode()
    assert "1 review" in page
    assert "ca-2022/orders (proposed): Act s.15" in page
    assert "<script>" not in page
    assert "&lt;b&gt;X" in page
    for name in ("oscal.json", "junit.xml"):
        assert ruled.files[name] == plain.files[name]
    verdicts = [json.loads(one.files["statement.json"])["predicate"] for one in (plain, ruled)]
    assert verdicts[0] == verdicts[1]
    assert "eligibility.json" in ruled.files["statement.json"].decode()


@pytest.mark.parametrize("octets", [b"[]", b"{", b'[{"element": 1}]', b'{"a": 1}'])
def test_what_is_no_finding_of_a_policy(folder: Path, octets: bytes) -> None:
    with pytest.raises(DossierError, match="dry-run"):
        build(folder, ruled=octets)
