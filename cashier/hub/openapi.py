"""The hub's description of itself: what FastAPI knows, the bodies that it does not read, the postback."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from cashier.gateway.postback import PATH_MAX_CHARS, POSTBACK_MAX_BYTES
from cashier.hub import shapes
from cashier.hub.postback_route import FORM_TYPE, POSTBACK_ROUTE

#: The postback's parameters in the contract's order and spelling (Invoice Cloud contract, section 3).
PARAMETERS = (
    *("BillerGUID", "PaymentDate", "InvoiceNumber", "Approved", "CustomerName", "CustomerAddress"),
    *("CustomerCity", "CustomerState", "CustomerZip", "PaymentGUID", "PaymentAmount", "PaymentDescription"),
    *("PaymentTypeID", "CardType", "PaymentMessage", "BillerReference", "ConvenienceFee", "RemoteIP"),
)

#: Of the interface, not of the program.
VERSION = "1"

#: Bodies that the routes read by themselves, after the till is proven.
_BODIES = (
    *(shapes.Acknowledgement, shapes.PaymentAnnounced, shapes.Outcome, shapes.Notice),
    *(shapes.JournalEntries, shapes.GivenAnchors, shapes.EnrolmentAsked),
)
_ANSWERS = {
    204: "Stored, on disk.",
    400: "Neither query nor body holds url-encoded parameters, or the body was cut off.",
    404: "The address proves nothing.",
    408: "The body did not arrive in time.",
    413: f"A body of more than {POSTBACK_MAX_BYTES} bytes.",
    414: f"A query of more than {POSTBACK_MAX_BYTES} bytes.",
    415: f"A body that is not {FORM_TYPE}.",
    429: "Too many wrong addresses. A right one is never limited.",
    503: "Not stored: send it again.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole OpenAPI document."""
    document = get_openapi(
        title="Postback hub",
        version=VERSION,
        summary="Receives postbacks of Invoice Cloud and hands them to the tills.",
        routes=app.routes,
    )
    _, definitions = models_json_schema(
        [(model, "validation") for model in _BODIES], ref_template="#/components/schemas/{model}"
    )
    document.setdefault("components", {}).setdefault("schemas", {}).update(definitions["$defs"])
    document["paths"][POSTBACK_ROUTE] = {"post": _postback()}
    return document


def _postback() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "tags": ["gateway"],
        "summary": "Postback",
        "description": "Sent by Invoice Cloud, in the query, the form body or both; at least one parameter.",
        "operationId": "postback",
        "parameters": [
            {"name": "site", "in": "path", "required": True, "schema": text},
            {
                "name": "token",
                "in": "path",
                "required": True,
                "description": "Unguessable, bound to one payment.",
                "schema": {"type": "string", "maxLength": PATH_MAX_CHARS},
            },
            *({"name": name, "in": "query", "required": False, "schema": text} for name in PARAMETERS),
        ],
        "requestBody": {
            "required": False,
            "content": {
                FORM_TYPE: {"schema": {"type": "object", "properties": dict.fromkeys(PARAMETERS, text)}}
            },
        },
        "responses": {str(status): _answer(status, about) for status, about in _ANSWERS.items()},
    }


def _answer(status: int, about: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": about}
    if status not in (204, 404):
        answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if status == 429:
        seconds = {"description": "Seconds to wait.", "required": True, "schema": {"type": "string"}}
        answer["headers"] = {"Retry-After": seconds}
    return answer
