"""The process: one ready line, a taken port told by name, a quick and clean end."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

from emulators.ai.testing import emulator

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "emulators.ai", "--port"]


def test_it_says_one_line_and_ends_with_streams_open():
    with subprocess.Popen(
        [*COMMAND, "0", "--pace", "0"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("AI emulator ready on http://127.0.0.1:")
        url = line.rsplit(" ", 1)[-1].strip()
        rule = {"behaviour": {"stall": {"after_chars": 50}}}
        requests.post(f"{url}/_emulator/rules", json=rule, timeout=5)
        body = {
            "model": "gpt-4",
            "stream": True,
            "messages": [{"role": "user", "content": "a shop"}],
        }
        response = requests.post(
            f"{url}/openai/v1/chat/completions",
            json=body, headers={"Authorization": "Bearer k"}, stream=True, timeout=30,
        )  # fmt: skip
        assert next(response.iter_content(16))
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - start < 3
        assert process.stdout.read() == ""


def test_a_taken_port_is_told_by_name():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, str(port)], capture_output=True, text=True, cwd=ROOT, timeout=30, check=False
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_helper_runs_it_in_a_process_of_its_own():
    with emulator(subprocess_=True) as ai:
        assert requests.get(f"{ai.url}/healthz", timeout=5).text == "ok"
        ai.pace(0.5)
        assert requests.get(f"{ai.url}/_emulator", timeout=5).json()["pace"] == 0.5


def test_pace_slows_the_answer():
    with emulator(pace=0.1) as ai:
        body = {
            "model": "gpt-4",
            "messages": [{"role": "user", "content": "a shop"}],
            "max_tokens": 100,
        }
        start = time.monotonic()
        requests.post(
            ai.base_url("openai") + "/chat/completions",
            json=body, headers={"Authorization": "Bearer k"}, timeout=30,
        )  # fmt: skip
        # A tenth of gpt-4's 1.2 s before the first token and 100 tokens at 400/s.
        assert time.monotonic() - start >= 0.14
