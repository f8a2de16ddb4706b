"""Operations as HTTP and back: paths, queries, bodies, refusals; and what is no such message."""

from __future__ import annotations

import importlib
import json
import pkgutil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cinq.sbi.services
from cinq.procedure import Why
from cinq.sbi import Created, Problem, multipart
from cinq.sbi.answer import answer_of, problem_of, response_of
from cinq.sbi.body import encode, read_body
from cinq.sbi.message import Request, Response
from cinq.sbi.models import RefToBinaryData, Snssai
from cinq.sbi.multipart import MultipartError, Part
from cinq.sbi.operation import Operation, operations, services
from cinq.sbi.request import arguments_of, request_of
from cinq.sbi.route import Routes
from cinq.sbi.services.namf_communication import (
    N1MessageContainer,
    N1N2MessageTransferReqData,
    N1N2MessageTransferRequest,
    N1N2MessageTransferRspData,
    N2InfoContainer,
    N2InfoContent,
    N2SmInformation,
    NamfCommunication,
)
from cinq.sbi.services.nnrf import NnrfNFDiscovery, SearchQuery
from cinq.sbi.services.nsmf_pdusession import (
    NsmfPDUSession,
    SmContextRefused,
    SmContextUpdatedData,
    SmContextUpdateRefused,
    UpdateSmContextResponse,
)
from cinq.sbi.services.nudm_sdm import NudmSubscriberDataManagement
from cinq.sbi.services.nudm_uecm import Amf3GppAccessRegistration, DeregistrationData, NudmUEContextManagement

for module in pkgutil.iter_modules(cinq.sbi.services.__path__):
    importlib.import_module(f"cinq.sbi.services.{module.name}")
EVERY = [op for service in services() for op in operations(service)]


def op(service: type, attribute: str) -> Operation:
    return next(each for each in operations(service) if each.attribute == attribute)


def crossed(operation: Operation, *arguments: object) -> list[object]:
    request = request_of(operation, arguments)
    found, values = Routes(EVERY).find(request.method, request.target)
    assert found is operation
    return arguments_of(found, values, request)


def served(request: Request) -> list[object]:
    found, values = Routes(EVERY).find(request.method, request.target)
    return arguments_of(found, values, request)


@pytest.mark.parametrize("operation", EVERY, ids=lambda o: f"{o.service}-{o.attribute}")
def test_each_operation_is_found_among_all(operation: Operation) -> None:
    """However much the paths of one API look alike, and whatever a value holds."""
    values = ["a/b c%2F?#é", *[f"v{n}" for n in range(9)]]
    filled = {n: values[i] for i, n in enumerate(operation.parameters) if n not in operation.query}
    path = operation.path
    arguments: list[object] = [filled.get(name) for name in operation.parameters]
    if operation.asked is not None:
        arguments[len(filled) :] = [operation.asked(**dict.fromkeys(operation.query, None))]
    request = request_of(operation, arguments)
    found, got = Routes(EVERY).find(operation.method, request.target)
    assert found is operation, path
    assert got == list(filled.values())


def test_a_query_is_written_as_the_api_wants_it() -> None:
    discover = op(NnrfNFDiscovery, "search")
    snssais = [Snssai(sst=1, sd="0000FF"), Snssai(sst=2)]
    names = ["nsmf-pdusession", "nsmf-event-exposure"]
    asked = SearchQuery(
        target_nf_type="SMF",
        requester_nf_type="AMF",
        service_names=names,
        snssais=snssais,
        dnn="internet",
        supi="imsi-1",
        limit=3,
    )
    request = request_of(discover, [asked])
    assert (
        "target-nf-type=SMF&requester-nf-type=AMF&service-names=nsmf-pdusession,nsmf-event-exposure"
        in request.target
    )
    assert crossed(discover, asked) == [asked]
    least = SearchQuery(target_nf_type="SMF", requester_nf_type="AMF")
    assert crossed(discover, least) == [least]


