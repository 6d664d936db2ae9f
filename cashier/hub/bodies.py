"""What routes of the till side share: bodies that they read by themselves, and documented faults."""

from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from cashier.hub import shapes
from cashier.hub.body import read_body

if TYPE_CHECKING:
    from cashier.hub.app import Hub

BODY_MAX_BYTES = 64 * 1024

Given = TypeVar("Given", bound=BaseModel)
Responses = dict[int | str, dict[str, Any]]


def fault(text: str, **headers: str) -> dict[str, Any]:
    """A documented Fault answer; `headers` by name, `_` for `-`, with what they say."""
    declared: dict[str, Any] = {"model": shapes.Fault, "description": text}
    if headers:
        declared["headers"] = {
            name.replace("_", "-"): {"description": about, "required": True, "schema": {"type": "string"}}
            for name, about in headers.items()
        }
    return declared


def body_faults(max_bytes: int) -> Responses:
    """What a route that reads its body may answer besides."""
    return {
        400: fault("The body was cut off."),
        408: fault("The body did not arrive in time."),
        413: fault(f"More than {max_bytes} bytes."),
    }


def takes(model: type[BaseModel]) -> dict[str, Any]:
    """The declaration of a body that the route reads by itself; `hub.openapi` adds the model."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


async def given_body(
    hub: "Hub", request: Request, model: type[Given], max_bytes: int = BODY_MAX_BYTES
) -> Given:
    """The body of a request. Raises HTTPException 400, 408, 413 (see `read_body`) or 422."""
    body = await read_body(request, max_bytes, hub.config.body_timeout_s)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise HTTPException(422, f"{where}: {first['msg']}") from None
