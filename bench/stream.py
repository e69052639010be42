"""`script/bench stream`: text of concurrent runs from one upstream, direct, through us, through
the LiteLLM proxy, in one run on one machine.

The upstream is the emulated provider at 50 chunks a second a stream. Ratios of one run are what
counts; single latencies vary from run to run. CPU is that of the system under test only: our web
and worker processes, or the proxy; the upstream and the load client are in nobody's figure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Stream, follow_chat, follow_run, post_json
from bench.peers import Peer, litellm_environment, litellm_proxy
from bench.processes import cpu_seconds, resident_bytes
from bench.product import ROOT, Product, product
from bench.report import emit, milliseconds, percentile
from emulators.ai.testing import EmulatorClient, emulator

CHUNKS_PER_SECOND = 50
CHUNK_CHARACTERS = 12
CHUNKS = 1000
PROMPT = "A site for the bakery Flour & Salt"

Follow = Callable[[int], Awaitable[Stream]]


@dataclass(slots=True)
class Used:
    """What the rounds of one system took: seconds of wall clock and CPU, bytes grown at most."""

    streams: list[Stream] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    grown_bytes: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """Something that relays the upstream: how to follow one stream, which processes it is."""

    name: str
    follow: Follow
    pids: list[int]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench stream")
    parser.add_argument("--concurrency", default="1,50,200")
    parser.add_argument("--repeat-single", type=int, default=10, help="runs where there is one")
    parser.add_argument("--no-litellm", action="store_true")
    options = parser.parse_args(arguments)
    levels = [int(level) for level in options.concurrency.split(",")]
    folder = Path(tempfile.mkdtemp(prefix="sitewright-bench-"))
    state = Path(os.environ.get("STATE_DIR") or ROOT / "var")
    python = None if options.no_litellm else litellm_environment(state / "bench" / "litellm")
    with (
        emulator(pace=0, subprocess_=True) as upstream,
        product(upstream=upstream.url, folder=folder, concurrency=max(levels) + 10) as ours,
    ):
        _pace(upstream)
        if python is None:
            asyncio.run(_measure(upstream, ours, None, levels, options.repeat_single))
            return
        with litellm_proxy(python, upstream=upstream.base_url("openai"), folder=folder) as peer:
            asyncio.run(_measure(upstream, ours, peer, levels, options.repeat_single))


def _pace(upstream: EmulatorClient) -> None:
    upstream.rule(
        {
            "chunk_chars": CHUNK_CHARACTERS,
            "chunks_per_second": CHUNKS_PER_SECOND,
            "chunks": CHUNKS,
            "first_token_seconds": 0,
        }
    )


async def _measure(
    upstream: EmulatorClient, ours: Product, peer: Peer | None, levels: list[int], singles: int
) -> None:
    systems = [_direct(upstream), await _through_us(ours, max(levels))]
    if peer is not None:
        systems.append(_through(peer))
    for system in systems:  # the first request of a process pays for its imports
        await system.follow(0)
    for level in levels:
        rounds = singles if level == 1 else 1
        used = {system.name: Used() for system in systems}
        # Interleaved, so that whatever else the machine does hits all alike.
        for _round in range(rounds):
            for system in systems:
                await _round_of(system, level, used[system.name])
        figures = {name: _figures(one, level) for name, one in used.items()}
        for name, row in figures.items():
            emit(bench="stream", system=name, concurrency=level, **row)
        _compare(level, figures)


async def _round_of(system: System, level: int, used: Used) -> None:
    """One round of `level` streams at once, added to `used`."""
    rss, cpu, started = resident_bytes(system.pids), cpu_seconds(system.pids), time.perf_counter()
    tasks = [asyncio.ensure_future(system.follow(number)) for number in range(level)]
    pending = set(tasks)
    while pending:
        _done, pending = await asyncio.wait(tasks, timeout=1.0)
        used.grown_bytes = max(used.grown_bytes, resident_bytes(system.pids) - rss)
    used.wall_seconds += time.perf_counter() - started
    used.cpu_seconds += cpu_seconds(system.pids) - cpu
    used.streams += [task.result() for task in tasks]


def _figures(used: Used, level: int) -> dict[str, object]:
    streams, wall, cpu = used.streams, used.wall_seconds, used.cpu_seconds
    chunks = sum(stream.characters for stream in streams) / CHUNK_CHARACTERS
    firsts = [stream.first for stream in streams if stream.first is not None]
    pace = CHUNK_CHARACTERS * CHUNKS_PER_SECOND
    lags = [lag for stream in streams for lag in stream.lags(pace)]
    errors = [stream.error for stream in streams if stream.error]
    return {
        "finished": sum(stream.finished for stream in streams),
        "streams": len(streams),
        "first_token_ms_p50": milliseconds(percentile(firsts, 0.5)),
        "first_token_ms_p95": milliseconds(percentile(firsts, 0.95)),
        "lag_ms_p50": milliseconds(percentile(lags, 0.5)),
        "lag_ms_p95": milliseconds(percentile(lags, 0.95)),
        "chunks_per_second": round(chunks / wall, 1) if wall else 0.0,
        "cpu_seconds_per_100k_chunks": round(cpu / chunks * 100_000, 2) if chunks else None,
        "memory_mb_per_stream": round(used.grown_bytes / 1e6 / level, 3),
        **({"first_error": errors[0], "errors": len(errors)} if errors else {}),
    }


def _compare(level: int, figures: dict[str, dict[str, object]]) -> None:
    """Added time to first token and the ratios that the goals speak of."""

    def number(system: str, name: str) -> float:
        value = figures.get(system, {}).get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    def added(system: str, name: str) -> float:
        return round(number(system, name) - number("direct", name), 1)

    def ratio(above: float, below: float) -> float | None:
        return round(above / below, 3) if below > 0 else None

    cpu, rate = "cpu_seconds_per_100k_chunks", "chunks_per_second"
    row: dict[str, object] = {
        "added_first_token_ms_p50": added("sitewright", "first_token_ms_p50"),
        "added_first_token_ms_p95": added("sitewright", "first_token_ms_p95"),
        "chunks_vs_direct": ratio(number("sitewright", rate), number("direct", rate)),
    }
    if "litellm" in figures:
        theirs = added("litellm", "first_token_ms_p50")
        row |= {
            "litellm_added_first_token_ms_p50": theirs,
            "litellm_added_first_token_ms_p95": added("litellm", "first_token_ms_p95"),
            "added_first_token_vs_litellm": ratio(
                added("sitewright", "first_token_ms_p50"), theirs
            ),
            "cpu_vs_litellm": ratio(number("sitewright", cpu), number("litellm", cpu)),
        }
    emit(bench="stream", compare="sitewright", concurrency=level, **row)


def _direct(upstream: EmulatorClient) -> System:
    url = upstream.base_url("openai") + "/chat/completions"
    headers = {"Authorization": "Bearer emulated"}
    return System("direct", lambda _n: follow_chat(url, headers, _chat("gpt-4")), [])


def _through(peer: Peer) -> System:
    headers = {"Authorization": f"Bearer {peer.key}"}
    url = peer.url + "/chat/completions"
    return System("litellm", lambda _n: follow_chat(url, headers, _chat("bench")), [peer.pid])


def _chat(model: str) -> dict[str, object]:
    return {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 4000,
        "messages": [{"role": "user", "content": f"<request>\n{PROMPT}\n</request>"}],
    }


async def _through_us(ours: Product, most: int) -> System:
    """A person with plenty of tokens and a site for each stream."""
    status, answer = await post_json(
        f"{ours.url}/_allauth/app/v1/auth/signup",
        {},
        {"email": "bench@example.com", "password": "correct horse 42"},
    )
    if status != 200:
        raise RuntimeError(f"sign-up: {status} {answer}")
    headers = {"Authorization": f"Bearer {answer['meta']['access_token']}"}
    sites = ours.manage("shell", "--no-imports", code=_PREPARE % most).split()[-most:]

    async def follow(number: int) -> Stream:
        return await follow_run(
            ours.url,
            f"/api/sites/{sites[number]}/runs",
            headers,
            {"prompt": PROMPT, "model": "gpt-4"},
        )

    return System("sitewright", follow, [ours.web_pid, ours.worker_pid])


_PREPARE = """
from django.utils import timezone
from accounts.models import User
from billing.services.grants import grant_create
from builder.services.sites import site_create
user = User.objects.get(email="bench@example.com")
grant_create(user_id=user.pk, kind="purchased", amount=10**11, source="bench",
    effective_at=timezone.now())
print(*[site_create(owner=user, name=f"Bench {n}").pk for n in range(%d)])
"""
