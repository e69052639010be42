"""`script/bench [name] [options]`: runs one benchmark, or all; prints JSON lines."""

from __future__ import annotations

import argparse

from bench import failover, ledger, resets, sse, stream, usage

BENCHMARKS = {
    "failover": failover,
    "ledger": ledger,
    "resets": resets,
    "sse": sse,
    "stream": stream,
    "usage": usage,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), help="default: all")
    arguments, rest = parser.parse_known_args()
    for name in [arguments.name] if arguments.name else sorted(BENCHMARKS):
        BENCHMARKS[name].main(rest)
    return 0


raise SystemExit(main())
