"""Every object there is, in memory and in a journal, so that a restart forgets nothing.

One request is one line of the journal: a line that a crash tore is dropped whole. The journal is
rewritten, atomically, when it is read at the start and whenever it has grown long.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import IO, Any

import orjson

from emulators.stripe.errors import NoSuch

logger = logging.getLogger(__name__)

Object = dict[str, Any]
LINES_BEFORE_REWRITE = 5_000


def copied(thing: Any) -> Any:
    """A deep copy of JSON values, ten times as fast as `deepcopy`."""
    return orjson.loads(orjson.dumps(thing))


class Store:
    """Objects by id, in the order they came; beside each a note that no client sees."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._lines = 0
        self.clear()
        if path is not None:
            self._load(path)
            self._rewrite()

    def clear(self) -> None:
        """Forget everything."""
        self._objects: dict[str, Object] = {}
        self._kinds: dict[str, dict[str, Object]] = {}
        self._notes: dict[str, Object] = {}
        self.meta: dict[str, Any] = {}
        self._changed: dict[str, None] = {}
        self._gone: set[str] = set()
        self._meta_written: bytes = b""

    def save(self, thing: Object) -> Object:
        """Keep an object, new or changed. It must have `id` and `object`."""
        self._objects[thing["id"]] = thing
        self._kinds.setdefault(thing["object"], {})[thing["id"]] = thing
        self._changed[thing["id"]] = None
        return thing

    def remove(self, object_id: str) -> None:
        """Forget one object and its note."""
        thing = self._objects.pop(object_id, None)
        self._notes.pop(object_id, None)
        if thing is not None:
            del self._kinds[thing["object"]][object_id]
            self._changed.pop(object_id, None)
            self._gone.add(object_id)

    def note(self, object_id: str) -> Object:
        """What the emulator remembers about an object; whatever is put into it is kept."""
        self._changed[object_id] = None
        return self._notes.setdefault(object_id, {})

    def find(self, object_id: str | None) -> Object | None:
        """The object with that id, of whatever kind."""
        return self._objects.get(object_id or "")

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Object:
        """The object of that kind with that id; raises NoSuch."""
        thing = self._kinds.get(kind, {}).get(object_id)
        if thing is None:
            raise NoSuch(kind, object_id, param=param)
        return thing

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind, oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def commit(self) -> None:
        """Write what changed since the last commit: what was answered is on the disk."""
        meta = orjson.dumps(self.meta)
        if not self._changed and not self._gone and meta == self._meta_written:
            return
        line = {
            "put": [self._objects[name] for name in self._changed if name in self._objects],
            "notes": {name: self._notes[name] for name in self._changed if name in self._notes},
            "gone": sorted(self._gone),
            "meta": self.meta,
        }
        self._changed.clear()
        self._gone.clear()
        self._meta_written = meta
        if self._file is None:
            return
        self._file.write(orjson.dumps(line) + b"\n")
        self._file.flush()
        self._lines += 1
        if self._lines > LINES_BEFORE_REWRITE:
            self._rewrite()

    def close(self) -> None:
        """Write the rest and let the file go."""
        self.commit()
        if self._file is not None:
            self._file.close()
            self._file = None

    def rewrite(self) -> None:
        """Write everything anew, for instance after `clear`."""
        self._changed.clear()
        self._gone.clear()
        if self._path is not None:
            self._rewrite()

    def _load(self, path: Path) -> None:
        if not path.exists():
            return
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                change = orjson.loads(line)
            except orjson.JSONDecodeError:
                logger.warning("line %s of %s is torn and was left out", number, path)
                continue
            self._apply(change)
        self._changed.clear()
        self._gone.clear()

    def _apply(self, change: dict[str, Any]) -> None:
        for thing in change["put"]:
            self.save(thing)
        self._notes.update(change["notes"])
        for name in change["gone"]:
            self.remove(name)
        self.meta = change["meta"]

    def _rewrite(self) -> None:
        assert self._path is not None  # noqa: S101 - callers looked
        if self._file is not None:
            self._file.close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        everything = {
            "put": list(self._objects.values()),
            "notes": self._notes,
            "gone": [],
            "meta": self.meta,
        }
        fresh.write_bytes(orjson.dumps(everything) + b"\n")
        fresh.replace(self._path)
        self._file = self._path.open("ab")
        self._lines = 1
