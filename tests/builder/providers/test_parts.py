"""The small parts on their own, and nonsense of every kind."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from builder.providers import Endpoint, ProviderError, StreamEvent, TextDelta
from builder.providers.anthropic import _EventDecoder
from builder.providers.chunks import TextJoiner
from builder.providers.errors import MAX_MESSAGE_CHARACTERS
from builder.providers.failures import provider_error, read_error_body, retry_after
from builder.providers.openai_compatible import DASHSCOPE, _ChunkDecoder
from builder.providers.redaction import clean_message
from builder.providers.sse import ServerSentEvent
from builder.providers.usage import openai_usage, token_count, usd

ENDPOINT = Endpoint(
    "https://api.example", "sk-or-v1-topsecret", "http://proxyuser:proxy%20pass@10.0.0.1:7890"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "choices",
                    "delta",
                    "content",
                    "text",
                    "usage",
                    "error",
                    "message",
                    "finish_reason",
                    "stop_reason",
                    "code",
                    "metadata",
                    "raw",
                    "output_tokens",
                    "prompt_tokens",
                    "completion_tokens",
                    "input_tokens",
                    "model",
                    "id",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
kinds = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "message_delta", "error", "x"]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(json_values, max_size=4), kinds)
def test_no_json_makes_a_decoder_raise_anything_but_its_error(
    values: list[object], kind: str
) -> None:
    for decoder in (_ChunkDecoder(ENDPOINT, DASHSCOPE), _EventDecoder(ENDPOINT)):
        seen: list[StreamEvent] = []
        for value in values:
            if isinstance(value, dict) and isinstance(decoder, _EventDecoder):
                value = {**value, "type": kind}
            data = json.dumps(value).encode()
            try:
                seen.extend(decoder.decode(ServerSentEvent("message", data)))
            except ProviderError as error:
                assert error.message  # noqa: PT017 - either way is right
        for event in seen:
            if isinstance(event, TextDelta):
                assert event.text
                event.text.encode()


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()),
    st.integers(300, 599),
)
def test_no_error_body_is_too_odd(body: bytes, status: int) -> None:
    report = read_error_body(body, "application/json")
    error = provider_error(report, ENDPOINT, status=status, overrides={})
    assert error.status == status
    assert len(error.message) <= MAX_MESSAGE_CHARACTERS


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.text(max_size=20)
        | st.sampled_from(
            [
                "sk-or-v1-topsecret",
                "proxyuser:proxy%20pass@",
                "proxy pass",
                "Bearer abcdefgh",
                "cHJveHl1c2VyOnByb3h5IHBhc3M=",
                "sk-proj-other",
                "\n\x00\u2028",
            ]
        ),
        max_size=12,
    )
)
def test_no_secret_survives_the_cleaning(pieces: list[str]) -> None:
    said = clean_message(" ".join(pieces), ENDPOINT)
    for secret in ("topsecret", "proxy%20pass", "proxy pass", "cHJveHl1c2Vy", "abcdefgh"):
        assert secret not in said
    assert len(said) <= MAX_MESSAGE_CHARACTERS
    assert said.isprintable() or not set(said) & set("\n\r\x00\u2028")


def test_secrets_do_not_show_when_an_endpoint_is_printed() -> None:
    shown = repr(ENDPOINT)
    assert "topsecret" not in shown
    assert "pass" not in shown


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "99999999"}, 86400.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": ""}, None),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Sun, 22 Nov 2026 12:00:30 -0000"}, 30.0),
        ({"Retry-After": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sun, 99 Nov 2026 11:00:00 GMT"}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert retry_after(CaseInsensitiveDict(headers), now) == seconds


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (7, 7),
        (0, 0),
        (7.0, 7),
        ("7", 7),
        (7.5, None),
        (-1, None),
        (True, None),
        (None, None),
        ("x", None),
        ("٧", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**9, None),
        ([], None),
        ({}, None),
        ("-1", None),
    ],
)
def test_only_a_sane_count_counts(value: object, count: int | None) -> None:
    assert token_count(value) == count


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0.00014, Decimal("0.00014")),
        ("1.20", Decimal("1.20")),
        (0, Decimal(0)),
        (-1, None),
        ("x", None),
        (True, None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_money_is_read_as_it_was_written(value: object, amount: Decimal | None) -> None:
    assert usd(value) == amount


def test_a_missing_count_is_derived_from_the_total() -> None:
    usage = openai_usage({"prompt_tokens": 5, "total_tokens": 9})
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (5, 4)
    usage = openai_usage({"completion_tokens": 5, "total_tokens": 9})
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (4, 5)
    assert openai_usage({"prompt_tokens": 5}) is None
    assert openai_usage({"prompt_tokens": 9, "total_tokens": 5}) is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20), st.lists(st.integers(0, 60), max_size=8))
def test_text_cut_anywhere_in_utf16_is_joined_again(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le")
    edges = sorted({0, len(units), *(min(cut * 2, len(units)) for cut in cuts)})
    parts = [units[a:b].decode("utf-16-le", "surrogatepass") for a, b in itertools.pairwise(edges)]
    joiner = TextJoiner()
    assert "".join(joiner.join(part) for part in parts) == text