@pytest.mark.parametrize(
    ("target", "status", "cause", "param"),
    [
        (
            "/nnrf-disc/v1/nf-instances?requester-nf-type=AMF",
            400,
            "MANDATORY_QUERY_PARAM_MISSING",
            "target-nf-type",
        ),
        (
            "/nnrf-disc/v1/nf-instances?target-nf-type=SMF&requester-nf-type=AMF&snssais={",
            400,
            "OPTIONAL_QUERY_PARAM_INCORRECT",
            "snssais",
        ),
        (
            "/nnrf-disc/v1/nf-instances?target-nf-type=SMF&requester-nf-type=AMF&snssais=" + "%5B" * 2000,
            400,
            "OPTIONAL_QUERY_PARAM_INCORRECT",
            "snssais",
        ),
        (
            "/nnrf-disc/v1/nf-instances?" + "&".join(f"a{n}=1" for n in range(99)),
            400,
            "INVALID_QUERY_PARAM",
            None,
        ),
        ("/nnrf-disc/v1/nf-instances?a=" + "b" * 9000, 414, "INVALID_QUERY_PARAM", None),
        ("/nnrf-disc/v1/nf-instances?a;b", 400, "INVALID_QUERY_PARAM", None),
        ("/nnrf-disc/v9/nf-instances", 400, "INVALID_API", None),
        ("/toaster/v1/x", 400, "INVALID_API", None),
        ("/nnrf-disc/v1/nf-instances/7/8/9", 404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", None),
        ("", 400, "INVALID_API", None),
        ("/" + "a/" * 2000, 414, None, None),
    ],
)
def test_targets_that_are_wrong(target: str, status: int, cause: str | None, param: str | None) -> None:
    with pytest.raises(Problem) as caught:
        served(Request("GET", target))
    details = caught.value.details
    assert (details.status, details.cause) == (status, cause)
    assert [i.param for i in details.invalid_params or ()] == ([param] if param else [])


def test_another_method_is_405_and_says_which_are_allowed() -> None:
    with pytest.raises(Problem, match="allowed are DELETE, GET, PATCH, PUT") as caught:
        Routes(EVERY).find("POST", "/nnrf-nfm/v1/nf-instances/1")
    assert caught.value.status == 405


# bodies


TRANSFER = op(NamfCommunication, "n1n2_message_transfer")


def transfer(n1: bytes | None, n2: bytes | None) -> N1N2MessageTransferRequest:
    one, two = RefToBinaryData(content_id="first"), RefToBinaryData(content_id="second")
    container = N1MessageContainer(n1_message_class="SM", n1_message_content=one)
    info = N2SmInformation(pdu_session_id=5, n2_info_content=N2InfoContent(ngap_data=two))
    data = N1N2MessageTransferReqData(
        n1_message_container=None if n1 is None else container,
        n2_info_container=None if n2 is None else N2InfoContainer(n2_information_class="SM", sm_info=info),
    )
    return N1N2MessageTransferRequest(
        json_data=data, binary_data_n1_message=n1, binary_data_n2_information=n2
    )


@given(n1=st.none() | st.binary(max_size=60), n2=st.none() | st.binary(max_size=60))
def test_octets_cross_whatever_they_are(n1: bytes | None, n2: bytes | None) -> None:
    body = transfer(n1, n2)
    assert crossed(TRANSFER, "imsi-001010000000001", body) == ["imsi-001010000000001", body]


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"--cinq", b"\r\n--cinq--\r\n", b"--cinq-1"]), max_size=4
    )
)
def test_a_boundary_is_in_no_part(contents: list[bytes]) -> None:
    parts = [
        Part("application/json", "", b"{}"),
        *(Part("a/b", f"i{n}", each) for n, each in enumerate(contents)),
    ]
    assert multipart.decode(*multipart.encode(parts)) == parts


def test_parts_as_other_cores_write_them() -> None:
    """Headers in another case, angle brackets, a preamble, no quotes, parts in another order."""
    body = (
        b"--abc\r\ncontent-type: application/json\r\n\r\n"
        + msgspec.json.encode(transfer(b"1", b"2").json_data)
        + b"\r\n--abc\r\nContent-ID: <second>\r\nCONTENT-TYPE: application/vnd.3gpp.ngap\r\n\r\nNN\r\n\r\n\r\n--abc\r\n"
        b"content-id: first\r\ncontent-type: application/vnd.3gpp.5gnas\r\n\r\n~\r\n--abc--\r\nepilogue"
    )
    for content in (body, b"preamble\r\n" + body):
        request = Request("POST", "", (("content-type", "multipart/related; boundary=abc"),), content)
        (_, got) = arguments_of(TRANSFER, ["x"], request)
        assert isinstance(got, N1N2MessageTransferRequest)
        assert (got.binary_data_n1_message, got.binary_data_n2_information) == (b"~", b"NN\r\n\r\n")


