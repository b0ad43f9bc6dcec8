"""The errors: grouped by remedy, drawn at the top of the file, complete in JSON."""

import inspect

import pytest

from wsops import errors
from wsops.answers import Answer, error_for
from wsops.errors import BadAnswer, CloudRefused, NotFound, WsopsError

JSON_KEYS = {
    "type",
    "message",
    "remedy",
    "status",
    "error_code",
    "error_msg",
    "error_detail",
    "encoded_authorization_message",
    "request_id",
}


def all_errors():
    return [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, WsopsError)]


def refused(status=403, body=b"{}"):
    return error_for(Answer(status, body, "POST", "/v2/p/x", "req-1"))


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_is_in_the_drawing_and_has_a_remedy(kind):
    """The tree at the top of the file names every class, and each says what to do next."""
    assert kind.__name__ in errors.__doc__
    assert len(kind.remedy) > 15


def test_an_error_of_the_service_keeps_all_four_of_its_fields():
    """Code, message, detail and the encoded reason reach the JSON, with the request ID."""
    body = (
        b'{"error_code":"WKS.1","error_msg":"no","error_detail":"why",'
        b'"encoded_authorization_message":"QUJD"}'
    )
    error = refused(403, body)

    assert set(error.as_dict()) == JSON_KEYS
    assert error.as_dict() | {"remedy": ""} == {
        "type": "NotAllowed",
        "message": "HTTP 403 WKS.1 no (why) [POST /v2/p/x] (request ID req-1)",
        "remedy": "",
        "status": 403,
        "error_code": "WKS.1",
        "error_msg": "no",
        "error_detail": "why",
        "encoded_authorization_message": "QUJD",
        "request_id": "req-1",
    }
    assert "STS" in error.remedy


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "WKS.0001", CloudRefused),
        (404, "APIGW.0101", NotFound),
        (500, "WKS.0202", NotFound),
        (500, "WKS.9999", CloudRefused),
        (409, "WKS.00010032", errors.Conflict),
        (429, "APIGW.0308", errors.Throttled),
        (401, "APIGW.0301", errors.NotAllowed),
    ],
)
def test_the_code_counts_as_well_as_the_status(status, code, kind):
    """WKS.0202 means not found in spite of its 500."""
    assert type(refused(status, f'{{"error_code":"{code}"}}'.encode())) is kind


def test_a_web_page_in_place_of_the_service_is_named_as_such():
    """A captive portal's 200 is a bad answer, and the message says what came."""
    error = error_for(Answer(302, b"<html>log in", content_type="text/html"))

    assert isinstance(error, BadAnswer)
    assert "web page" in str(error)


def test_errors_of_iam_are_read_where_iam_puts_them():
    """IAM nests code and message under "error"."""
    error = refused(401, b'{"error":{"code":"401","message":"The password is wrong"}}')

    assert error.error_msg == "The password is wrong"


def test_a_notebook_shows_what_to_do_in_place_of_a_traceback():
    """Two lines, in which nothing that a server says steers whoever reads them."""
    error = refused(400, b'{"error_code":"WKS.1","error_msg":"esc\\u001b[31m \\u202e no"}')
    first, second = error._render_traceback_()

    assert first.startswith("CloudRefused: HTTP 400 WKS.1 esc\\u001b[31m \\u202e no")
    assert second == f"to do: {error.remedy}"
    assert first.isprintable()
