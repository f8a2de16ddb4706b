"""The services against the 3GPP OpenAPI files: paths, methods, statuses, attributes, enumerations."""

from __future__ import annotations

import functools
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from cinq.sbi.extensible import Known
from cinq.sbi.operation import Created, Model, Multipart, Operation, operations
from cinq.sbi.request import is_list_of_text, is_text
from cinq.sbi.services.n5g_eir import N5gEirEquipmentIdentityCheck
from cinq.sbi.services.n32c_handshake import N32cHandshake
from cinq.sbi.services.namf_communication import NamfCommunication
from cinq.sbi.services.namf_eventexposure import NamfEventExposure, NnefEventCallback
from cinq.sbi.services.namf_location import NamfLocation
from cinq.sbi.services.nausf_ueauthentication import NausfUEAuthentication
from cinq.sbi.services.nbsf_management import NbsfManagement
from cinq.sbi.services.nchf_convergedcharging import NchfConvergedCharging, NsmfChargingCallback
from cinq.sbi.services.nchf_spendinglimitcontrol import NchfSpendingLimitControl, NpcfSpendingLimitCallback
from cinq.sbi.services.nef_monitoring import AfMonitoringCallback, NefMonitoringEvent
from cinq.sbi.services.nef_northbound import AfCallback, NefAsSessionWithQoS, NefTrafficInfluence
from cinq.sbi.services.nnrf import NfStatusCallback, NnrfBootstrapping, NnrfNFDiscovery, NnrfNFManagement
from cinq.sbi.services.nnrf_accesstoken import AccessTokenClaims, AccessTokenErr, NnrfAccessToken
from cinq.sbi.services.nnssf_nssaiavailability import NnssfNSSAIAvailability
from cinq.sbi.services.nnssf_nsselection import NnssfNSSelection
from cinq.sbi.services.npcf_ampolicycontrol import NamfPolicyCallback, NpcfAMPolicyControl
from cinq.sbi.services.npcf_policyauthorization import NnefPolicyCallback, NpcfPolicyAuthorization
from cinq.sbi.services.npcf_smpolicycontrol import NpcfSMPolicyControl, NsmfPolicyCallback
from cinq.sbi.services.nsmf_eventexposure import AfSessionCallback, NsmfEventExposureService
from cinq.sbi.services.nsmf_pdusession import NsmfPDUSession
from cinq.sbi.services.nudm_ee import NudmEventExposure
from cinq.sbi.services.nudm_sdm import NamfSdmCallback, NsmfSdmCallback, NudmSubscriberDataManagement
from cinq.sbi.services.nudm_ueau import NudmUEAuthentication
from cinq.sbi.services.nudm_uecm import NamfUecmCallback, NudmUEContextManagement
from cinq.sbi.services.nudr_dr import NudmDataChangeCallback, NudrDataRepository
from cinq.sbi.services.nudr_policy import NpcfPolicyDataCallback, NudrPolicyData

