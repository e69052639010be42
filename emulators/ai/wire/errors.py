"""Error bodies as each provider words them.

Sources: https://openrouter.ai/docs/api/errors ,
https://help.aliyun.com/en/model-studio/error-code-start ,
https://platform.openai.com/docs/guides/error-codes , https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

_OPENROUTER = {
    400: "Input validation error",
    401: "No auth credentials found",
    402: "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
    403: "Your chosen model requires moderation and your input was flagged",
    404: "No endpoints found for the requested model.",
    408: "Request timed out",
    413: "Request entity too large",
    429: "Rate limit exceeded: free-models-per-min.",
    500: "Internal Server Error",
    502: "Provider returned error",
    503: "No instances available",
}

_DASHSCOPE = {
    400: ("InvalidParameter", "Required parameter missing or invalid, please check the request."),
    401: ("invalid_api_key", "Incorrect API key provided."),
    402: ("Arrearage", "Access denied, please make sure your account is in good standing."),
    403: ("access_denied", "Access denied."),
    404: (
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    408: ("RequestTimeOut", "Request timed out, please try again later."),
    413: ("InvalidParameter.DataInspection", "The request body is too large."),
    429: (
        "limit_requests",
        "You exceeded your current requests list. Throttling.RateQuota",
    ),
    500: ("internal_error", "An internal error has occured, please try again later."),
    502: ("internal_error", "An internal error has occured, please try again later."),
    503: ("ModelServingError", "Too many requests. Your requests are being throttled."),
}

_OPENAI = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    402: (
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    403: (
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: (
        "invalid_request_error",
        "model_not_found",
        "The model does not exist or you do not have access to it.",
    ),
    408: ("timeout", "timeout", "Request timed out."),
    413: ("invalid_request_error", "request_too_large", "Request body is too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: (
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    502: ("server_error", None, "Bad gateway."),
    503: ("service_unavailable", None, "The engine is currently overloaded."),
}

_ANTHROPIC = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use this resource."),
    404: ("not_found_error", "model not found"),
    408: ("timeout_error", "Request timed out"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
    500: ("api_error", "Internal server error"),
    502: ("api_error", "Bad gateway"),
    503: ("overloaded_error", "Overloaded"),
    529: ("overloaded_error", "Overloaded"),
}


def error_body(
    provider: str, status: int, *, message: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """The JSON body of an error in a provider's own words; message and code override."""
    return _BUILDERS[provider](status, message, code)


def _openrouter(status: int, message: str | None, code: str | None) -> dict[str, Any]:
    text = message or _OPENROUTER.get(status, "Provider returned error")
    error: dict[str, Any] = {"code": status, "message": text}
    if code or status in (403, 429, 502):
        error["metadata"] = {"provider_name": "Emulator", "raw": code or text}
    return {"error": error, "user_id": "user_emulated"}


def _dashscope(status: int, message: str | None, code: str | None) -> dict[str, Any]:
    default_code, default_message = _DASHSCOPE.get(status, _DASHSCOPE[500])
    kind = "invalid_request_error" if status in (400, 401, 404) else code or default_code
    return {
        "error": {
            "message": message or default_message,
            "type": kind,
            "param": None,
            "code": code or default_code,
        },
        "request_id": str(uuid4()),
    }


def _openai(status: int, message: str | None, code: str | None) -> dict[str, Any]:
    kind, default_code, default_message = _OPENAI.get(status, _OPENAI[500])
    return {
        "error": {
            "message": message or default_message,
            "type": kind,
            "param": None,
            "code": code or default_code,
        }
    }


def _anthropic(status: int, message: str | None, code: str | None) -> dict[str, Any]:
    kind, default_message = _ANTHROPIC.get(status, _ANTHROPIC[500])
    error = {"type": code or kind, "message": message or default_message}
    return {"type": "error", "error": error, "request_id": "req_01" + uuid4().hex[:22]}


_BUILDERS = {
    "openrouter": _openrouter,
    "dashscope": _dashscope,
    "openai": _openai,
    "anthropic": _anthropic,
}
