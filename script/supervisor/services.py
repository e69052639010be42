"""The services and their commands: the one list of what a running Sitewright consists of."""

from __future__ import annotations

import socket
import sys

from script.supervisor.plan import SHORT_TASK_CONCURRENCY, Plan
from script.supervisor.process import Service
from script.supervisor.redis_server import EmbeddedRedis
from script.supervisor.stripe_emulator import SYNC_STRIPE, EmulatedStripe

# SIGTERM to the end of everything is promised within 15 s: first these, then what they lean on.
FRONT_STOP_SECONDS = 11.5
BACK_STOP_SECONDS = 2.0
# Django's checks have just been run once; each would take a second or two again.
CELERY = (sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks")


def redis_service(embedded: EmbeddedRedis) -> Service:
    return Service(name="redis", command=embedded.command, stop_seconds=BACK_STOP_SECONDS)


def emulator_service(port: int) -> Service:
    command = [sys.executable, "-m", "emulators.ai", "--port", str(port)]
    return Service(name="emulator", command=lambda: command, stop_seconds=BACK_STOP_SECONDS)


def stripe_emulator_service(emulated: EmulatedStripe) -> Service:
    command = emulated.command()
    return Service(
        name="stripe",
        command=lambda: command,
        stop_seconds=BACK_STOP_SECONDS,
        # Not among the arguments: those are in the process list.
        environment={"STRIPE_WEBHOOK_SECRET": emulated.webhook_secret},
    )


def prepare_service(emulated_stripe: EmulatedStripe | None = None) -> Service:
    command = [sys.executable, "-m", "script.supervisor.prepare"]
    if emulated_stripe is not None:
        command.append(SYNC_STRIPE)
    return Service(name="prepare", command=lambda: command, stop_seconds=BACK_STOP_SECONDS)


def web_service(sockets: list[socket.socket]) -> Service:
    descriptors = tuple(listener.fileno() for listener in sockets)
    command = [sys.executable, "-m", "script.supervisor.web", *map(str, descriptors)]
    return Service(
        name="web",
        command=lambda: command,
        stop_seconds=FRONT_STOP_SECONDS,
        pass_fds=descriptors,
    )


def worker_services(plan: Plan) -> list[Service]:
    """Streams and short tasks in processes of their own: neither waits behind the other."""
    return [
        _worker(plan, queue="runs", pool=plan.worker_pool, concurrency=plan.worker_concurrency),
        _worker(plan, queue="short", pool="threads", concurrency=SHORT_TASK_CONCURRENCY),
    ]


def worker_node_name(plan: Plan, queue: str) -> str:
    """Celery's name of the worker process, unique among copies that share a Redis."""
    return f"{queue}-{plan.port}@{socket.gethostname()}"


def _worker(plan: Plan, *, queue: str, pool: str, concurrency: int) -> Service:
    command = [
        *CELERY,
        "worker",
        *("--hostname", worker_node_name(plan, queue)),
        *("--queues", queue, "--pool", pool, "--concurrency", str(concurrency)),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
    ]
    return Service(name=f"worker-{queue}", command=lambda: command, stop_seconds=FRONT_STOP_SECONDS)


def beat_service() -> Service:
    command = [
        *CELERY,
        *("beat", "--pidfile=", "--loglevel", "INFO"),
    ]
    return Service(name="beat", command=lambda: command, stop_seconds=FRONT_STOP_SECONDS)