FILES = {
    N32cHandshake: "TS29573_N32_Handshake.yaml",
    N5gEirEquipmentIdentityCheck: "TS29511_N5g-eir_EquipmentIdentityCheck.yaml",
    NamfCommunication: "TS29518_Namf_Communication.yaml",
    NbsfManagement: "TS29521_Nbsf_Management.yaml",
    NchfConvergedCharging: "TS32291_Nchf_ConvergedCharging.yaml",
    NchfSpendingLimitControl: "TS29594_Nchf_SpendingLimitControl.yaml",
    NausfUEAuthentication: "TS29509_Nausf_UEAuthentication.yaml",
    NnrfAccessToken: "TS29510_Nnrf_AccessToken.yaml",
    NnrfNFManagement: "TS29510_Nnrf_NFManagement.yaml",
    NnrfNFDiscovery: "TS29510_Nnrf_NFDiscovery.yaml",
    NnrfBootstrapping: "TS29510_Nnrf_Bootstrapping.yaml",
    NnssfNSSAIAvailability: "TS29531_Nnssf_NSSAIAvailability.yaml",
    NnssfNSSelection: "TS29531_Nnssf_NSSelection.yaml",
    NpcfAMPolicyControl: "TS29507_Npcf_AMPolicyControl.yaml",
    NpcfSMPolicyControl: "TS29512_Npcf_SMPolicyControl.yaml",
    NamfLocation: "TS29518_Namf_Location.yaml",
    NamfEventExposure: "TS29518_Namf_EventExposure.yaml",
    NudmEventExposure: "TS29503_Nudm_EE.yaml",
    NefMonitoringEvent: "TS29122_MonitoringEvent.yaml",
    NefAsSessionWithQoS: "TS29122_AsSessionWithQoS.yaml",
    NefTrafficInfluence: "TS29522_TrafficInfluence.yaml",
    NpcfPolicyAuthorization: "TS29514_Npcf_PolicyAuthorization.yaml",
    NsmfEventExposureService: "TS29508_Nsmf_EventExposure.yaml",
    NsmfPDUSession: "TS29502_Nsmf_PDUSession.yaml",
    NudmSubscriberDataManagement: "TS29503_Nudm_SDM.yaml",
    NudmUEAuthentication: "TS29503_Nudm_UEAU.yaml",
    NudmUEContextManagement: "TS29503_Nudm_UECM.yaml",
    NudrDataRepository: "TS29505_Subscription_Data.yaml",
    NudrPolicyData: "TS29519_Policy_Data.yaml",
}
# Notifications: who receives them chooses the path, the API gives the shapes.
CALLBACKS = {
    NfStatusCallback: "TS29510_Nnrf_NFManagement.yaml",
    NnefEventCallback: "TS29518_Namf_EventExposure.yaml",
    AfMonitoringCallback: "TS29122_MonitoringEvent.yaml",
    AfSessionCallback: "TS29508_Nsmf_EventExposure.yaml",
    AfCallback: "TS29122_AsSessionWithQoS.yaml",
    NnefPolicyCallback: "TS29514_Npcf_PolicyAuthorization.yaml",
    NamfPolicyCallback: "TS29507_Npcf_AMPolicyControl.yaml",
    NamfSdmCallback: "TS29503_Nudm_SDM.yaml",
    NamfUecmCallback: "TS29503_Nudm_UECM.yaml",
    NsmfPolicyCallback: "TS29512_Npcf_SMPolicyControl.yaml",
    NpcfPolicyDataCallback: "TS29519_Policy_Data.yaml",
    NpcfSpendingLimitCallback: "TS29594_Nchf_SpendingLimitControl.yaml",
    NsmfChargingCallback: "TS32291_Nchf_ConvergedCharging.yaml",
    NsmfSdmCallback: "TS29503_Nudm_SDM.yaml",
    NudmDataChangeCallback: "TS29505_Subscription_Data.yaml",
}
# Shapes that the API writes in place of a named schema.
# Extensible in the API, but what is done hangs on the value: another one is refused with 400.
ACTED_UPON = {
    "authType",  # how to authenticate
    "authenticationMethod",
    "sqnScheme",
    "upCnxState",  # what to do with the user plane
    "hoState",
    "n2SmInfoType",  # how to read the octets beside it
    "ngapIeType",
    "requestType",
    "op",  # a change of JSON
    "restrictionType",  # where a UE may have service
    "preemptCap",
    "preemptVuln",
    "upIntegr",  # protection of user data
    "upConfid",
    "ruleStatus",
    "ruleOp",
    "flowStatus",
    "flowDirection",
    "scheme",  # of a URI
    "transport",
}
SHARED = {"N2InfoContent.ngapIeType"}  # one type for both ways of what SMF and gNB say to each other
UNNAMED = {"Link", "SmContextRefused", "AccessPolicy", "RulePolicy", "SessionPolicy"}
# Members that say to a person why, and our AMF what follows; who does not know them passes over them.
# And the time of issue, which TS 33.501 13.4.1.1.2 allows and RFC 7519 4.1.6 defines.
EXTENSIONS = {
    "AccessTokenClaims": {"iat"},
    "EirResponseData": {"why", "mend", "mayStay"},
    "ConfirmationDataResponse": {"why", "mend"},
    "EapSession": {"why", "mend"},
}
# Read also without it, and written always: the NRF makes the document itself.
LENIENT = {"validityPeriod"}
RENAMED = {"PatchItem": ("TS29571_CommonData.yaml", "PatchItem")}


@functools.cache
def document(folder: Path, name: str) -> dict:
    text = (folder / name).read_text().replace("\t", " ")  # there is one, behind a value
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def schema(folder: Path, file: str, name: str) -> tuple[str, dict] | None:
    """The file that defines a schema, and the schema: followed through references."""
    for candidate in (
        file,
        "TS29571_CommonData.yaml",
        *(p.name for glob in ("TS295*.yaml", "TS291*.yaml") for p in sorted(folder.glob(glob))),
    ):
        found = document(folder, candidate).get("components", {}).get("schemas", {}).get(name)
        if found is not None:
            return candidate, found
    return None


