"""What can be run and what it costs: rows that staff edit in the admin."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def _says_why(name: str) -> models.CheckConstraint:
    # People are shown why something is off, so the reason is not optional.
    return models.CheckConstraint(
        condition=Q(enabled=True) | ~Q(disabled_reason=""),
        name=name,
        violation_error_message=_("Say why it is switched off: people are shown the reason."),
    )


class Provider(models.Model):
    """An API that serves models. Its key stays in the environment, only the name is here."""

    class Adapter(models.TextChoices):
        OPENROUTER = "openrouter", "OpenRouter"
        DASHSCOPE = "dashscope", "DashScope (compatible mode)"
        OPENAI_COMPATIBLE = "openai_compatible", "OpenAI-compatible"
        ANTHROPIC = "anthropic", "Anthropic Messages"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    adapter = models.CharField(max_length=32, choices=Adapter)
    base_url = models.URLField(help_text=_("Overridden by the environment variable below, if set"))
    key_variable = models.CharField(
        max_length=64,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*_API_KEY$")],
        help_text=_("Name of the environment variable that holds the key"),
    )
    use_proxy = models.BooleanField(
        default=False, help_text=_("Call it through PROXY_HOST:PROXY_PORT when those are set")
    )
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    # Set by us, unlike `enabled`: our account there is empty or its key revoked.
    outage_since = models.DateTimeField(null=True, blank=True, editable=False)
    outage_code = models.CharField(max_length=40, blank=True, editable=False)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "slug"]
        constraints = [_says_why("provider_off_says_why")]

    def __str__(self) -> str:
        return self.name

    @property
    def base_url_variable(self) -> str:
        """`QWEN_API_KEY` → `QWEN_BASE_URL`."""
        return f"{self.key_variable.removesuffix('_API_KEY')}_BASE_URL"


class AIModel(models.Model):
    """A model people choose. `slug` is its public id in the API and in forms."""

    class BillingUnit(models.TextChoices):
        PER_TOKEN = "per_token", _("per token")
        PER_REQUEST = "per_request", _("per request")

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    maker = models.CharField(max_length=80)
    tagline = models.CharField(max_length=120)
    token_cost = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
        help_text=_("Tokens charged per output token, or per request, see billing unit"),
    )
    billing_unit = models.CharField(
        max_length=16, choices=BillingUnit, default=BillingUnit.PER_TOKEN
    )
    input_weight = models.DecimalField(
        max_digits=4,
        decimal_places=3,
        default=Decimal("0.2"),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(1))],
        help_text=_("Share of the token cost that one input token costs, 0 to 1"),
    )
    vision = models.BooleanField(default=False, help_text=_("Understands pictures"))
    context_window = models.PositiveIntegerField(help_text=_("Tokens, input and output together"))
    max_output_tokens = models.PositiveIntegerField(help_text=_("Most tokens of one answer"))
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "slug"]
        verbose_name = _("model")
        verbose_name_plural = _("models")
        constraints = [
            models.CheckConstraint(
                condition=Q(token_cost__gte=1),
                name="model_token_cost_positive",
                violation_error_message=_("The token cost must be at least 1."),
            ),
            models.CheckConstraint(
                condition=Q(input_weight__gte=0) & Q(input_weight__lte=1),
                name="model_input_weight_0_to_1",
                violation_error_message=_("The input weight must be from 0 to 1."),
            ),
            models.CheckConstraint(
                condition=Q(max_output_tokens__gte=1)
                & Q(context_window__gt=models.F("max_output_tokens")),
                name="model_output_fits_context",
                violation_error_message=_(
                    "The context window must be larger than the longest answer, "
                    "which is at least 1 token."
                ),
            ),
            _says_why("model_off_says_why"),
        ]

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """One way to reach a model: a provider and what that provider calls the model."""

    model = models.ForeignKey(AIModel, on_delete=models.CASCADE, related_name="routes")
    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="routes")
    provider_model_id = models.CharField(max_length=120)
    priority = models.PositiveSmallIntegerField(default=10, help_text=_("Lowest is tried first"))
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    gone_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When the provider was first seen without this model"),
    )
    input_usd_per_million = models.DecimalField(
        _("USD in, per million"),
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("What the provider charges us for a million input tokens, US dollars"),
    )
    output_usd_per_million = models.DecimalField(
        _("USD out, per million"),
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("What the provider charges us for a million output tokens, US dollars"),
    )
    priced_at = models.DateTimeField(null=True, blank=True, editable=False)
    # As the provider last listed it: what it is known again by when its id changes.
    listed_name = models.CharField(max_length=200, blank=True, editable=False)
    canonical_slug = models.CharField(max_length=120, blank=True, editable=False)
    request_options = models.JSONField(
        default=dict,
        blank=True,
        help_text=_(
            "Merged into each request, e.g. OpenRouter's provider preferences:"
            ' {"provider": {"data_collection": "deny"}}'
        ),
    )

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "provider", "provider_model_id"], name="route_once"
            ),
            _says_why("route_off_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.model} via {self.provider}"

    def clean(self) -> None:
        # An empty field means: none. A list, a number or a text could not be merged into a request.
        if self.request_options in (None, "", []):
            self.request_options = {}
        if not isinstance(self.request_options, dict):
            raise ValidationError(
                {"request_options": _('Write a JSON object: {"name": value}, or nothing.')}
            )


class Fallback(models.Model):
    """Where to go when every route of a model fails, if the user allowed it.

    A list is used one level deep: the fallbacks of a fallback are never asked. Ordinary rows lead
    down and never back, so that what follows them in staff's minds comes to an end; a last resort
    is that end, and may therefore name a model higher up.
    """

    model = models.ForeignKey(AIModel, on_delete=models.CASCADE, related_name="fallbacks")
    fallback = models.ForeignKey(AIModel, on_delete=models.CASCADE, related_name="fallback_of")
    position = models.PositiveSmallIntegerField(default=1)
    last_resort = models.BooleanField(
        default=False,
        help_text=_("The end of the line: may name a model that itself falls back to this one"),
    )

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "fallback"], name="fallback_once"),
            models.UniqueConstraint(
                fields=["model"], condition=Q(last_resort=True), name="fallback_last_resort_once"
            ),
            models.CheckConstraint(
                condition=~Q(model=models.F("fallback")),
                name="fallback_not_itself",
                violation_error_message=_("A model can not be its own fallback."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} → {self.fallback}"


class CatalogueFinding(models.Model):
    """Where the catalogue and a provider's own list of models differ; staff act on it."""

    class Kind(models.TextChoices):
        GONE = "gone", _("no longer offered")
        RENAMED = "renamed", _("renamed")
        PRICE = "price", _("price changed")
        CANDIDATE = "candidate", _("new model")
        BELOW_COST = "below_cost", _("sold below cost")

    kind = models.CharField(max_length=16, choices=Kind)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="findings")
    route = models.ForeignKey(
        Route, on_delete=models.CASCADE, null=True, blank=True, related_name="findings"
    )
    provider_model_id = models.CharField(max_length=120)
    detail = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text=_("When it was last seen to be so"))
    # Staff know and accept it: out of sight, until it changes or is no longer so.
    dismissed_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-found_at"]
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind", "provider_model_id"],
                condition=Q(resolved_at__isnull=True),
                name="finding_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.provider_model_id} {self.get_kind_display()}"


class CatalogueComparison(models.Model):
    """One reading of all providers' lists, for staff to see how far it is and what came of it."""

    class State(models.TextChoices):
        UNDER_WAY = "under_way", _("under way")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    state = models.CharField(max_length=16, choices=State, default=State.UNDER_WAY)
    asked_at = models.DateTimeField()
    # None: no worker has taken it yet.
    started_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(help_text=_("When it last got on"))
    ended_at = models.DateTimeField(null=True, blank=True)
    # Of each provider that is through: name, outcome, listed, opened, message.
    results = models.JSONField(default=list)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="under_way"), name="comparison_one_at_once"
            )
        ]

    def __str__(self) -> str:
        return f"comparison of {self.asked_at:%Y-%m-%d %H:%M} UTC, {self.state}"
