"""Canary secrets in every disguise that a log line has shown them in."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.logging import RedactingFormatter
from config.redaction import Redactor, url_password

KEY = "canary/Key+with=odd\"chars'é"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLWNhbmFyeQ"


@pytest.mark.parametrize(
    ("line", "canary"),
    [
        ("Authorization: Bearer canary-token-1234", "canary-token"),
        ("{'Authorization': 'Bearer canary-token-1234'}", "canary-token"),
        ('{"authorization": "Basic Y2FuYXJ5OnB3"}', "Y2FuYXJ5"),
        ("Proxy-Authorization: Basic Y2FuYXJ5OnB3", "Y2FuYXJ5"),
        ("sent bearer canarycanarycanary to", "canarycanary"),
        ("x-api-key: canary", "canary"),
        ('{"api_key": "canary-1"}', "canary"),
        ('{\\"api_key\\": \\"canary-1\\"}', "canary"),
        ("url?api_key=canary&x=1", "canary"),
        ("password=canary", "canary"),
        ("Cookie: sessionid=canary; csrftoken=canary2", "canary"),
        ("X-Session-Token: canary", "canary"),
        ("redis://:canary@127.0.0.1:6379/0", "canary"),
        ("postgres://ann:canary@db/x failed", "canary"),
        ("proxy http://ann:canary@127.0.0.1:7890", "canary"),
        ("smtp+tls://ann:canary%21@mail:587", "canary"),
        (f"token {JWT} seen", "c2lnbmF0dXJl"),
        ("Incorrect API key provided: sk-or-v1-canarycanary0123", "canary"),
        ("sk_live_canarycanary0123 is wrong", "canary"),
        ("rk_test_canarycanary0123", "canary"),
        ("whsec_canarycanary0123", "canary"),
    ],
)
def test_a_secret_is_known_by_its_shape(line: str, canary: str) -> None:
    redacted = Redactor()(line)
    assert canary not in redacted
    assert "[redacted]" in redacted


@pytest.mark.parametrize(
    "line",
    [
        "GET /sites/4/ 200",
        "run 7f3a charged 1500 tokens",
        "basic authentication is not offered",
        "https://openrouter.ai/api/v1/chat/completions answered 429",
        "the password was wrong",
        "ask-anything-you-like-here",
    ],
)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert Redactor()(line) == line


def test_what_surrounds_a_secret_stays_readable() -> None:
    line = "Connected to redis://:hunter2hunter2@10.0.0.1:6379/0 in 3 s"
    assert Redactor()(line) == "Connected to redis://[redacted]@10.0.0.1:6379/0 in 3 s"


def test_a_known_secret_is_found_raw_quoted_and_in_json() -> None:
    redact = Redactor([KEY])
    assert redact(f"a {KEY} b") == "a [redacted] b"
    assert redact("a canary%2FKey%2Bwith%3Dodd%22chars%27%C3%A9 b") == "a [redacted] b"
    assert redact(json.dumps({"event": KEY})) == '{"event": "[redacted]"}'


def test_a_value_too_short_to_be_a_secret_blanks_nothing() -> None:
    assert Redactor(["run", ""])("run 3 ended") == "run 3 ended"


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=8, max_size=40))
def test_no_known_secret_survives_whatever_it_is_made_of(secret: str) -> None:
    assume(secret not in "a [redacted] b")
    assert secret not in Redactor([secret])(f"a {secret} b")


def format_failure(formatter: RedactingFormatter) -> str:
    try:
        raise ValueError(f"provider said no to {KEY}")
    except ValueError:
        record = logging.LogRecord(
            "canary", logging.ERROR, __file__, 1, "call with %s", (KEY,), sys.exc_info()
        )
    return formatter.format(record)


def test_json_lines_hold_no_secret_not_even_in_the_traceback() -> None:
    line = format_failure(RedactingFormatter(as_json=True, secrets=[KEY]))
    event = json.loads(line)
    assert event["event"] == "call with [redacted]"
    assert event["exception"].endswith("ValueError: provider said no to [redacted]")
    assert (event["level"], event["logger"]) == ("error", "canary")
    assert "canary/Key" not in line


def test_readable_lines_hold_no_secret_either() -> None:
    text = format_failure(RedactingFormatter(as_json=False, secrets=[KEY]))
    assert "provider said no to [redacted]" in text
    assert "canary/Key" not in text


@pytest.mark.parametrize(
    ("url", "password"),
    [("redis://:pw@h/0", "pw"), ("postgres://h/x", ""), ("./file", ""), ("http://[bad", "")],
)
def test_the_password_of_a_url(url: str, password: str) -> None:
    assert url_password(url) == password