def resolve(folder: Path, file: str, node: dict) -> tuple[str, dict]:
    while "$ref" in node:
        target, _, path = node["$ref"].partition("#")
        file = target or file
        node = document(folder, file)
        for part in path.strip("/").split("/"):
            node = node[part]
    return file, node


def properties(folder: Path, file: str, node: dict) -> dict[str, tuple[str, dict]]:
    file, node = resolve(folder, file, node)
    found = {name: (file, value) for name, value in node.get("properties", {}).items()}
    for part in (*node.get("allOf", ()), *node.get("anyOf", ()), *node.get("oneOf", ())):
        found = {**properties(folder, file, part), **found}
    return found


def models(shape: object) -> Iterator[type]:
    """Every model that a shape holds, once."""
    seen: set[type] = set()

    def walk(hint: object) -> None:
        for argument in typing.get_args(hint):
            walk(argument)
        if isinstance(hint, type) and issubclass(hint, Model | Multipart) and hint not in seen:
            seen.add(hint)
            for field in typing.get_type_hints(hint).values():
                walk(field)

    walk(shape)
    yield from seen


def cases() -> list[tuple[type, Operation]]:
    return [(service, op) for service in FILES for op in operations(service)]


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    path = shared / "reference" / "openapi-rel18"
    if not path.is_dir():
        pytest.skip(f"no OpenAPI files in {path}")
    return path


@pytest.mark.parametrize(("service", "op"), cases(), ids=lambda v: getattr(v, "attribute", None))
def test_operation_is_in_the_api(folder: Path, service: type, op: Operation) -> None:
    paths = document(folder, FILES[service])["paths"]
    path = op.path if op.version else op.route
    assert path in paths, f"{path} is not a path of {FILES[service]}"
    described = paths[path].get(op.method.lower())
    assert described is not None, f"{op.method} is not a method of {op.path}"
    assert str(op.status) in described["responses"], f"{op.status} is not an answer of {op.method} {op.path}"
    server = (
        document(folder, FILES[service])["servers"][0]["url"]
        if "servers" in document(folder, FILES[service])
        else None
    )
    if server is not None:
        assert server == f"{{apiRoot}}/{op.service}/{op.version}"
    declared = {
        parameter["name"]: parameter
        for parameter in (resolve(folder, FILES[service], p)[1] for p in described.get("parameters", ()))
        if parameter["in"] == "query"
    }
    for name in op.query:
        check_query(folder, FILES[service], op, name, declared)


@pytest.mark.parametrize(("service", "op"), cases(), ids=lambda v: getattr(v, "attribute", None))
def test_scopes_of_operations_are_those_of_the_api(folder: Path, service: type, op: Operation) -> None:
    """The last of each alternative is the narrowest, TS 29.501 §5.2.2.2 and §6.7.3 of TS 29.500."""
    described = document(folder, FILES[service])["paths"][op.path if op.version else op.route][
        op.method.lower()
    ]
    named = [names for alternative in described.get("security", ()) for names in alternative.values()]
    narrow = dict.fromkeys(names[-1] for names in named if names and ":" in names[-1])
    assert op.scopes == tuple(narrow)


def check_query(folder: Path, file: str, op: Operation, name: str, declared: dict[str, dict]) -> None:
    """The name on the wire, and whether it is written as text, as a list with commas, or as JSON."""
    wire, kind = op.written[name], op.types[op.parameters.index(name)]
    assert wire in declared, f"{wire} is no query parameter of {op.path}"
    written = "json" if "content" in declared[wire] else "text"
    if written == "text":
        target = resolve(folder, file, declared[wire]["schema"])[1]
        if target.get("type") == "array":
            written = "list"
            assert declared[wire].get("explode", True) is False, f"{wire} is exploded"
    ours = "text" if is_text(kind) else "list" if is_list_of_text(kind) else "json"
    assert ours == written, wire


def all_models() -> list[tuple[type, str]]:
    found: dict[type, str] = {}
    for service, file in {**FILES, **CALLBACKS}.items():
        for op in operations(service):
            claims = (AccessTokenClaims, AccessTokenErr) if service is NnrfAccessToken else ()
            for shape in (op.request, op.response, *claims):
                for model in models(shape):
                    found.setdefault(model, file)
    return sorted(found.items(), key=lambda item: item[0].__name__)


