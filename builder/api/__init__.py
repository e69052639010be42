from ninja import Router

from builder.api.runs import router as runs_router

router = Router()
router.add_router("", runs_router)

__all__ = ["router"]
