"""What reading a provider's stream costs: server-sent events alone, and with their meaning.

A chunk is one `data:` line as OpenRouter sends it, some 4 characters of text. CPU of this thread,
the median of rounds, so that other work on the machine counts as little as it can.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable

from bench.report import emit
from builder.providers import Endpoint
from builder.providers.openai_compatible import OPENROUTER, _ChunkDecoder
from builder.providers.sse import ServerSentEventParser

GOAL_MICROSECONDS = 15
CHUNKS = 20_000
ROUNDS = 7
# How the network hands them out: each alone, a few at once, TCP segments that cut anywhere.
READS = {"one chunk a read": None, "1,460 bytes a read": 1_460, "16 KiB a read": 16_384}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench sse")
    parser.add_argument("--quick", action="store_true", help="tiny numbers: does it run at all?")
    options = parser.parse_args(arguments)
    count, rounds = (200, 2) if options.quick else (CHUNKS, ROUNDS)
    lines = list(_lines(count))
    stream = b"".join(lines)
    for name, size in READS.items():
        reads = (
            lines if size is None else [stream[i : i + size] for i in range(0, len(stream), size)]
        )
        figures = {
            what: _microseconds(work, reads, count, rounds)
            for what, work in (("parsing", _parse), ("parsing_and_decoding", _parse_and_decode))
        }
        emit(
            bench="sse",
            reads=name,
            chunks=count,
            bytes_a_chunk=round(len(stream) / count),
            cores=os.cpu_count(),
            **{f"{what}_us_a_chunk": figure for what, figure in figures.items()},
            goal_us_a_chunk=GOAL_MICROSECONDS,
            reached=max(figures.values()) <= GOAL_MICROSECONDS,
        )


def _lines(count: int) -> Iterable[bytes]:
    words = ["<div", " class", '="card', '">\\n', "面包", "店 ", "margin", ": 0 ", "auto", ";\\n "]
    for number in range(count):
        chunk = {
            "id": "gen-1763850000-AbCdEfGhIjKlMnOpQrSt",
            "provider": "Anthropic",
            "model": "anthropic/claude-3-haiku",
            "object": "chat.completion.chunk",
            "created": 1763850000,
            "choices": [
                {
                    "index": 0,
                    "delta": {"role": "assistant", "content": words[number % len(words)]},
                    "finish_reason": None,
                    "native_finish_reason": None,
                    "logprobs": None,
                }
            ],
        }
        if number % 50 == 49:
            yield b": OPENROUTER PROCESSING\n\n"
        yield b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _parse(reads: list[bytes]) -> int:
    parser = ServerSentEventParser()
    return sum(1 for read in reads for _event in parser.feed(read))


def _parse_and_decode(reads: list[bytes]) -> int:
    parser = ServerSentEventParser()
    decoder = _ChunkDecoder(Endpoint("https://openrouter.ai/api/v1", ""), OPENROUTER)
    return sum(
        1 for read in reads for event in parser.feed(read) for _meant in decoder.decode(event)
    )


def _microseconds(
    work: Callable[[list[bytes]], int], reads: list[bytes], count: int, rounds: int
) -> float:
    """CPU of one chunk. Every chunk must have come out: a parser that loses some is quick."""
    taken = []
    for _round in range(rounds):
        began = time.thread_time()
        came = work(reads)
        taken.append(time.thread_time() - began)
        if came not in (count, count + 1):  # the decoder says that the answer began, too
            raise RuntimeError(f"{came} events came out of {count} chunks")
    return round(statistics.median(taken) / count * 1_000_000, 2)
