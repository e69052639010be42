"""What was answered survives a restart, even one without warning."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from emulators.stripe.errors import NoSuch
from emulators.stripe.store import LINES_BEFORE_REWRITE, Store
from emulators.stripe.testing import StripeControl, stripe_emulator
from tests.emulators.stripe.shop import Shop

ROOT = Path(__file__).resolve().parents[3]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "stripe.jsonl"
    with stripe_emulator(state=path, webhook_secret="whsec_" + "a" * 32) as first:
        shop = Shop(first)
        started = shop.subscribed()
        waiting = shop.session()
        first.pay(waiting.id, card="delayed")
        first.advance(days=1)
        seen = first.now()
        events = [event["id"] for event in first.events()]
    with stripe_emulator(state=path, webhook_secret="whsec_" + "a" * 32) as second:
        assert second.now() >= seen
        assert [event["id"] for event in second.events()] == events
        assert second.get(f"/v1/subscriptions/{started.id}")["status"] == "active"
        second.advance(days=40)
        assert second.get(f"/v1/checkout/sessions/{waiting.id}")["payment_status"] == "paid"
        invoices = second.get("/v1/invoices")["data"]
        assert [invoice["status"] for invoice in invoices] == ["paid", "paid"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "stripe.jsonl"
    command = [sys.executable, "-m", "emulators.stripe", "--port", "0", "--state", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Stripe emulator ready on http://127.0.0.1:"), line
        url = line.rsplit(" ", 1)[-1].strip()
        control = StripeControl(url, secret_key=f"sk_test_{'a' * 24}", webhook_secret="")
        charge = Shop(control).bought()
        process.send_signal(signal.SIGKILL)
    with stripe_emulator(state=path) as again:
        assert again.get(f"/v1/charges/{charge.id}")["status"] == "succeeded"


def test_a_torn_line_is_left_out_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    store = Store(path)
    store.save({"id": "cus_1", "object": "customer"})
    store.commit()
    store.save({"id": "cus_2", "object": "customer"})
    store.note("cus_2")["x"] = 1
    store.commit()
    store.close()
    path.write_bytes(path.read_bytes()[:-9])
    again = Store(path)
    assert [row["id"] for row in again.all("customer")] == ["cus_1"]
    with pytest.raises(NoSuch):
        again.get("customer", "cus_2")
    again.close()


def test_order_notes_and_removals_survive_and_long_journals_are_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    store = Store(path)
    for number in range(LINES_BEFORE_REWRITE + 5):
        store.save({"id": f"cus_{number % 7}", "object": "customer", "n": number})
        store.commit()
    store.note("cus_3")["secret"] = "kept"
    store.remove("cus_5")
    store.meta["mode"] = "hold"
    store.close()
    assert len(path.read_bytes().splitlines()) < 10
    again = Store(path)
    assert [row["id"] for row in again.all("customer")] == [f"cus_{n}" for n in (0, 1, 2, 3, 4, 6)]
    assert again.note("cus_3") == {"secret": "kept"}
    assert again.meta == {"mode": "hold"}
    assert again.all("customer") == store.all("customer")
    again.close()
    assert orjson.loads(path.read_bytes().splitlines()[0])["gone"] == []


def test_a_taken_port_is_told_by_name() -> None:
    with stripe_emulator() as running:
        port = running.url.rsplit(":", 1)[-1]
        done = subprocess.run(
            [sys.executable, "-m", "emulators.stripe", "--port", port],
            capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Stripe emulator: can not listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr
