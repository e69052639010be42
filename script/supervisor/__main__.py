"""`script/server`: everything the app needs, on one machine, until SIGINT or SIGTERM."""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType

from script.supervisor import services
from script.supervisor.errors import StartRefused
from script.supervisor.plan import ROOT, Plan, child_environment, read_plan
from script.supervisor.ports import InternalPorts, listen_on_localhost
from script.supervisor.process import Child, Service, end_together
from script.supervisor.readiness import WorkerWatch, why_not_ready
from script.supervisor.redis_server import EmbeddedRedis
from script.supervisor.state import claim
from script.supervisor.stripe_emulator import EmulatedStripe
from script.supervisor.supervise import Supervisor
from script.supervisor.tell import WARNING, say, say_ready

LOOP_SECONDS = 0.1
ASK_READY_SECONDS = 0.25
TELL_NOT_READY_SECONDS = 15.0
LOOK_AT_LOGS_SECONDS = 1.0
HOUSEKEEPING_SECONDS = 10.0
BEAT_AT_LATEST_SECONDS = 30.0


class Ended(Exception):
    """A signal asked for the end."""


class Runner:
    """One life of script/server."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.supervisor = Supervisor()
        self.signals = 0
        self.environment: dict[str, str] = {}
        self.redis_url = plan.redis_url
        self.emulated_stripe: EmulatedStripe | None = None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals > 1:
            self.supervisor.kill()

    def run(self) -> None:
        """Returns after a signal; raises StartRefused when it can not start or go on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.on_signal)
        with claim(self.plan.state_dir):
            sockets = listen_on_localhost(self.plan.port)
            try:
                self._start_what_others_need()
                self._prepare()
                front = [services.web_service(sockets), *services.worker_services(self.plan)]
                self.supervisor.add_group([self._child(service) for service in front])
                self._watch()
            except Ended:
                say("ending")
            finally:
                self.supervisor.end()
                for listener in sockets:
                    listener.close()

    def _start_what_others_need(self) -> None:
        ports = InternalPorts(self.plan.state_dir / "ports.json")
        back: list[Service] = []
        embedded = None
        if not self.redis_url:
            embedded = EmbeddedRedis(self.plan.state_dir, ports)
            self.redis_url = embedded.url
            back.append(services.redis_service(embedded))
        emulator_url = self.plan.emulator_url
        if self.plan.emulator_wanted:
            port = ports.choose("emulator")
            emulator_url = f"http://127.0.0.1:{port}"
            back.append(services.emulator_service(port))
        self.environment = child_environment(
            self.plan, redis_url=self.redis_url, emulator_url=emulator_url
        )
        if self.plan.stripe_emulator_wanted:
            self.emulated_stripe = EmulatedStripe(self.plan.state_dir, ports)
            self.environment |= self.emulated_stripe.environment
            back.append(services.stripe_emulator_service(self.emulated_stripe))
        self.supervisor.add_group([self._child(service) for service in back])
        if embedded is not None and not embedded.wait_until_up(timeout_seconds=10):
            raise StartRefused(
                f"the embedded Redis did not come up: {self.plan.logs / 'redis.log'} says why"
            )

    def _prepare(self) -> None:
        child = self._child(services.prepare_service(self.emulated_stripe))
        child.log.unlink(missing_ok=True)
        say("bringing the database up to date")
        child.start()
        try:
            while child.is_alive():
                self._pause()
        finally:
            end_together([child])
        if child.process is None or child.process.returncode != 0:
            raise StartRefused(child.log.read_text(errors="replace").strip()[-8000:])
        for line in child.log.read_text(errors="replace").splitlines():
            if line.startswith(WARNING):
                say(line.removeprefix(WARNING))

    def _watch(self) -> None:
        workers = WorkerWatch(self.redis_url)
        started = asked = looked = kept = time.monotonic()
        told = started
        ready = beating = False
        while True:
            self._pause()
            now = time.monotonic()
            if not ready and now - asked > ASK_READY_SECONDS:
                reason = why_not_ready(self.plan)
                asked = time.monotonic()
                ready = not reason
                if ready:
                    say_ready(self.plan.url)
                elif now - told > TELL_NOT_READY_SECONDS:
                    told = now
                    say(f"not ready after {now - started:.0f} s: {reason}")
            # Beat is not needed to be ready, and would compete for the processor until then.
            if not beating and (ready or now - started > BEAT_AT_LATEST_SECONDS):
                beating = True
                self.supervisor.add_group([self._child(services.beat_service())])
            if now - looked > LOOK_AT_LOGS_SECONDS:
                looked = now
                self.supervisor.show_errors()
            if now - kept > HOUSEKEEPING_SECONDS:
                kept = now
                self.supervisor.rotate_logs()
                self._end_silent_workers(workers)

    def _end_silent_workers(self, workers: WorkerWatch) -> None:
        for watched in self.supervisor.watched:
            name = watched.child.service.name
            if not name.startswith("worker-") or not watched.child.is_alive():
                continue
            node_name = services.worker_node_name(self.plan, name.removeprefix("worker-"))
            if workers.is_silent(node_name, started_at=watched.child.started_at):
                say(f"{name} lives but has stopped taking tasks: restarting it")
                watched.child.kill()

    def _pause(self) -> None:
        """One turn of waiting; raises Ended after a signal, StartRefused when hopeless."""
        time.sleep(LOOP_SECONDS)
        if self.signals:
            raise Ended
        self.supervisor.look()

    def _child(self, service: Service) -> Child:
        return Child(service, logs=self.plan.logs, environment=self.environment, cwd=ROOT)


def main() -> int:
    try:
        Runner(read_plan()).run()
    except StartRefused as refusal:
        say(str(refusal))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
