"""What `script/bench stream` makes of what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.answers import CHUNK_CHARACTERS, STAMP_CHARACTERS
from bench.load import Stream
from bench.report import milliseconds, percentile

Figures = dict[str, object]


@dataclass(frozen=True, slots=True)
class Sample:
    """One look during a round. `steady`: every stream has begun and none has ended."""

    at: float
    cpu_seconds: float
    characters: int
    steady: bool


@dataclass(slots=True)
class Used:
    """What the rounds of one system took: seconds of wall clock and CPU, bytes grown at most."""

    streams: list[Stream] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    grown_bytes: int = 0


def figures_of(used: Used, level: int) -> Figures:
    """The figures of one system at one number of streams at once."""
    streams, wall, cpu = used.streams, used.wall_seconds, used.cpu_seconds
    chunks = sum(stream.characters for stream in streams) / CHUNK_CHARACTERS
    delays = [delay for stream in streams for _at, delay in _delays(stream)]
    return {
        "finished": sum(stream.finished for stream in streams),
        "streams": len(streams),
        **_first_tokens(streams),
        "delay_ms_p50": milliseconds(percentile(delays, 0.5)),
        "delay_ms_p95": milliseconds(percentile(delays, 0.95)),
        **(_steady_delays(streams) if level > 1 else {}),
        "chunks_per_second": round(chunks / wall, 1) if wall else 0.0,
        "cpu_seconds_per_100k_chunks": round(cpu / chunks * 100_000, 2) if chunks else None,
        **(_steady(used.samples) if level > 1 else {}),
        "memory_mb_per_stream": round(used.grown_bytes / 1e6 / level, 3),
        **_errors(streams),
    }


def _first_tokens(streams: Sequence[Stream]) -> Figures:
    """From the first request, and from when the events were asked for."""
    firsts = [first for stream in streams if (first := stream.first_after_request) is not None]
    later = [first for stream in streams if (first := stream.first_after_events) is not None]
    return {
        "first_token_ms_min": milliseconds(min(firsts, default=0.0)),
        "first_token_ms_p50": milliseconds(percentile(firsts, 0.5)),
        "first_token_ms_p95": milliseconds(percentile(firsts, 0.95)),
        "first_token_after_events_ms_p50": milliseconds(percentile(later, 0.5)),
    }


def _delays(stream: Stream) -> list[tuple[float, float]]:
    return stream.delays(chunk_characters=CHUNK_CHARACTERS, stamp_characters=STAMP_CHARACTERS)


def _steady_delays(streams: Sequence[Stream]) -> Figures:
    """Of the chunks that came between the last stream's first text and the first one's last."""
    begun = [stream.arrivals for stream in streams if stream.arrivals]
    if len(begun) < len(streams):
        return {}
    start = max(arrivals[0][0] for arrivals in begun)
    end = min(arrivals[-1][0] for arrivals in begun)
    delays = [delay for one in streams for at, delay in _delays(one) if start < at < end]
    if not delays:
        return {}
    return {
        "steady_delay_ms_p50": milliseconds(percentile(delays, 0.5)),
        "steady_delay_ms_p95": milliseconds(percentile(delays, 0.95)),
    }


def _steady(samples: Sequence[Sample]) -> Figures:
    """Between the last stream's first text and the first stream's end: the text alone."""
    steady = [sample for sample in samples if sample.steady]
    if len(steady) < 2 or steady[-1].characters == steady[0].characters:
        return {}
    chunks = (steady[-1].characters - steady[0].characters) / CHUNK_CHARACTERS
    cpu = steady[-1].cpu_seconds - steady[0].cpu_seconds
    return {
        "steady_chunks_per_second": round(chunks / (steady[-1].at - steady[0].at), 1),
        "steady_cpu_seconds_per_100k_chunks": round(cpu / chunks * 100_000, 2),
    }


def _errors(streams: Sequence[Stream]) -> Figures:
    errors = [stream.error for stream in streams if stream.error]
    return {"errors": len(errors), "first_error": errors[0]} if errors else {}


def start_figures(streams: Sequence[Stream], cpu_seconds: float) -> Figures:
    """The cost of a request with next to no text."""
    return {
        "starts": len(streams),
        "finished": sum(stream.finished for stream in streams),
        "cpu_ms_per_start": milliseconds(cpu_seconds / len(streams)) if streams else None,
        **_errors(streams),
    }


def compared(figures: dict[str, Figures]) -> Figures:
    """Added time to first token and the ratios that the goals speak of."""

    def number(system: str, name: str) -> float:
        value = figures.get(system, {}).get(name)
        return float(value) if isinstance(value, int | float) else 0.0

    def added(system: str, name: str) -> float:
        return round(number(system, name) - number("direct", name), 1)

    def ratio(name: str, system: str) -> float | None:
        below = number(system, name)
        return round(number("sitewright", name) / below, 3) if below > 0 else None

    first, cpu = "first_token_ms_p50", "cpu_seconds_per_100k_chunks"
    row: Figures = {
        "added_first_token_ms_p50": added("sitewright", first),
        "added_first_token_ms_p95": added("sitewright", "first_token_ms_p95"),
        "chunks_vs_direct": ratio("chunks_per_second", "direct"),
        "steady_chunks_vs_direct": ratio("steady_chunks_per_second", "direct"),
    }
    if "litellm" in figures:
        ours, theirs = added("sitewright", first), added("litellm", first)
        row |= {
            "litellm_added_first_token_ms_p50": theirs,
            "added_first_token_vs_litellm": round(ours / theirs, 3) if theirs > 0 else None,
            "cpu_vs_litellm": ratio(cpu, "litellm"),
            "steady_cpu_vs_litellm": ratio(f"steady_{cpu}", "litellm"),
        }
    return row
