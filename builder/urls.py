"""Pages below /sites/."""

from django.urls import path

from builder.views import sites, versions, workspace

app_name = "builder"
urlpatterns = [
    path("", sites.sites_list, name="sites"),
    path("new/", sites.site_new, name="site-new"),
    path("balance/", workspace.balance_fragment, name="balance"),
    path("<uuid:site_id>/", workspace.workspace, name="workspace"),
    path("<uuid:site_id>/rename/", sites.site_rename_view, name="site-rename"),
    path("<uuid:site_id>/delete/", sites.site_delete_view, name="site-delete"),
    path("<uuid:site_id>/runs/", workspace.run_new, name="run-new"),
    path("<uuid:site_id>/runs/<uuid:run_id>/", workspace.run_fragment, name="run-fragment"),
    path("<uuid:site_id>/runs/<uuid:run_id>/stop/", workspace.run_stop, name="run-stop"),
    path("<uuid:site_id>/versions/", versions.versions_list, name="versions"),
    path("<uuid:site_id>/versions/<int:number>.zip", versions.version_download, name="zip"),
    path(
        "<uuid:site_id>/versions/<int:number>/restore/",
        versions.version_restore_view,
        name="version-restore",
    ),
]