def test_octets_that_the_json_does_not_name_are_not_sent() -> None:
    body = N1N2MessageTransferRequest(json_data=N1N2MessageTransferReqData(), binary_data_n1_message=b"~")
    with pytest.raises(ValueError, match="nothing in its JSON names it"):
        request_of(TRANSFER, ("x", body))


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("multipart/related", b"", "wanted multipart/related with a boundary"),
        ("multipart/related; boundary=x", b"", "nowhere in the body"),
        ("multipart/related; boundary=x", b"--x\r\n", "part 1 has no end"),
        ("multipart/related; boundary=x", b"--x--\r\n", "no part"),
        ("multipart/related; boundary=x", b"--x\r\nA: b\r\n--x--", "its headers have no end"),
        ("multipart/related; boundary=x", b"--x\r\n\r\n\r\n" * 40 + b"--x--", "more than 16 parts"),
        (
            "multipart/related; boundary=x",
            b"--x\r\n" + b"a: b\r\n" * 20 + b"\r\n\r\n--x--",
            "more than 8 headers",
        ),
        (
            "multipart/related; boundary=x",
            b"--x\r\na: " + b"b" * 999 + b"\r\n\r\n\r\n--x--",
            "longer than 512",
        ),
    ],
)
def test_bodies_that_are_no_multipart(content_type: str, body: bytes, said: str) -> None:
    with pytest.raises(MultipartError, match=said):
        multipart.decode(content_type, body)
    with pytest.raises(Problem, match="400 INVALID_MSG_FORMAT"):
        arguments_of(TRANSFER, ["x"], Request("POST", "", (("content-type", content_type),), body))


@given(st.binary(max_size=200), st.sampled_from(["application/json", "multipart/related; boundary=x"]))
def test_any_octets_are_a_body_or_a_problem(octets: bytes, content_type: str) -> None:
    root = b"--x\r\ncontent-type: application/json\r\n\r\n"
    for body in (octets, b"--x\r\n" + octets, root + octets + b"\r\n--x--"):
        request = Request("POST", "", (("content-type", content_type),), body)
        try:
            arguments_of(TRANSFER, ["x"], request)
        except Problem as problem:
            refused = problem
        else:
            continue
        assert refused.status == 400


REGISTER = op(NudmUEContextManagement, "registration")


@pytest.mark.parametrize(
    ("body", "cause", "param"),
    [
        (b"{}", "MANDATORY_IE_MISSING", "/amfInstanceId"),
        (b'{"amfInstanceId":1}', "MANDATORY_IE_INCORRECT", "/amfInstanceId"),
        (b"[", "INVALID_MSG_FORMAT", None),
        (b"\xff", "INVALID_MSG_FORMAT", None),
        (b'{"x":' * 100_000, "INVALID_MSG_FORMAT", None),
        (b"", "INVALID_MSG_FORMAT", None),
    ],
)
def test_json_that_is_not_of_the_shape(body: bytes, cause: str, param: str | None) -> None:
    request = Request("PUT", "", (("content-type", "application/json"),), body)
    with pytest.raises(Problem) as caught:
        arguments_of(REGISTER, ["imsi-001010000000001"], request)
    details = caught.value.details
    assert (details.status, details.cause) == (400, cause)
    assert [i.param for i in details.invalid_params or ()] == ([param] if param else [])


def test_another_media_type_is_415() -> None:
    with pytest.raises(Problem, match="text/html") as caught:
        arguments_of(REGISTER, ["x"], Request("PUT", "", (("content-type", "text/html"),), b"{}"))
    assert caught.value.status == 415


# answers


