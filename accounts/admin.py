"""Staff's view of people, and the door to the admin."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffAlert, User
from accounts.selectors import second_factors

# Staff sign in where everyone does: the same rate limits, second factor and passkeys.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# What makes someone staff is only for superusers to give.
POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserCreationForm(AdminUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class SecondFactorFilter(admin.SimpleListFilter):
    title = _("second factor")
    parameter_name = "second_factor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        chosen = second_factors().filter(user=OuterRef("pk"))
        if self.value() == "yes":
            return queryset.filter(Exists(chosen))
        return queryset.exclude(Exists(chosen)) if self.value() == "no" else queryset


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    add_form = UserCreationForm
    list_display = ("email", "is_active", "is_staff", "second_factor", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", SecondFactorFilter, "language")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("-date_joined",)
    date_hierarchy = "date_joined"
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Preferences"), {"fields": ("first_name", "last_name", "language", "time_zone")}),
        (_("Permissions"), {"fields": ("is_active", *POWERS)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factors = second_factors().filter(user=OuterRef("pk"))
        return super().get_queryset(request).annotate(protected=Exists(factors))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        # An address is proven by its owner, on the e-mail page; changing it here would skip that.
        fixed = ("email", "last_login", "date_joined") if obj else ()
        return fixed if _is_superuser(request) else (*fixed, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_touch(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _may_touch(request, obj) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # In bulk the rule about superusers could not be kept.
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.display(description=_("second factor"), boolean=True, ordering="protected")
    def second_factor(self, user: Any) -> bool:
        return bool(user.protected)


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _may_touch(request: HttpRequest, obj: User | None) -> bool:
    # Else staff could set a superuser's password and become one.
    return _is_superuser(request) or obj is None or not (obj.is_superuser or obj.is_staff)


@admin.register(StaffAlert)
class StaffAlertAdmin(admin.ModelAdmin[StaffAlert]):
    """What waits for somebody on duty. Rows are resolved, never edited or deleted."""

    list_display = ("subject", "times", "raised_at", "resolved_at", "resolved_by")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    search_fields = ("key", "subject", "detail")
    date_hierarchy = "raised_at"
    actions = ("resolve",)

    @admin.action(description=_("Mark as resolved"), permissions=["change"])
    def resolve(self, request: HttpRequest, queryset: QuerySet[StaffAlert]) -> None:
        done = queryset.filter(resolved_at=None).update(
            resolved_at=timezone.now(), resolved_by=request.user
        )
        self.message_user(request, _("%(count)d resolved.") % {"count": done})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: StaffAlert | None = None) -> bool:
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: StaffAlert | None = None
    ) -> tuple[str, ...]:
        return tuple(field.name for field in StaffAlert._meta.fields)
