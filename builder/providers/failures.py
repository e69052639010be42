"""From what went wrong to a ProviderError: the one table for all providers.

Decided in this order: the provider's own error code, what the text gives away, the HTTP
status, the error's type. Sources: https://openrouter.ai/docs/api_reference/errors-and-debugging,
https://help.aliyun.com/en/model-studio/error-code-start,
https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from builder.providers.errors import ErrorCode, ProviderError
from builder.providers.redaction import clean_message
from builder.providers.types import Endpoint

_ACCOUNT_CODES: frozenset[ErrorCode] = frozenset({"unauthorized", "payment_required"})
_MAX_RETRY_AFTER_SECONDS = 24 * 3600.0

#: Provider codes and error types, in lower case. A dialect may override an entry.
_BY_PROVIDER_CODE: dict[str, ErrorCode] = {
    # OpenAI and what imitates it
    "context_length_exceeded": "context_too_long",
    "exceed_context_size_error": "context_too_long",
    "string_above_max_length": "context_too_long",
    "content_policy_violation": "refused",
    "content_filter": "refused",
    "moderation_blocked": "refused",
    "invalid_api_key": "unauthorized",
    "account_deactivated": "unauthorized",
    "unsupported_country_region_territory": "unauthorized",
    "insufficient_quota": "payment_required",
    "billing_hard_limit_reached": "payment_required",
    "billing_not_active": "payment_required",
    "model_not_found": "not_found",
    "rate_limit_exceeded": "rate_limited",
    "server_error": "server_error",
    # Anthropic
    "authentication_error": "unauthorized",
    "permission_error": "unauthorized",
    "billing_error": "payment_required",
    "not_found_error": "not_found",
    "request_too_large": "context_too_long",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "api_error": "server_error",
    "overloaded_error": "unavailable",
    # DashScope
    "invalidapikey": "unauthorized",
    "accessdenied": "unauthorized",
    "model.accessdenied": "unauthorized",
    "workspace.accessdenied": "unauthorized",
    "arrearage": "payment_required",
    "prepaidbilloverdue": "payment_required",
    "postpaidbilloverdue": "payment_required",
    "commoditynotpurchased": "payment_required",
    "allocationquota.freetieronly": "payment_required",
    "datainspectionfailed": "refused",
    "data_inspection_failed": "refused",
    "modelnotfound": "not_found",
    "throttling": "rate_limited",
    "limit_requests": "rate_limited",
    "limit_burst_rate": "rate_limited",
    "requesttimeout": "timeout",
    "internalerror": "server_error",
    "internal_server_error": "server_error",
    "systemerror": "server_error",
    "serviceunavailable": "unavailable",
    "modelunavailable": "unavailable",
    "modelservingerror": "unavailable",
}

_BY_STATUS: dict[int, ErrorCode] = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "unauthorized",
    404: "not_found",
    407: "proxy_failed",
    408: "timeout",
    413: "context_too_long",
    429: "rate_limited",
    451: "refused",
    502: "unavailable",
    503: "unavailable",
    504: "timeout",
    522: "timeout",
    524: "timeout",
    529: "unavailable",
}

_CONTEXT_TEXT = re.compile(
    r"(?i)maximum context length|context (?:length|window|size|limit)[^.]{0,40}exceed"
    r"|exceeds?[^.]{0,60}(?:context (?:length|window|size|limit)|maximum number of tokens)"
    r"|prompt is too long|input is too long|range of input length should be"
    r"|too many (?:input )?tokens|input token count"
)
_CREDIT_TEXT = re.compile(
    r"(?i)credit balance is too low|insufficient (?:credits|balance)|account is in good standing"
)
_REFUSAL_TEXT = re.compile(
    r"(?i)inappropriate content|content (?:management )?policy|flagged by|input was flagged"
    r"|requires moderation|usage polic(?:y|ies)"
)
_KEY_TEXT = re.compile(r"(?i)(?:incorrect|invalid) api[ -]?key")


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """What a provider said about a failure, in one shape."""

    code: str = ""
    kind: str = ""
    message: str = ""
    moderated: bool = False
    in_flight_budget: bool = False


def classify(
    report: ErrorReport, status: int | None, overrides: Mapping[str, ErrorCode]
) -> ErrorCode:
    """The code of our own for what a provider reported."""
    known = _provider_code(report.code, overrides)
    if known:
        return known
    if report.moderated:
        return "refused"
    if status not in (401, 402, 429):
        for pattern, code in _TEXT_RULES:
            if pattern.search(report.message):
                return code
    if status is not None and status >= 300:
        return _by_status(status)
    return _provider_code(report.kind, overrides) or "server_error"


_TEXT_RULES: tuple[tuple[re.Pattern[str], ErrorCode], ...] = (
    (_CONTEXT_TEXT, "context_too_long"),
    (_CREDIT_TEXT, "payment_required"),
    (_KEY_TEXT, "unauthorized"),
    (_REFUSAL_TEXT, "refused"),
)


def _provider_code(code: str, overrides: Mapping[str, ErrorCode]) -> ErrorCode | None:
    """Look a code up, then its first part: `Throttling.RateQuota` is a `Throttling`."""
    code = code.lower()
    for name in (code, code.partition(".")[0]):
        found = overrides.get(name) or _BY_PROVIDER_CODE.get(name)
        if found:
            return found
    return None


def _by_status(status: int) -> ErrorCode:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return "bad_response"
    return "bad_request" if status < 500 else "server_error"


def provider_error(
    report: ErrorReport,
    endpoint: Endpoint,
    *,
    status: int | None,
    overrides: Mapping[str, ErrorCode],
    retry_after_seconds: float | None = None,
) -> ProviderError:
    """The error for what a provider reported, under an HTTP status or inside a stream."""
    code = classify(report, status, overrides)
    # OpenRouter caps what may be in flight at once: such a 402 passes, an empty account not.
    if status == 402 and (report.in_flight_budget or retry_after_seconds is not None):
        code = "rate_limited"
    said = report.message or report.code or report.kind or "no reason given"
    where = "during the answer" if status is None else f"with status {status}"
    return ProviderError(
        code,
        clean_message(f"The provider failed {where}: {said}", endpoint),
        status=status,
        retry_after_seconds=retry_after_seconds,
        account=code in _ACCOUNT_CODES,
    )


def read_error_body(body: bytes, content_type: str) -> ErrorReport:
    """What an error response says; an HTML page or garbage is named, never quoted."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
            return ErrorReport(message="an HTML page in place of an answer")
        if content_type.lower().startswith("text/plain"):
            return ErrorReport(message=body.decode("utf-8", "replace"))
        return ErrorReport(message="an error that could not be read" if body else "")
    if isinstance(parsed, dict):
        return read_error_object(parsed.get("error") or parsed)
    return ErrorReport(message="an error that could not be read")


