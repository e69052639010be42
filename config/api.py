"""The JSON API: puts the apps' routers together and translates every error to problem+json."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Swagger
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from accounts.api_auth import api_auth
from billing.api import router as billing_router
from builder.api import router as builder_router
from config.errors import DomainError, problem_response
from models_catalog.api import router as models_router

logger = logging.getLogger(__name__)


class NotJson(ValueError):
    """The body says that it is something else."""


class JsonParser(Parser):
    """Reads what says it is JSON, or says nothing. Forms of other pages can not say it."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        said = request.content_type or "application/json"
        if said != "application/json" and not said.endswith("+json"):
            raise NotJson(said)
        return super().parse_body(request)


api = NinjaAPI(
    title="Sitewright",
    version="1.0",
    description="Sites, runs and tokens. Authenticate with `Authorization: Bearer <access token>` "
    "from `POST /_allauth/app/v1/auth/login`.",
    docs=Swagger(),
    docs_url="/docs",
    openapi_url="/openapi.json",
    auth=api_auth,
    parser=JsonParser(),
    urls_namespace="api",
)
api.add_router("", billing_router)
api.add_router("", models_router)
api.add_router("", builder_router)


@api.exception_handler(DomainError)
def _domain_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    response = problem_response(
        error.status, code=error.code, detail=error.message, title=error.title, **error.extra
    )
    if "retryAfterSeconds" in error.extra:
        response["Retry-After"] = str(error.extra["retryAfterSeconds"])
    return response


@api.exception_handler(ValidationError)
def _validation_error(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = [
        {
            "field": ".".join(str(part) for part in item["loc"][1:] if part != "payload"),
            "message": str(item["msg"]),
        }
        for item in error.errors[:20]
    ]
    what = "; ".join(f"{field['field'] or 'body'}: {field['message']}" for field in fields)
    return problem_response(
        422,
        code="invalid_input",
        title="Something in the request is not valid",
        detail=f"{what[:800]}. Nothing was done or charged.",
        errors=fields,
    )


_HTTP_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    429: "too_many_requests",
}


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    detail = error.message
    if isinstance(error.__cause__, NotJson):
        detail = "Send the body as Content-Type: application/json. Nothing was done or charged."
        return problem_response(415, code="unsupported_media_type", detail=detail)
    if error.status_code == 401:
        detail = "Sign in first: send a valid access token as Authorization: Bearer, or a session."
    elif error.status_code == 400:
        detail = "The body could not be read as JSON. Nothing was done or charged."
    code = _HTTP_CODES.get(error.status_code, "error")
    response = problem_response(error.status_code, code=code, detail=detail)
    if error.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_response(
        404, code="not_found", detail="There is nothing at this address for you."
    )


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem_response(
        413, code="too_large", detail="The request body is too large. Nothing was done or charged."
    )


@api.exception_handler(SuspiciousOperation)
@api.exception_handler(MultiPartParserError)
def _bad_form(request: HttpRequest, error: Exception) -> HttpResponse:
    detail = "The body could not be read as multipart/form-data. Nothing was done or charged."
    return problem_response(400, code="bad_request", detail=detail)


@api.exception_handler(Exception)
def _crash(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("The API failed at %s %s", request.method, request.path)
    return problem_response(
        500,
        code="internal_error",
        detail="Something broke on our side. Nothing was charged. Please try again.",
    )


def api_not_found(request: HttpRequest) -> HttpResponse:
    """Anything else below /api/ answers in the API's own form."""
    return problem_response(404, code="not_found", detail="There is nothing at this address.")
