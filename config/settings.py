"""Django settings, all from the environment (`.env.example` describes every variable).

Nothing is configured: the embedded default (DEBUG, SQLite, emulated providers). Everything is:
PostgreSQL, Redis, real providers. The same file serves both.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.env import Environment, kept_secret
from config.hosts import bare_host, hosts_sharing_a_site, is_loopback
from config.logging import logging_settings
from config.redaction import url_password

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment.of_project(BASE_DIR)

# --- The process -----------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", True)
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
STATE_DIR = Path(env.text("STATE_DIR", str(BASE_DIR / "var"))).resolve()
SECRET_KEY = env.text("SECRET_KEY") or (kept_secret(STATE_DIR / "secret_key") if DEBUG else "")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]", ".localhost"))
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SITES_DOMAIN = env.text("SITES_DOMAIN", f"localhost:{PORT}" if DEBUG else "")
if not DEBUG and len(SECRET_KEY) < 50:
    env.problem("SECRET_KEY must be at least 50 characters outside DEBUG")
if DEBUG:
    # DEBUG shows stack traces, makes its own secrets and answers from samples.
    for _host in (host for host in ALLOWED_HOSTS if not is_loopback(host)):
        env.problem(
            f"ALLOWED_HOSTS may only name this machine while DEBUG is on, not {_host!r}: "
            "set DEBUG=false to serve others"
        )
else:
    if not SITES_DOMAIN:
        env.problem("SITES_DOMAIN must name the domain that serves generated sites outside DEBUG")
    if "*" in ALLOWED_HOSTS or all(is_loopback(host) for host in ALLOWED_HOSTS):
        env.problem("ALLOWED_HOSTS must name the hosts of the app outside DEBUG, and not be *")
    for _host in hosts_sharing_a_site(ALLOWED_HOSTS, SITES_DOMAIN) if SITES_DOMAIN else ():
        env.problem(
            f"SITES_DOMAIN ({bare_host(SITES_DOMAIN)}) and ALLOWED_HOSTS ({bare_host(_host)}) "
            "share a site: generated pages could reach the app's cookies. Give sites a domain "
            "of their own"
        )

# --- Applications ----------------------------------------------------------------------------
INSTALLED_APPS = [
    "config",
    "accounts",
    "models_catalog",
    "billing",
    "builder",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    # Its templates and assets for /api/docs: without it the page would load them from a CDN.
    "ninja",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "djstripe",
    "django_celery_beat",
]
MIDDLEWARE = [
    # Outermost: every line logged below it carries the request's id.
    "config.request_log.request_log",
    # First: a host of a generated site is answered by it, and nothing below runs for it.
    "builder.sites_host.SitesHostMiddleware",
    "config.problems.api_problems",
    "config.bodies.body_limits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.strict_bodies",
    "accounts.middleware.preferences",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "builder.context_processors.frame",
            ],
        },
    }
]

# --- Database --------------------------------------------------------------------------------
DATABASES = {
    "default": env.database("DATABASE_URL", str(STATE_DIR / "sitewright.sqlite"), BASE_DIR)
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN: select_for_update is a no-op on SQLite, so this is
    # what serialises read-modify-write there, and what avoids "database is locked" on upgrade.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {
        # For the statements of `config/prepared.py`; the ORM's own are never prepared.
        "prepare_threshold": 0,
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": 20, "timeout": 10},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# dj-stripe's own history takes over a minute to apply; ours is the same schema in one file.
MIGRATION_MODULES = {"djstripe": "billing.djstripe_migrations"}

# --- Redis, cache, Celery --------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
if not REDIS_URL.startswith(("redis://", "rediss://")):
    env.problem("REDIS_URL must be redis://… or rediss://…")
    REDIS_URL = "redis://127.0.0.1:6379/0"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "sitewright",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "short"
CELERY_TASK_ROUTES = {"builder.tasks.run_execute": {"queue": "runs"}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Celery is only a doorbell: the row is the truth, a sweeper rings again. So publishing may fail
# fast when Redis is away instead of holding up the request (kombu would retry for ever).
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_POOL_LIMIT = 20
CELERY_REDIS_MAX_CONNECTIONS = 1000
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_connections": 1000,
    # What a worker has taken and not begun it remembers itself, and puts back when it ends. To keep
    # that in Redis is a fifth of what a message costs; a killed worker's are rung again by sweeps.
    "ack_emulation": False,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    # PUBLISH_RETRY covers sending only: connecting for it has tries of its own, 6 s of them.
    "max_retries": 0,
    "global_keyprefix": "sitewright:celery:",
}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_CONSUMER = "config.consumer:PromptConsumer"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
WORKER_POOL = env.choice("WORKER_POOL", "threads", choices=("threads", "gevent"))
WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", 64, minimum=1, maximum=2000)

# --- People ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.auth_backend.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/dashboard/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = env.choice(
    "EMAIL_VERIFICATION",
    "optional" if DEBUG else "mandatory",
    choices=("none", "optional", "mandatory"),
)
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_EMAIL_VERIFICATION == "mandatory"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
MFA_TOTP_ISSUER = "Sitewright"
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, minimum=0, maximum=10)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
# accounts.middleware notes activity, every few minutes; allauth's own writes at every request.
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
for _provider in ("google", "github"):
    _client_id = env.text(f"{_provider.upper()}_CLIENT_ID")
    _client_secret = env.text(f"{_provider.upper()}_CLIENT_SECRET")
    if bool(_client_id) != bool(_client_secret):
        env.problem(f"{_provider.upper()}_CLIENT_ID and _CLIENT_SECRET must be set together")
    if _client_id and _client_secret:
        INSTALLED_APPS.append(f"allauth.socialaccount.providers.{_provider}")
        SOCIALACCOUNT_PROVIDERS[_provider] = {
            "APPS": [{"client_id": _client_id, "secret": _client_secret}],
            "OAUTH_PKCE_ENABLED": _provider == "google",
            "EMAIL_AUTHENTICATION": False,
        }

JWT_SECRET = env.text("JWT_SECRET") or (kept_secret(STATE_DIR / "jwt_secret") if DEBUG else "")
if not DEBUG and len(JWT_SECRET.encode()) < 32:
    env.problem("JWT_SECRET must be at least 32 bytes outside DEBUG")
HEADLESS_ONLY = False
HEADLESS_CLIENTS = ("app", "browser")
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"  # noqa: S105
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_PRIVATE_KEY = JWT_SECRET
# Without this a logged-out user's access token lives on until it expires.
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True

EMAIL_URL = env.text("EMAIL_URL", "filemail://" if DEBUG else "")
if not EMAIL_URL:
    env.problem(
        "EMAIL_URL must name the mail server outside DEBUG, e.g. smtp+tls://user:pw@host:587"
    )
vars().update(env.email(EMAIL_URL, STATE_DIR / "mail"))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Sitewright <hello@localhost>")

# --- AI providers ----------------------------------------------------------------------------
# Keys and base URLs by the name of their variable: a catalogue row says which one is its own.
PROVIDER_KEYS = {
    f"{name}_API_KEY": env.text(f"{name}_API_KEY")
    for name in ("OPENROUTER", "QWEN", "OPENAI", "ANTHROPIC")
}
PROVIDER_BASE_URLS = {
    f"{name}_BASE_URL": env.http_url(f"{name}_BASE_URL")
    for name in ("OPENROUTER", "QWEN", "OPENAI", "ANTHROPIC")
}
# Where script/server runs the stand-in for providers without a key; never outside DEBUG.
AI_EMULATOR_URL = env.http_url("AI_EMULATOR_URL") if DEBUG else ""
PROXY_HOST = env.text("PROXY_HOST")
PROXY_PORT = env.integer("PROXY_PORT", 7890, minimum=1, maximum=65535)
PROXY_USER = env.text("PROXY_USER")
PROXY_PASSWORD = env.text("PROXY_PASSWORD")

# --- Stripe (dj-stripe) ----------------------------------------------------------------------
# The one version that the library, dj-stripe, the webhook endpoint and the emulator speak; a system
# check tells where they differ. How to move to another: docs/stripe.md.
STRIPE_API_VERSION = "2026-08-26.dahlia"
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRET = env.text("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.http_url("STRIPE_API_BASE")
STRIPE_LIVE_MODE = STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
STRIPE_WEBHOOK_MAX_BYTES = 256 * 1024
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
if STRIPE_API_BASE:
    STRIPE_API_HOST = STRIPE_API_BASE
# dj-stripe refuses other forms too, but only when a webhook comes in.
if STRIPE_SECRET_KEY and not re.fullmatch(r"[sr]k_(test|live)_[a-zA-Z0-9]{24,}", STRIPE_SECRET_KEY):
    env.problem("STRIPE_SECRET_KEY must look like sk_test_… or sk_live_… (or rk_…)")
if STRIPE_WEBHOOK_SECRET and not STRIPE_WEBHOOK_SECRET.startswith("whsec_"):
    env.problem("STRIPE_WEBHOOK_SECRET must look like whsec_…")
if STRIPE_API_BASE and STRIPE_LIVE_MODE:
    env.problem("STRIPE_API_BASE must be unset with a live key: it would be sent there")
# How long premium lasts after a renewal that could not be paid, counted from the paid period's end.
PREMIUM_GRACE_DAYS = 3
# Where people reach the app: in links that leave it (mail, Stripe's pages back to us, webhooks).
APP_URL = env.http_url("APP_URL") or (
    f"http://localhost:{PORT}" if DEBUG else f"https://{bare_host((*ALLOWED_HOSTS, '')[0])}"
)

# --- Pages -----------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = STATE_DIR / "media"
# What the body of a request may have: of most; with pictures inside JSON; with files.
BODY_MAX_BYTES = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
UPLOAD_BODY_MAX_BYTES = 24 * 1024 * 1024
SITES_SCHEME = "http" if DEBUG else "https"

# --- Security --------------------------------------------------------------------------------
STRIPE_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com"]
if STRIPE_API_BASE:
    STRIPE_PAGES.append("://".join(urlsplit(STRIPE_API_BASE)[:2]))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "frame-src": [f"{SITES_SCHEME}://*.{SITES_DOMAIN}"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Browsers hold a form to this along its redirects: buying ends on Stripe's pages.
        "form-action": [SELF, *STRIPE_PAGES],
        "frame-ancestors": [NONE],
    }
}
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "sitewright_session" if DEBUG else "__Host-session"
CSRF_COOKIE_NAME = "sitewright_csrf" if DEBUG else "__Host-csrf"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_ssl_redirect = env.flag("SECURE_SSL_REDIRECT", True)
if not DEBUG:
    SECURE_SSL_REDIRECT = _ssl_redirect
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Logs ------------------------------------------------------------------------------------
LOGGING = logging_settings(
    debug=DEBUG,
    secrets=[
        *(SECRET_KEY, JWT_SECRET, PROXY_PASSWORD, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET),
        *PROVIDER_KEYS.values(),
        *map(url_password, (REDIS_URL, EMAIL_URL, env.text("DATABASE_URL"))),
        *(app["secret"] for group in SOCIALACCOUNT_PROVIDERS.values() for app in group["APPS"]),
    ],
)

# --- Tokens (the owner's numbers) ------------------------------------------------------------
FREE_MONTHLY_TOKENS = 10_000
# Lower is spent first. The owner's order: free, then purchased, then premium.
POCKET_PRIORITIES = {
    "adjustment": 5,
    "free_monthly": 10,
    "purchased": 20,
    "premium_daily": 30,
}

# --- Runs ------------------------------------------------------------------------------------
RUN_FIRST_TOKEN_TIMEOUT_SECONDS = 120
# Of one route among several, so that a silent one leaves time for the next.
ROUTE_FIRST_TOKEN_TIMEOUT_SECONDS = 30
# How old what /status/ says may be.
STATUS_FRESH_SECONDS = 15
# To the provider or to the proxy, TLS and the proxy's tunnel included.
PROVIDER_CONNECT_TIMEOUT_SECONDS = 10
RUN_IDLE_TIMEOUT_SECONDS = 60
RUN_TOTAL_TIMEOUT_SECONDS = 600
RUN_LEASE_SECONDS = 30
RUN_HEARTBEAT_SECONDS = 10
RUN_REDISPATCH_AFTER_SECONDS = 20
RUN_QUEUE_TIMEOUT_SECONDS = 1800
# What one person may do; staff may say otherwise of one (`UserLimits`). Wide, as tokens limit
# people and turns keep the queue fair: these stop programs that have run wild.
RUNS_CONCURRENT_MAX = env.integer("RUNS_CONCURRENT_MAX", 200, minimum=1, maximum=10_000)
RUNS_PER_MINUTE_MAX = env.integer("RUNS_PER_MINUTE_MAX", 600, minimum=1, maximum=100_000)
RUN_PROMPT_MAX_BYTES = 32 * 1024
# Several times the longest answer we ask a model for.
RUN_OUTPUT_MAX_BYTES = 1024 * 1024
UPLOAD_MAX_BYTES = 5 * 1024 * 1024
UPLOADS_PER_MINUTE_MAX = env.integer("UPLOADS_PER_MINUTE_MAX", 60, minimum=1, maximum=10_000)
# The queue: a subscriber's run goes as if it had come this much earlier, and a run of somebody
# who has others before it as if it had come this much later for each.
RUN_QUEUE_PREMIUM_SECONDS = 30
RUN_QUEUE_SHARE_SECONDS = 20

env.refuse_if_wrong()