@pytest.mark.parametrize(("model", "file"), all_models(), ids=lambda v: getattr(v, "__name__", None))
def test_attributes_are_those_of_the_schema(folder: Path, model: type, file: str) -> None:
    if model.__name__ in UNNAMED:
        return
    if issubclass(model, Multipart):
        check_multipart(folder, model)
        return
    found = schema(folder, file, model.__name__)
    assert found is not None, f"no schema {model.__name__}"
    home, node = found
    known = properties(folder, home, node)
    hints = typing.get_type_hints(model, include_extras=True)
    fields = msgspec.structs.fields(model)
    for field in fields:
        if field.encode_name in EXTENSIONS.get(model.__name__, ()):
            continue
        assert field.encode_name in known, f"{model.__name__}.{field.encode_name}"
        where = f"{model.__name__}.{field.encode_name}"
        check_enumeration(folder, hints[field.name], *known[field.encode_name], where)
    present = {field.encode_name for field in fields} | {model.__struct_config__.tag_field}
    for name in node.get("required", ()):
        assert name in present, f"{model.__name__} requires {name}"
    for field in fields:
        written = field.required or not model.__struct_config__.omit_defaults
        own = known.get(field.encode_name, ("", {}))[1].get("readOnly") or field.encode_name in LENIENT
        if field.encode_name in node.get("required", ()) and not own:
            assert written, f"{model.__name__}.{field.encode_name} is left out where it is the default"
        elif written and not field.required:
            assert field.default is not None, f"{model.__name__}.{field.encode_name} is written as null"


def enumerations(hint: object) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Each enumeration in a type: whether it takes other values too, and its names."""
    if typing.get_origin(hint) is typing.Literal:
        yield False, typing.get_args(hint)
    elif typing.get_origin(hint) is typing.Annotated:
        yield from ((True, tuple(each)) for each in hint.__metadata__ if isinstance(each, Known))
    else:
        for part in typing.get_args(hint):
            yield from enumerations(part)


def values(folder: Path, file: str, node: dict) -> tuple[list[object], bool]:
    """The names that a schema enumerates, of its elements where it is a list; whether it takes other strings."""
    file, node = resolve(folder, file, node)
    if node.get("type") == "array":
        return values(folder, file, node.get("items", {}))
    parts = [values(folder, file, part) for key in ("allOf", "anyOf", "oneOf") for part in node.get(key, ())]
    names = [*node.get("enum", ()), *(name for found, _ in parts for name in found)]
    is_string = node.get("type") == "string" and "enum" not in node
    return names, is_string or any(takes for _, takes in parts)


def check_enumeration(folder: Path, hint: object, file: str, node: dict, where: str) -> None:
    """Names are those of the API; where it takes any string, so do we (TS 29.501 5.3), or say why not."""
    allowed, any_string = values(folder, file, node)
    for takes_any, names in enumerations(hint):
        for value in names:
            assert not allowed or value in allowed or where in SHARED, (
                f"{where}: {value} is not one of {allowed}"
            )
        if takes_any:
            assert any_string, f"{where}: the API takes no other values"
        elif any_string:
            assert where.rpartition(".")[2] in ACTED_UPON, f"{where}: the API takes other values"


def check_multipart(folder: Path, model: type) -> None:
    """Part names are those of some multipart/related body of the two APIs that have them."""
    names = {field.encode_name for field in msgspec.structs.fields(model)}
    for file in ("TS29502_Nsmf_PDUSession.yaml", "TS29518_Namf_Communication.yaml"):
        for path in document(folder, file)["paths"].values():
            for operation in path.values():
                for body in bodies(operation):
                    if names <= set(body.get("schema", {}).get("properties", {})):
                        return
    pytest.fail(f"{model.__name__}: no multipart body has the parts {sorted(names)}")


def bodies(operation: object) -> Iterator[dict]:
    if not isinstance(operation, dict):
        return
    answers = operation.get("responses", {}).values()
    for holder in (operation.get("requestBody", {}), *answers):
        if isinstance(holder, dict):
            content = holder.get("content", {})
            if "multipart/related" in content:
                yield content["multipart/related"]


def test_created_is_not_a_body() -> None:
    assert not issubclass(Created, Model)
