"""`script/bench stream`: text of concurrent runs from one upstream, direct, through us, through
the LiteLLM proxy, in one run on one machine.

The upstream is the emulated provider at 50 chunks a second a stream. Ratios of one run are what
counts; single latencies vary from run to run. CPU is that of the system under test only: our web
and worker processes, or the proxy; the upstream and the load client are in nobody's figure,
though they need the same cores. Ours does more: it signs in, holds, stores and settles.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from bench.answers import CHUNKS_PER_SECOND, answer_with
from bench.load import Stream
from bench.peers import Peer, litellm_environment, litellm_proxy
from bench.processes import cpu_seconds, resident_bytes
from bench.product import ROOT, Product, product
from bench.report import emit
from bench.stream_figures import Sample, Used, compared, figures_of, start_figures
from bench.systems import System, direct, through_proxy, through_us
from emulators.ai.testing import EmulatorClient, emulator

# Long enough that starting is a small part of it, as it is with real answers.
CHUNKS, SINGLE_CHUNKS = 1000, 100
# For the cost of a start: next to no text.
START_CHUNKS, STARTS_AT_ONCE = 10, 4
# A round that takes three times as long as the upstream writes has lost; it is cut there.
PATIENCE = 3


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="script/bench stream")
    parser.add_argument(
        "part", nargs="?", default="all", choices=("all", "starts", "text"), help="of the rounds"
    )
    parser.add_argument("--concurrency", default="1,50,200")
    parser.add_argument("--repeat-single", type=int, default=12, help="rounds of one stream")
    parser.add_argument("--starts", type=int, default=60, help="runs for the cost of a start")
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="of each of many streams")
    parser.add_argument("--no-litellm", action="store_true")
    options = parser.parse_args(arguments)
    levels = [int(level) for level in options.concurrency.split(",")]
    if options.part == "starts":
        levels = []
    folder = Path(tempfile.mkdtemp(prefix="sitewright-bench-"))
    state = Path(os.environ.get("STATE_DIR") or ROOT / "var")
    python = None if options.no_litellm else litellm_environment(state / "bench" / "litellm")
    with (
        emulator(pace=0, subprocess_=True) as upstream,
        product(
            upstream=upstream.url,
            folder=folder,
            concurrency=max(levels, default=STARTS_AT_ONCE) + 10,
        ) as ours,
    ):
        answer_with(upstream, chunks=START_CHUNKS, per_second=1000)
        for chunks in {SINGLE_CHUNKS, options.chunks}:
            answer_with(upstream, chunks=chunks, per_second=CHUNKS_PER_SECOND)
        if python is None:
            asyncio.run(_measure(upstream, ours, None, levels, options))
            return
        with litellm_proxy(python, upstream=upstream.base_url("openai"), folder=folder) as peer:
            asyncio.run(_measure(upstream, ours, peer, levels, options))


async def _measure(
    upstream: EmulatorClient,
    ours: Product,
    peer: Peer | None,
    levels: list[int],
    options: argparse.Namespace,
) -> None:
    systems = [direct(upstream), through_us(ours)]
    if peer is not None:
        systems.append(through_proxy(peer))
    await _starts(systems, options.starts, measured=options.part != "text")
    for level in levels:
        rounds, chunks = (options.repeat_single, SINGLE_CHUNKS) if level == 1 else (1, None)
        chunks = chunks or options.chunks
        used = {system.name: Used() for system in systems}
        for system in systems:
            await system.prepare(level * rounds)
        # Interleaved, so that whatever else the machine does hits all alike.
        for _round in range(rounds):
            for system in systems:
                await _round_of(system, level, chunks, used[system.name])
        figures = {name: figures_of(one, level) for name, one in used.items()}
        for name, row in figures.items():
            emit(bench="stream", system=name, concurrency=level, chunks=chunks, **row)
        emit(bench="stream", compare="sitewright", concurrency=level, **compared(figures))


async def _round_of(system: System, level: int, chunks: int, used: Used) -> None:
    """One round of `level` streams at once, added to `used`."""
    streams = [Stream() for _ in range(level)]
    resident, cpu, started = (
        resident_bytes(system.pids),
        cpu_seconds(system.pids),
        time.monotonic(),
    )
    deadline = started + PATIENCE * chunks / CHUNKS_PER_SECOND + 5
    tasks = [asyncio.ensure_future(system.follow(stream, chunks)) for stream in streams]
    pending = set(tasks)
    while pending and time.monotonic() < deadline:
        _done, pending = await asyncio.wait(pending, timeout=0.5)
        used.grown_bytes = max(used.grown_bytes, resident_bytes(system.pids) - resident)
        used.samples.append(_sample(system, streams))
    used.wall_seconds += time.monotonic() - started
    used.cpu_seconds += cpu_seconds(system.pids) - cpu
    used.streams += streams
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for stream in streams:
        if not stream.finished and not stream.error:
            stream.error = "not finished in time"


def _sample(system: System, streams: list[Stream]) -> Sample:
    return Sample(
        at=time.monotonic(),
        cpu_seconds=cpu_seconds(system.pids),
        characters=sum(stream.characters for stream in streams),
        steady=all(stream.arrivals and not stream.finished for stream in streams),
    )


async def _starts(systems: list[System], count: int, *, measured: bool) -> None:
    """CPU of a whole request with next to no text: for us the POST, the worker's part, the event
    stream, storing and settling. Also warms the systems up."""
    for system in systems:
        await system.prepare(2 * count)
        await _short_runs(system, count)
    for system in systems if measured else ():
        cpu = cpu_seconds(system.pids)
        streams = await _short_runs(system, count)
        used = cpu_seconds(system.pids) - cpu
        emit(bench="stream", system=system.name, **start_figures(streams, used))


async def _short_runs(system: System, count: int) -> list[Stream]:
    streams = [Stream() for _ in range(count)]
    waiting = list(streams)

    async def one_after_the_other() -> None:
        while waiting:
            await system.follow(waiting.pop(), START_CHUNKS)

    await asyncio.gather(*(one_after_the_other() for _ in range(STARTS_AT_ONCE)))
    return streams
