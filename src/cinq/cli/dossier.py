"""cinq dossier: the evidence of an assessment in one signed file that a stranger verifies offline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cinq.cli.output import Failure, console, show_json, show_pairs, show_table

if TYPE_CHECKING:
    from cinq.assurance.dossier import Verified

app = typer.Typer(help="Build, sign, verify and show the dossier of an assessment.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The dossier.", show_default=False)]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust", help="A public key that you trust (PEM). May be repeated; one of them must have signed."
    ),
]


Token = Annotated[
    Path | None,
    typer.Option("--timestamp", help="A time stamp of the file (RFC 3161), such as core.zip.tsr."),
]
Authority = Annotated[
    Path | None, typer.Option("--tsa", help="Certificates of time-stamping authorities that you trust (PEM).")
]


@app.command("key")
def key(
    path: Annotated[
        Path, typer.Argument(help="Where the private key goes, such as lab.pem.", show_default=False)
    ],
) -> None:
    """Make an ed25519 key for signing: a private one for you alone, and a public one to hand out."""
    from cinq.attest.envelope import key_id, new_key, public_key

    private, public = new_key(path)
    identity = key_id(public_key(public.read_bytes(), str(public)))
    console().print(
        Text(f"{private}: private, keep it offline\n{public}: public, hand it out\nkey {identity}"),
        soft_wrap=True,
    )


@app.command("build")
def build(
    run: Annotated[Path, typer.Argument(help="The folder of `cinq assess run --out`.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    sign: Annotated[Path | None, typer.Option("--sign", help="A private key (PEM) to sign with.")] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The test subscribers' keys too, to decipher the captures by.")
    ] = False,
    eligibility: Annotated[
        Path | None,
        typer.Option("--eligibility", help="What policies say of the vendor: cinq policy dry-run --json."),
    ] = None,
) -> None:
    """Make a dossier of a run: evidence, report, JUnit, and a statement of their digests. It verifies when signed."""
    from cinq.assurance.dossier import build
    from cinq.attest.envelope import private_key

    with _failures():
        made = build(run, with_keys, b"" if eligibility is None else eligibility.read_bytes())
        if sign is not None:
            made = made.signed(private_key(sign))
    out.write_bytes(made.octets())
    console().print(
        Text(f"{out}: {len(made.files)} artefacts, {'signed' if sign else 'not signed: cinq dossier sign'}")
    )


@app.command("sign")
def sign(file: File, key: Annotated[Path, typer.Option("--key", help="Your private key (PEM).")]) -> None:
    """Sign a dossier that is whole: first, or beside those who signed before (countersigning)."""
    from cinq.assurance.dossier import read
    from cinq.assurance.dossier.verify import verify
    from cinq.attest.envelope import private_key

    with _failures():
        own = private_key(key)
        before = read(file.read_bytes())
        signed = before.signed(own)
        verify(signed.octets(), [own.public_key()])  # what is signed is whole
    file.write_bytes(signed.octets())
    count = len(signed.envelope.signatures)
    console().print(Text(f"{file}: signed; {count} signature{'s' if count > 1 else ''}"))


@app.command("timestamp")
def timestamp(
    file: File,
    url: Annotated[
        str, typer.Option("--url", help="The authority's address, such as http://tsa.example/tsr.")
    ] = "",
    request: Annotated[
        Path | None,
        typer.Option("--request", help="Write the question to this file, to be carried to an authority."),
    ] = None,
) -> None:
    """Have a time-stamping authority say that the dossier is there (RFC 3161). Its answer goes to FILE.tsr."""
    from cinq.assurance.dossier.timestamp import asked
    from cinq.assurance.dossier.timestamp import request as question_of

    if bool(url) == (request is not None):
        raise Failure("one of --url and --request is wanted", "--request where there is no network")
    with _failures():
        question = question_of(file.read_bytes())
        if request is not None:
            request.write_bytes(question)
            console().print(Text(f"{request}: the authority's answer belongs into {file}.tsr"))
            return
        answer = asked(url, question)
    place = file.with_name(f"{file.name}.tsr")
    place.write_bytes(answer)
    console().print(Text(f"{place}: {len(answer)} octets; cinq dossier verify --timestamp judges it"))


@app.command("verify")
def verify(
    file: File,
    trust: Trust = None,
    token: Token = None,
    tsa: Authority = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Is it as it was signed, by a key that you trust? Exit code 1, and the first artefact that is not, when not."""
    found = verified(file, trust)
    stamp = _stamp(file, token, tsa)
    if json:
        when = {} if stamp is None else {"timestamp": stamp}
        facts = {"verified": True, "trusted": found.trusted, "others": found.others}
        show_json({**facts, **when, **found.statement.predicate})
        return
    _say(file, found)
    if stamp is not None:
        show_pairs({"there at the latest": stamp})


