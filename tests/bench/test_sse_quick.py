"""The benchmark of reading streams runs with tiny numbers, and finds every event."""

from __future__ import annotations

import json

import pytest

from bench import sse


def test_every_way_of_reading_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    sse.main(["--quick"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["reads"] for line in lines] == list(sse.READS)
    for line in lines:
        assert line["bench"] == "sse"
        assert line["parsing_us_a_chunk"] > 0
        assert line["parsing_and_decoding_us_a_chunk"] > 0


def test_a_reader_that_loses_events_is_not_measured() -> None:
    with pytest.raises(RuntimeError, match="0 events came out of 3 chunks"):
        sse._microseconds(lambda _reads: 0, [b"data: x\n\n"], 3, 1)
