"""Deciding one answer: its text, its chunks, its speed, its ending."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from emulators.ai.behaviour import Behaviour, strip_triggers
from emulators.ai.catalog import Habits, Model
from emulators.ai.conversation import Conversation
from emulators.ai.pictures import SeenPicture
from emulators.ai.tokens import count_tokens, first_tokens, split_tokens
from emulators.ai.wire import Reply, Usage
from emulators.ai.writer import odd_reply, refusal_text, write_reply

_CHUNKS_PER_SECOND = 50
_TOKENS_PER_CHUNK_FLAT_OUT = 8


@dataclass(frozen=True)
class Plan:
    """What will be sent. Seconds are real ones, the pace already applied."""

    reply: Reply
    chunks: list[str]
    first_token_seconds: float
    chunk_seconds: float


def make_plan(
    *,
    model: Model,
    conversation: Conversation,
    behaviour: Behaviour,
    max_tokens: int | None,
    pace: float,
) -> Plan:
    """Write the answer, cut it to its limits and split it into chunks."""
    room = min(
        max_tokens or model.max_output_tokens,
        model.max_output_tokens,
        max(1, model.context_tokens - conversation.input_tokens),
    )
    text, finish = _answer(model, conversation, behaviour, room)
    text, finish = _limited(text, finish, room, behaviour)
    chunks, tokens_per_chunk = _chunks(text, model, behaviour, pace)
    text = "".join(chunks)
    output_tokens = count_tokens(text)
    usage = Usage(
        conversation.input_tokens,
        output_tokens,
        model.cost_usd(conversation.input_tokens, output_tokens),
    )
    first, each = _speed(model, behaviour, tokens_per_chunk, pace)
    return Plan(Reply(text, finish, usage), chunks, first, each)


def _answer(
    model: Model, conversation: Conversation, behaviour: Behaviour, room: int
) -> tuple[str, str]:
    if behaviour.empty:
        return "", "stop"
    if behaviour.reply is not None:
        return behaviour.reply, "stop"
    request = strip_triggers(conversation.request)
    if behaviour.refuse:
        return refusal_text(request), "stop"
    if behaviour.reply_as is not None:
        return odd_reply(behaviour.reply_as, request, conversation.files), "stop"
    habits = model.habits
    if behaviour.habits:
        habits = replace(habits, **behaviour.habits)
    text = _written(
        request, tuple(conversation.files.items()), model.id, habits, conversation.pictures, room
    )
    return text, "stop"


@lru_cache(maxsize=128)
def _written(
    request: str,
    files: tuple[tuple[str, str], ...],
    model_id: str,
    habits: Habits,
    pictures: tuple[SeenPicture, ...],
    room: int,
) -> str:
    return write_reply(
        request=request,
        files=dict(files),
        model_id=model_id,
        habits=habits,
        pictures=pictures,
        room_tokens=room,
    )


def _limited(text: str, finish: str, room: int, behaviour: Behaviour) -> tuple[str, str]:
    shorter = first_tokens(text, room)
    if len(shorter) < len(text):
        text, finish = shorter, "length"
    if behaviour.length_after_chars is not None:
        text, finish = text[: behaviour.length_after_chars], "length"
    if behaviour.content_filter:
        text, finish = text[:200], "content_filter"
    return text, behaviour.finish_reason or finish


def _chunks(text: str, model: Model, behaviour: Behaviour, pace: float) -> tuple[list[str], float]:
    """The chunks, and how many tokens one holds on average."""
    if behaviour.chunks:
        return _counted_chunks(text, behaviour.chunks, behaviour.chunk_chars), 1
    if behaviour.chunk_chars:
        return _sliced(text, behaviour.chunk_chars), 1
    pieces = split_tokens(text)
    size = _TOKENS_PER_CHUNK_FLAT_OUT
    if pace > 0:
        size = max(1, round(model.tokens_per_second / pace / _CHUNKS_PER_SECOND))
    starts = [*range(0, len(pieces), size), len(pieces)]
    return ["".join(pieces[a:b]) for a, b in pairwise(starts)], size


def _sliced(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _counted_chunks(text: str, chunks: int, chars: int | None) -> list[str]:
    """Exactly that many chunks: the text repeated or cut to fit them."""
    size = chars or max(1, len(text) // chunks)
    wanted = size * chunks
    text = (text or "x") * (wanted // max(1, len(text)) + 1)
    return _sliced(text[:wanted], size)


def _speed(
    model: Model, behaviour: Behaviour, tokens_per_chunk: float, pace: float
) -> tuple[float, float]:
    first = model.first_token_seconds * pace
    if behaviour.first_token_seconds is not None:
        first = behaviour.first_token_seconds
    if behaviour.chunks_per_second is not None:
        return first, 1 / behaviour.chunks_per_second
    return first, tokens_per_chunk / model.tokens_per_second * pace
