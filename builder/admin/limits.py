"""Limits of one person, where they differ from everybody's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from builder.models import UserLimits
from builder.selectors.limits import limits_with

_LIMITS = (
    *("concurrent_runs", "runs_per_minute", "prompt_bytes"),
    *("output_bytes", "upload_bytes", "uploads_per_minute"),
)


@admin.register(UserLimits)
class UserLimitsAdmin(admin.ModelAdmin[UserLimits]):
    """Found by a person's e-mail; deleting a row gives the usual limits back."""

    list_display = ("user", *_LIMITS, "reason")
    search_fields = ("user__email", "reason")
    autocomplete_fields = ("user",)
    list_select_related = ("user",)
    fieldsets = (
        (None, {"fields": ("user", "reason")}),
        (
            _("Limits"),
            {"fields": _LIMITS, "description": _("Empty: the usual limit. 0 forbids it.")},
        ),
    )

    def get_form(
        self,
        request: HttpRequest,
        obj: UserLimits | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> type[forms.ModelForm[UserLimits]]:
        """Beside each limit, what it is for everybody."""
        form = super().get_form(request, obj, change, **kwargs)
        usual = limits_with(None)
        for name in _LIMITS:
            if name in form.base_fields:
                form.base_fields[name].help_text = _("Usual: %(limit)s") % {
                    "limit": f"{getattr(usual, name):,}"
                }
        return form