@app.command("show")
def show(
    file: File,
    trust: Trust = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the report (HTML) to this file.")
    ] = None,
) -> None:
    """The verdicts of a dossier that verifies. One that does not is not shown."""
    found = verified(file, trust)
    _say(file, found)
    verdicts = found.statement.predicate.get("verdicts")
    rows = [one for one in verdicts if isinstance(one, dict)] if isinstance(verdicts, list) else []
    show_table(
        "",
        ("clause", "case", "sub", "verdict", "reason"),
        [
            (
                f"{o['ts']} {o['clause']}",
                o["case"],
                f"{o['subCase']}{'+' if o['beyond'] else ''}",
                o["verdict"],
                o["reason"],
            )
            for o in rows
        ],
    )
    if report is not None:
        report.write_bytes(found.dossier.files["report.html"])
        console().print(Text(f"report: {report}"))


@app.command("compare")
def compare(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Two dossiers or more.", show_default=False)
    ],
    trust: Trust = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Write the comparison (HTML) to this file.")
    ] = None,
) -> None:
    """Products over the same catalogue, case by case, differences first. Each dossier has to verify."""
    from cinq.assurance.dossier.compare import lines, names
    from cinq.assurance.dossier.compare import page as made

    if len(files) < 2:
        raise Failure("one dossier alone", "name two or more")
    dossiers = [verified(file, trust) for file in files]
    with _failures():
        found = lines(dossiers)
    out = console()
    differing = [line for line in found if line.differs]
    absent = sum(line.part == "Not asked of each" for line in found)
    out.print(f"{len(differing)} of {len(found)} sub-cases differ, {absent} were not asked of each")
    if differing:
        rows = [(line.clause, line.case, line.sub, *line.verdicts) for line in differing]
        show_table("", ("clause", "case", "sub", *names(dossiers)), rows)
    if page is not None:
        page.write_text(made(dossiers))
        out.print(Text(f"page: {page}"))


def verified(file: Path, trust: list[Path] | None) -> Verified:
    """Failure: it does not verify by one of these keys."""
    from cinq.assurance.dossier import verify
    from cinq.attest.envelope import public_key

    if not trust:
        raise Failure(
            "no key to verify by", "give --trust KEY.pub.pem, from whom you trust and not from the dossier"
        )
    with _failures():
        return verify(file.read_bytes(), [public_key(path.read_bytes(), str(path)) for path in trust])


def _stamp(file: Path, token: Path | None, tsa: Path | None) -> str | None:
    """When an authority saw it. Failure: its word does not hold."""
    from cinq.assurance.dossier.timestamp import certificates, stamped

    if token is None and tsa is None:
        return None
    if token is None or tsa is None:
        raise Failure(
            "a time stamp wants --timestamp and --tsa",
            "the authority's certificate comes from whom you trust",
        )
    with _failures():
        return stamped(file.read_bytes(), token.read_bytes(), certificates(tsa)).isoformat()


def _say(file: Path, found: Verified) -> None:
    said = found.statement.predicate
    target = said.get("target")
    declared = target.get("declared", "") if isinstance(target, dict) else ""
    console().print(Text(f"{file}: as it was signed", "green"))
    show_pairs(
        {
            "target": declared,
            "run": said.get("run"),
            "begun": said.get("begun"),
            "coverage": said.get("coverage"),
            "signed by, trusted": ", ".join(one[:16] for one in found.trusted),
            "signed by, others": ", ".join(one[:16] for one in found.others) or None,
        }
    )


@contextmanager
def _failures() -> Iterator[None]:
    """What is wrong with a dossier or a key, as users are told it."""
    from cinq.assurance.dossier import DossierError
    from cinq.attest.envelope import KeyFileError

    try:
        yield
    except DossierError as error:
        raise Failure(f"does not verify: {error.strerror}") from None
    except KeyFileError as error:
        raise Failure(error.strerror or str(error), "cinq dossier key lab.pem makes one") from None
