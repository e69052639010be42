"""Estimates and runs. Shapes are those of the public contract."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Header, Router, Status
from pydantic import Field, StrictBool

from accounts.api_schema import ApiSchema, PlainText
from accounts.http import AuthenticatedHttpRequest
from builder.api.pictures import PictureOut
from builder.estimates import estimate_for
from builder.selectors.pictures import pictures_of_runs
from builder.selectors.runs import run_as_dict, run_get, runs_of_site
from builder.selectors.sites import site_get, site_owned
from builder.services.pictures import pictures_estimated
from builder.services.runs import run_cancel, run_start
from models_catalog.selectors import model_get

router = Router(tags=["runs"], by_alias=True)


# The service says how many there may be; this only bounds what is looked at.
Images = Annotated[list[PlainText], Field(max_length=50)]


class EstimateIn(ApiSchema):
    """images: as of a run; without `siteId` only `data:` URLs."""

    model: PlainText
    prompt: PlainText
    site_id: UUID | None = None
    images: Images = []


class RunIn(ApiSchema):
    """images: up to 4 pictures, each by its id or as a base64 `data:` URL; only models that see
    take them."""

    prompt: PlainText
    model: PlainText
    allow_fallback: StrictBool = False
    images: Images = []


class PocketShareOut(ApiSchema):
    kind: str
    amount: int


class EstimateOut(ApiSchema):
    low: int
    high: int
    ceiling: int
    affordable: bool
    required: int
    pockets: list[PocketShareOut]


class RangeOut(ApiSchema):
    low: int
    high: int
    ceiling: int


class UsageOut(ApiSchema):
    input_tokens: int | None
    output_tokens: int
    estimated: bool


class AttemptOut(ApiSchema):
    model: str
    provider: str
    outcome: str
    charged: int


class ReceiptOut(ApiSchema):
    charged: int
    pockets: list[PocketShareOut]
    estimated: bool
    attempts: list[AttemptOut]


class RunErrorOut(ApiSchema):
    code: str
    message: str
    charged: int


class RunOut(ApiSchema):
    id: UUID
    site_id: UUID
    state: str
    model: str
    model_used: str | None
    prompt: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    url: str
    events_url: str
    cancel_url: str
    estimate: RangeOut
    usage: UsageOut | None
    receipt: ReceiptOut | None
    version_id: UUID | None
    version: int | None
    notes: list[str]
    error: RunErrorOut | None
    images: list[PictureOut]


class RunEnvelope(ApiSchema):
    run: RunOut


class RunList(ApiSchema):
    runs: list[RunOut]


@router.post("/estimates", response=EstimateOut)
def estimate(request: AuthenticatedHttpRequest, payload: EstimateIn) -> dict[str, Any]:
    """What a request would cost: the usual range, and the most it can be charged."""
    user = request.user
    site = site_get(user=user, site_id=payload.site_id) if payload.site_id else None
    model = model_get(payload.model)
    attached = pictures_estimated(user=user, site=site, model=model, images=payload.images)
    return estimate_for(user=user, model=model, prompt=payload.prompt, site=site, attached=attached)


@router.get("/sites/{uuid:site_id}/runs", response=RunList)
def site_runs(request: AuthenticatedHttpRequest, site_id: UUID) -> dict[str, Any]:
    """The latest runs of a site, newest first."""
    site = site_get(user=request.user, site_id=site_id)
    runs = runs_of_site(site)
    pictures = pictures_of_runs(runs)
    return {"runs": [run_as_dict(run, pictures.get(run.pk, [])) for run in runs]}


@router.post("/sites/{uuid:site_id}/runs", response={202: RunEnvelope})
def start_run(
    request: AuthenticatedHttpRequest,
    site_id: UUID,
    payload: RunIn,
    idempotency_key: Annotated[
        str, Header(alias="Idempotency-Key", max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = "",
) -> Any:
    """Hold the worst case and queue the run. The same Idempotency-Key gives the same run."""
    run = run_start(
        user=request.user,
        site=site_owned(user=request.user, site_id=site_id),
        prompt=payload.prompt,
        model_slug=payload.model,
        idempotency_key=idempotency_key,
        allow_fallback=payload.allow_fallback,
        images=payload.images,
    )
    return Status(202, {"run": run_as_dict(run)})


@router.get("/runs/{uuid:run_id}", response=RunOut)
def get_run(request: AuthenticatedHttpRequest, run_id: UUID) -> dict[str, Any]:
    """State, usage, receipt, version and error of one run."""
    return run_as_dict(run_get(user=request.user, run_id=run_id))


@router.post("/runs/{uuid:run_id}/cancel", response={202: RunEnvelope})
def cancel_run(request: AuthenticatedHttpRequest, run_id: UUID) -> Any:
    """Stop a run. What was delivered and is usable is kept and charged, otherwise nothing is."""
    return Status(202, {"run": run_as_dict(run_cancel(user=request.user, run_id=run_id))})
