"""The store of Django models: work in one of our threads, in one ``atomic`` block."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from django.db import Error, IntegrityError, models, router, transaction

from django_vortex.exceptions import TryAgain, UnknownOutcome
from django_vortex.orm.django.crud_rows import DjangoCrudRows
from django_vortex.orm.django.models import describe_model
from django_vortex.orm.django.reading import ShapeReader
from django_vortex.orm.django.refusals import AT_COMMIT, explain
from django_vortex.orm.django.transact import transact
from django_vortex.orm.model_spec import ModelSpec, Shape
from django_vortex.orm.store import Scope, Unit, Wait
from django_vortex.orm.transient import may_be_done, may_try_again
from django_vortex.orm.waiting import Waiting
from django_vortex.typedefs import RunSync

_T = TypeVar("_T")


class DjangoStore:
    """Models in one database.

    Args:
        using: The alias of the database; None asks the routers about the first model described.
        run_sync: Runs what may block.
    """

    is_async = False

    def __init__(self, using: str | None, run_sync: RunSync) -> None:
        self._using = using
        self._run_sync = run_sync
        self._model: type[models.Model] | None = None
        self._readers: dict[int, ShapeReader] = {}

    def describe(self, model: Any) -> ModelSpec:
        """Look into a model."""
        self._model = self._model or model
        return describe_model(model)

    def get_all(self, model: Any, *, is_final: bool = False) -> Any:
        """Return all that the default manager has."""
        found = model._default_manager.all()
        return found if is_final and self._using is None else found.using(self._get_alias())

    async def run(self, work: Callable[[Unit], _T]) -> _T:
        """Do work in a transaction, off the loop."""
        waiting = Waiting()
        unit = DjangoUnit(self._get_alias(), self._get_reader, waiting.wait)

        is_committing = False

        def do() -> _T:
            nonlocal is_committing
            is_committing = False
            result = work(unit)
            is_committing = True
            return result

        try:
            return await waiting.cover(self._run_sync(partial(transact, unit.using, do)))
        except IntegrityError as error:
            if not is_committing:  # of a hook's own queries: `refusals` knows those of rows
                raise
            # Of constraints that are looked at when all is done.
            raise explain(error, None, AT_COMMIT) from error
        except Error as error:
            if may_try_again(error.__cause__ or error, is_committing=is_committing):
                raise TryAgain from error
            if is_committing and may_be_done(error.__cause__ or error):
                raise UnknownOutcome from error
            raise

    def run_here(self, work: Callable[[Unit], _T], wait: Wait | None = None) -> _T:
        """Do work that only reads, here and now."""
        wait = wait or Waiting().wait
        try:
            return work(DjangoUnit(self._get_alias(), self._get_reader, wait))
        except Error as error:
            if may_try_again(error.__cause__ or error, is_committing=False):
                raise TryAgain from error
            raise

    def after_commit(self, function: Callable[[], object]) -> None:
        """Call a function when the caller's transaction on this database has committed."""
        transaction.on_commit(function, using=self._get_alias())

    def _get_alias(self) -> str:
        if self._using is not None:
            return self._using
        return "default" if self._model is None else router.db_for_write(self._model)

    def _get_reader(self, shape: Shape) -> ShapeReader:
        known = self._readers.get(id(shape))
        if known is None:  # it keeps the shape, so that no other gets its id
            known = self._readers[id(shape)] = ShapeReader(shape)
        return known


class DjangoUnit:
    """One transaction on a Django database."""

    def __init__(
        self,
        using: str,
        get_reader: Callable[[Shape], ShapeReader],
        wait: Wait,
    ) -> None:
        self.using = using
        self._get_reader = get_reader
        self._wait = wait

    def rows(self, shape: Shape, scope: Scope) -> DjangoCrudRows:
        """Return the rows of a model."""
        return DjangoCrudRows(shape, scope, self._get_reader(shape), self.using)

    def wait(self, awaitable: Awaitable[_T]) -> _T:
        """Wait for a coroutine on the event loop."""
        waited: _T = self._wait(awaitable)
        return waited