def read_error_object(error: object) -> ErrorReport:
    """From an `error` value: an object as OpenAI, OpenRouter and Anthropic send, or a text."""
    if not isinstance(error, dict):
        return ErrorReport(message=str(error or "")[:2000])
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    code = error.get("code")
    message = _text(error.get("message"))
    upstream = _text(metadata.get("raw"))
    if upstream and upstream not in message:
        # "Provider returned error" alone tells nothing; `raw` is what the provider said.
        message = f"{message} ({upstream})" if message else upstream
    return ErrorReport(
        code=code if isinstance(code, str) else _text(metadata.get("error_type")),
        kind=_text(error.get("type")),
        message=message,
        moderated=bool(metadata.get("reasons") or metadata.get("flagged_input")),
        in_flight_budget=metadata.get("limit_source") == "openrouter_in_flight_budget",
    )


def status_in_error(error: object) -> int | None:
    """The HTTP status that OpenRouter puts in `error.code` of an answer under 200."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def _text(value: object) -> str:
    return value[:2000] if isinstance(value, str) else ""


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, from `Retry-After` (seconds or an HTTP date) or `retry-after-ms`."""
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        seconds /= 1000
    else:
        value = (headers.get("Retry-After") or "").strip()
        seconds = _number(value)
        if seconds is None and value:
            try:
                moment = parsedate_to_datetime(value)
            except ValueError:
                return None
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    if seconds is None:
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None
