"""Statements of the ORM that are compiled once and run many times.

Building a query and compiling it to SQL is most of what a small statement costs through the ORM
(0.7 ms of CPU for a row by its key, of which the statement itself is 0.2). The few that every run
needs are written as querysets all the same, with a `Slot` wherever a value differs from call to
call, and are compiled at their first use. So they follow the models and suit every database.

On PostgreSQL they are prepared there as well, once per connection, and go round Django's own
cursor: that halves what is left, here and in the database, which then need not plan them again.

A slot can not stand for NULL in a filter, nor for a list.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.expressions import Expression
from django.db.models.query import get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

M = TypeVar("M", bound=Model)
Statement = tuple[str, tuple[Any, ...]]


class Slot(Expression):
    """Where the value called `name` goes; `field` says how it is written for the database."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name
        self.written_as = field

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


def slot(model: type[Model], field: str, name: str = "") -> Slot:
    """A slot for a value of the model's field; called like the field unless `name` is given."""
    column: Any = model._meta.get_field(field)
    return Slot(name or field, column)


class _Compiled:
    """Compiles at first use, once per kind of database."""

    def __init__(self, compile_: Callable[[], Any]) -> None:
        self._compile = compile_
        self._kept: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self) -> Any:
        vendor = connection.vendor
        if vendor not in self._kept:
            with self._lock:
                self._kept[vendor] = self._compile()
        return self._kept[vendor]


@contextmanager
def executed(sql: str, params: Sequence[Any]) -> Iterator[Any]:
    """A cursor that has executed a statement, closed at the end of the block.

    Where somebody wants to see statements (tests that count them, DEBUG), through Django's cursor.
    Raises Django's database errors, also from the block.
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    seen = database.queries_logged or database.execute_wrappers
    if database.vendor != "postgresql" or seen:
        with database.cursor() as cursor:
            cursor.execute(sql, params)
            yield cursor
        return
    database.ensure_connection()
    database.validate_no_broken_transaction()
    with (
        database.wrap_database_errors,
        database.Database.Cursor(database.connection) as cursor,
    ):
        cursor.execute(sql, params)
        yield cursor


def _filled(params: Iterable[Any], values: dict[str, Any]) -> list[Any]:
    return [
        param.written_as.get_db_prep_save(values[param.name], connection=connection)
        if isinstance(param, Slot)
        else param
        for param in params
    ]


class PreparedSelect(Generic[M]):
    """Reads what a queryset reads; `build` makes it, and may use `select_related` and `only`."""

    def __init__(self, build: Callable[[], QuerySet[M, Any]]) -> None:
        self._build = build
        self._compiled = _Compiled(self._compile)

    def all(self, **values: Any) -> list[M]:
        """Instances, one per row."""
        sql, params, make, converters = self._compiled.get()
        return [make(row) for row in _rows(sql, _filled(params, values), converters)]

    def first(self, **values: Any) -> M | None:
        """The first instance or None. The queryset should say `[:1]` if there may be more."""
        found = self.all(**values)
        return found[0] if found else None

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """The columns of a `values_list`."""
        sql, params, _make, converters = self._compiled.get()
        return list(_rows(sql, _filled(params, values), converters))

    def _compile(self) -> tuple[str, tuple[Any, ...], Callable[[Any], M], dict[int, Any]]:
        query = self._build().query
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        selected = [column for column, _sql, _alias in compiler.select]
        converters = compiler.get_converters(selected)
        return sql, tuple(params), _maker(compiler), converters


def _maker(compiler: Any) -> Callable[[Any], Any]:
    """From a row to an instance, as a queryset's own iteration does it."""
    told = compiler.klass_info
    if told is None:
        return tuple
    start, end = told["select_fields"][0], told["select_fields"][-1] + 1
    names = [column.target.attname for column, _sql, _alias in compiler.select[start:end]]
    populators: Any = get_related_populators
    related = populators(told, compiler.select, connection.alias)
    model, alias = told["model"], connection.alias

    def make(row: Any) -> Any:
        instance = model.from_db(alias, names, row[start:end])
        for populator in related:
            populator.populate(row, instance)
        return instance

    return make


def _rows(sql: str, params: list[Any], converters: dict[int, Any]) -> Iterable[Sequence[Any]]:
    with executed(sql, params) as cursor:
        rows: list[Sequence[Any]] = cursor.fetchall()
    if not converters:
        return rows
    return [_converted(list(row), converters) for row in rows]


def _converted(row: list[Any], converters: dict[int, Any]) -> list[Any]:
    for position, (functions, expression) in converters.items():
        for function in functions:
            row[position] = function(row[position], expression, connection)
    return row


def prefetched(instance: Model, relation: str, related: list[Any]) -> None:
    """Make `related` what `instance.<relation>.all()` gives, as `prefetch_related` does."""
    rows = getattr(type(instance), relation).rel.related_model._default_manager.all()
    rows._result_cache, rows._prefetch_done = related, True
    back = getattr(type(instance), relation).rel.field
    for row in related:
        back.set_cached_value(row, instance)
    kept = instance.__dict__.setdefault("_prefetched_objects_cache", {})
    kept[relation] = rows


class PreparedUpdate:
    """Writes `changes` (field name → slot, value or expression) to the rows of a queryset."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]], **changes: Any) -> None:
        self._build, self._changes = build, changes
        self._compiled = _Compiled(self._compile)

    def run(self, **values: Any) -> int:
        """How many rows were written."""
        sql, params = self._compiled.get()
        with executed(sql, _filled(params, values)) as cursor:
            return int(cursor.rowcount)

    def _compile(self) -> Statement:
        query: Any = self._build().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, params = query.get_compiler(connection=connection).as_sql()
        return sql, tuple(params)


class PreparedInsert:
    """Inserts one row of a model.

    replacing: on a conflict over the first of (unique, update) the fields of the second are
    written to the row that is there.
    """

    def __init__(
        self,
        model: type[Model],
        *,
        replacing: tuple[Sequence[str], Sequence[str]] | None = None,
    ) -> None:
        self._model, self._replacing = model, replacing
        self._compiled = _Compiled(self._compile)

    def run(self, instance: Model) -> None:
        """Save a new instance, and tell it the key if the database made one. No signal is sent."""
        sql, params, made = self._compiled.get()
        values = {
            param.name: param.written_as.pre_save(instance, True)
            for param in params
            if isinstance(param, Slot)
        }
        with executed(sql, _filled(params, values)) as cursor:
            if made:
                (instance.pk,) = cursor.fetchone()
        instance._state.adding = False
        instance._state.db = connection.alias

    def _compile(self) -> tuple[str, tuple[Any, ...], bool]:
        meta = self._model._meta
        made = [field for field in meta.db_returning_fields if field.primary_key]
        fields = [field for field in meta.concrete_fields if field not in made]
        conflict: dict[str, Any] = {}
        if self._replacing is not None:
            unique, update = self._replacing
            conflict = {
                "on_conflict": OnConflict.UPDATE,
                "unique_fields": [meta.get_field(name) for name in unique],
                "update_fields": [meta.get_field(name) for name in update],
            }
        query = InsertQuery(self._model, **conflict)
        blank: Any = SimpleNamespace(**{field.attname: Slot(field.name, field) for field in fields})
        query.insert_values(fields, [blank], raw=True)
        compiler = query.get_compiler(connection=connection)
        compiler.returning_fields = made
        ((sql, params),) = compiler.as_sql()
        return sql, tuple(params), bool(made)