def test_the_place_of_what_was_created() -> None:
    body = Amf3GppAccessRegistration(
        amf_instance_id="a",
        dereg_callback_uri="http://amf/x",
        guami={"plmnId": {"mcc": "001", "mnc": "01"}, "amfId": "cafe00"},  # type: ignore[arg-type]
        rat_type="NR",
    )
    body = msgspec.convert(msgspec.to_builtins(body), Amf3GppAccessRegistration)
    request = request_of(REGISTER, ("imsi-1", body))
    path = "/imsi-1/registrations/amf-3gpp-access"
    created = response_of(REGISTER, Created(path, body), "https://udm.example:8443")
    assert created.status == 201
    assert created.header("location") == f"https://udm.example:8443/nudm-uecm/v1{path}"
    there_already = [Response(200, created.headers[-1:], created.body), Response(204)]
    for response in (created, *there_already):
        assert answer_of(REGISTER, request, response) == Created(path, body)


def test_a_transfer_that_waits_for_the_ue_is_202() -> None:
    waits = N1N2MessageTransferRspData(cause="ATTEMPTING_TO_REACH_UE")
    assert response_of(TRANSFER, waits).status == 202
    assert response_of(TRANSFER, N1N2MessageTransferRspData(cause="N1_N2_TRANSFER_INITIATED")).status == 200
    request = request_of(TRANSFER, ("x", transfer(None, None)))
    assert answer_of(TRANSFER, request, response_of(TRANSFER, waits)) == waits


UPDATE, CREATE = op(NsmfPDUSession, "update_sm_context"), op(NsmfPDUSession, "create_sm_context")


def test_an_update_that_has_nothing_to_say_is_204() -> None:
    nothing = answer_of(UPDATE, Request("POST", "/"), Response(204))
    assert nothing == UpdateSmContextResponse(json_data=SmContextUpdatedData())


def test_a_refusal_brings_what_is_for_the_ue_or_the_gnb() -> None:
    for octets in (b"\x2e\x01", None):
        refused = SmContextRefused(403, "DNN_DENIED", Why("no such DNN", "cinq ..."), octets)
        with pytest.raises(SmContextRefused) as caught:
            answer_of(CREATE, Request("POST", "/"), problem_of(CREATE, refused))
        assert caught.value.n1_sm_message == octets
        assert caught.value.details == refused.details
    refused_2 = SmContextUpdateRefused(403, "X", None, "PATH_SWITCH_REQ_FAIL", b"\0")
    with pytest.raises(SmContextUpdateRefused) as caught_2:
        answer_of(UPDATE, Request("POST", "/"), problem_of(UPDATE, refused_2))
    assert (caught_2.value.n2_sm_info_type, caught_2.value.n2_sm_information) == (
        "PATH_SWITCH_REQ_FAIL",
        b"\0",
    )


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (Response(403, (("content-type", "application/problem+json"),), b'{"cause":"X"}'), "X"),
        (Response(403, (("content-type", "application/json"),), b'{"status":500,"cause":"X"}'), "X"),
        (Response(403, (("content-type", "text/html"),), b"<h1>"), None),
        (Response(403, (("content-type", "application/problem+json"),), b"{" * 9), None),
        (Response(403), None),
    ],
)
def test_whatever_a_peer_says_in_an_error_is_a_problem_of_its_status(
    response: Response, cause: str | None
) -> None:
    for operation in (op(NudmSubscriberDataManagement, "get_am_data"), CREATE, UPDATE, TRANSFER):
        with pytest.raises(Problem) as caught:
            answer_of(operation, Request("GET", "/"), response)
        assert (caught.value.status, caught.value.cause) == (403, cause)


def test_an_answer_that_cannot_be_read_is_a_502_of_its_own() -> None:
    wrong = Response(200, (("content-type", "application/json"),), b"[1]")
    with pytest.raises(Problem, match="502 PEER_ANSWER_INCORRECT"):
        answer_of(TRANSFER, Request("POST", "/"), wrong)


def test_an_unknown_value_of_an_extensible_enumeration_is_kept() -> None:
    """TS 29.501 5.3; and where what is done hangs on it, it is refused by name."""
    body = json.dumps({"deregReason": "LATER_REASON", "accessType": "3GPP_ACCESS"}).encode()
    read = read_body(DeregistrationData, "application/json", body)
    assert isinstance(read, DeregistrationData)
    assert json.loads(encode(read)) == json.loads(body)
    with pytest.raises(Problem, match="OPTIONAL_IE_INCORRECT: /accessType") as caught:
        read_body(DeregistrationData, "application/json", body.replace(b"3GPP_ACCESS", b"6G_ACCESS"))
    assert [one.param for one in caught.value.details.invalid_params or ()] == ["/accessType"]
