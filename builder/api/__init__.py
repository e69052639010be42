from ninja import Router

from builder.api.pictures import router as pictures_router
from builder.api.runs import router as runs_router
from builder.api.sites import router as sites_router
from builder.api.status import router as status_router
from builder.api.usage import router as usage_router

router = Router()
router.add_router("", sites_router)
router.add_router("", runs_router)
router.add_router("", pictures_router)
router.add_router("", status_router)
router.add_router("", usage_router)

__all__ = ["router"]
