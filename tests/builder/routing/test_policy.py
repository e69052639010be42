"""What follows each failure, before the first content."""

from typing import get_args

import pytest

from builder.providers.errors import PERMANENT_CODES, ErrorCode, ProviderError
from builder.providers.types import FinishReason
from builder.routing.policy import (
    FAULT_CODES,
    Move,
    failure_without_content,
    move_after,
)

ALL_CODES = get_args(ErrorCode)
PASSING = sorted(set(ALL_CODES) - PERMANENT_CODES)


@pytest.mark.parametrize("code", sorted(PERMANENT_CODES))
def test_what_is_the_requests_own_fault_returns_at_once(code):
    error = ProviderError(code, "")
    assert move_after(error, others=True, waited=False) is Move.STOP
    assert move_after(error, others=False, waited=False) is Move.STOP


@pytest.mark.parametrize("code", PASSING)
def test_everything_else_moves_on(code):
    assert move_after(ProviderError(code, ""), others=True, waited=False) is Move.NEXT


def test_the_faults_are_all_but_the_requests_and_our_accounts():
    ours = {"unauthorized", "payment_required"}
    assert set(PASSING) - FAULT_CODES == ours


@pytest.mark.parametrize(
    ("code", "seconds", "others", "waited", "move"),
    [
        ("rate_limited", 5.0, False, False, Move.AGAIN),
        ("rate_limited", 0.0, False, False, Move.AGAIN),
        ("rate_limited", 5.1, False, False, Move.NEXT),
        ("rate_limited", None, False, False, Move.NEXT),
        ("rate_limited", 2.0, True, False, Move.NEXT),
        ("rate_limited", 2.0, False, True, Move.NEXT),
        ("unavailable", 2.0, False, False, Move.NEXT),
    ],
)
def test_a_short_wait_is_waited_for_once_where_nobody_else_can_answer(
    code, seconds, others, waited, move
):
    error = ProviderError(code, "", retry_after_seconds=seconds)
    assert move_after(error, others=others, waited=waited) is move


@pytest.mark.parametrize(
    ("finish", "code"),
    [
        (None, "cut"),
        (FinishReason.ERROR, "server_error"),
        (FinishReason.STOP, "empty"),
        (FinishReason.LENGTH, "empty"),
        (FinishReason.UNKNOWN, "empty"),
    ],
)
def test_an_end_without_content_is_a_failure(finish, code):
    error = failure_without_content(None, finish)
    assert error is not None
    assert (error.code, error.permanent) == (code, False)


def test_a_refusal_is_an_answer():
    assert failure_without_content(None, FinishReason.CONTENT_FILTER) is None
