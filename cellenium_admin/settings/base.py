"""What every environment shares. A variable without a default stops the start with its name when it is missing."""

from pathlib import Path
from typing import Any

import environ
import structlog
from django.templatetags.static import static
from django.urls import reverse_lazy
from kombu import Queue

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

# --- Django ---------------------------------------------------------------------------------------------------
SECRET_KEY = env.str("CELLENIUM_SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("CELLENIUM_ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CELLENIUM_CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "cellenium_admin.urls"
WSGI_APPLICATION = "cellenium_admin.wsgi.application"
AUTH_USER_MODEL = "core.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "cellenium_admin.formats"
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = "home"
APPEND_SLASH = True

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "mozilla_django_oidc",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cellenium_admin.core",
    "grants",
    "studies",
    "imports",
]

MIDDLEWARE = [
    "cellenium_admin.core.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "cellenium_admin.core.oidc.middleware.RefreshMiddleware",
    "cellenium_admin.core.oidc.load_balancer_middleware.LoadBalancerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "cellenium_admin" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "cellenium_admin.core.oidc.backend.OidcBackend",
]
SESSION_COOKIE_NAME = "cellenium_session"
CSRF_COOKIE_NAME = "cellenium_csrf"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "static/"
STATIC_ROOT = env.path("CELLENIUM_STATIC_ROOT", default=str(BASE_DIR / "static"))
STATICFILES_DIRS = [BASE_DIR / "cellenium_admin" / "static"]

# --- Login ----------------------------------------------------------------------------------------------------
OIDC_ISSUER = env.str("CELLENIUM_OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("CELLENIUM_OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("CELLENIUM_OIDC_CLIENT_SECRET", default="")
OIDC_SCOPES = env.str("CELLENIUM_OIDC_SCOPES", default="openid email profile")
OIDC_AUDIENCES: list[str] = env.list("CELLENIUM_OIDC_AUDIENCES", default=[])
OIDC_ALGORITHMS: list[str] = env.list("CELLENIUM_OIDC_ALGORITHMS", default=["RS256", "ES256"])
OIDC_REQUIRE_VERIFIED_EMAIL = env.bool("CELLENIUM_OIDC_REQUIRE_VERIFIED_EMAIL", default=True)
OIDC_REQUIRE_KID = env.bool("CELLENIUM_OIDC_REQUIRE_KID", default=True)
OIDC_GROUPS_CLAIM = env.str("CELLENIUM_OIDC_GROUPS_CLAIM", default="groups")
OIDC_CURATOR_GROUPS: list[str] = env.list("CELLENIUM_OIDC_CURATOR_GROUPS", default=[])
OIDC_ADMINISTRATOR_GROUPS: list[str] = env.list("CELLENIUM_OIDC_ADMINISTRATOR_GROUPS", default=[])
OIDC_REFRESH_SECONDS = env.int("CELLENIUM_OIDC_REFRESH_SECONDS", default=900)
OIDC_TIMEOUT_SECONDS = env.int("CELLENIUM_OIDC_TIMEOUT_SECONDS", default=5)
OIDC_KEYS_SECONDS = env.int("CELLENIUM_OIDC_KEYS_SECONDS", default=600)
OIDC_LEEWAY_SECONDS = env.int("CELLENIUM_OIDC_LEEWAY_SECONDS", default=30)
PASSWORD_LOGIN = env.bool("CELLENIUM_PASSWORD_LOGIN", default=True)
LOAD_BALANCER_SIGNERS: list[str] = env.list("CELLENIUM_LOAD_BALANCER_SIGNERS", default=[])
LOAD_BALANCER_KEYS_URL = env.str("CELLENIUM_LOAD_BALANCER_KEYS_URL", default="")

# --- Mail to administrators -----------------------------------------------------------------------------------
ADMINS = [("Administrator", address) for address in env.list("CELLENIUM_ADMIN_ADDRESSES", default=[])]
SERVER_EMAIL = env.str("CELLENIUM_MAIL_FROM", default="cellenium-admin@localhost")
EMAIL_SUBJECT_PREFIX = "[cellenium-admin] "
EMAIL_HOST = env.str("CELLENIUM_MAIL_HOST", default="localhost")
EMAIL_PORT = env.int("CELLENIUM_MAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("CELLENIUM_MAIL_USER", default="")
EMAIL_HOST_PASSWORD = env.str("CELLENIUM_MAIL_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("CELLENIUM_MAIL_TLS", default=False)
EMAIL_TIMEOUT = 5

# --- Logs -----------------------------------------------------------------------------------------------------
# To standard error, one line an event, with the request id the answer carried in X-Request-ID.
LOG_JSON = env.bool("CELLENIUM_LOG_JSON", default=False)
LOG_PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOG_RENDERERS = (
    [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if LOG_JSON
    else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "structlog.stdlib.ProcessorFormatter",
            "foreign_pre_chain": LOG_PROCESSORS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *LOG_RENDERERS,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # At its finer levels botocore writes down what it sends and gets.
    # Django's own handlers would send each error with its whole request to the administrators by mail.
    "loggers": {"botocore": {"level": "WARNING"}, "django": {"handlers": [], "level": "INFO"}},
}

# --- PostgreSQL -----------------------------------------------------------------------------------------------
# `default` is the application's role: it can read the audit trail and append to it, nothing else there.
# `owner` owns the tables and runs migrations; only hosts that migrate need its URL.
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("CELLENIUM_DATABASE_URL")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
if owner_url := env.str("CELLENIUM_DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = env.db_url_config(owner_url)
DATABASE_ROUTERS: list[str] = []

# --- Access grants --------------------------------------------------------------------------------------------
DEPLOYMENT = env.str("CELLENIUM_DEPLOYMENT", default="cellenium-admin")
UPLOADER_GROUP = env.str("CELLENIUM_UPLOADER_GROUP", default=f"{DEPLOYMENT}-uploaders")
SERVICE_ARN = env.str("CELLENIUM_SERVICE_ARN", default="")
BUCKET_KMS_KEY = env.str("CELLENIUM_BUCKET_KMS_KEY", default="")
BUCKET_LOG_TARGET = env.str("CELLENIUM_BUCKET_LOG_TARGET", default="")
GRANT_DEFAULT_DAYS = env.int("CELLENIUM_GRANT_DEFAULT_DAYS", default=90)
GRANT_MAX_DAYS = env.int("CELLENIUM_GRANT_MAX_DAYS", default=365)
ADOPTED_REVIEW_DAYS = env.int("CELLENIUM_ADOPTED_REVIEW_DAYS", default=180)
REQUEST_LAPSE_DAYS = env.int("CELLENIUM_REQUEST_LAPSE_DAYS", default=14)
KEY_MAX_AGE_DAYS = env.int("CELLENIUM_KEY_MAX_AGE_DAYS", default=90)
OPERATION_SECONDS = env.int("CELLENIUM_OPERATION_SECONDS", default=10)
OPERATION_LEASE_SECONDS = env.int("CELLENIUM_OPERATION_LEASE_SECONDS", default=120)
OPERATION_RETRY_SECONDS = env.float("CELLENIUM_OPERATION_RETRY_SECONDS", default=2.0)
OPERATION_MAX_ATTEMPTS = env.int("CELLENIUM_OPERATION_MAX_ATTEMPTS", default=10)
EXPIRY_SECONDS = env.int("CELLENIUM_EXPIRY_SECONDS", default=60)
EXPIRY_ALARM_SECONDS = env.int("CELLENIUM_EXPIRY_ALARM_SECONDS", default=900)
PROPAGATION_SECONDS = env.int("CELLENIUM_PROPAGATION_SECONDS", default=300)
RECONCILE_SECONDS = env.int("CELLENIUM_RECONCILE_SECONDS", default=3600)
RECONCILE_APPLY = env.bool("CELLENIUM_RECONCILE_APPLY", default=False)
RECONCILE_MAX_DELETION_PERCENT = env.int("CELLENIUM_RECONCILE_MAX_DELETION_PERCENT", default=10)
RECONCILE_TAG_SAMPLE = env.int("CELLENIUM_RECONCILE_TAG_SAMPLE", default=100)
IMPORTER_ROLE_ARN = env.str("CELLENIUM_IMPORTER_ROLE_ARN", default="")
CREDENTIALS_SECONDS = env.int("CELLENIUM_CREDENTIALS_SECONDS", default=3600)
CREDENTIALS_MAX_SECONDS = env.int("CELLENIUM_CREDENTIALS_MAX_SECONDS", default=43_200)
CREDENTIALS_PER_HOUR = env.int("CELLENIUM_CREDENTIALS_PER_HOUR", default=60)
CREDENTIALS_MAY_DELETE = env.bool("CELLENIUM_CREDENTIALS_MAY_DELETE", default=False)

# --- Redis and Celery -----------------------------------------------------------------------------------------
REDIS_URL = env.str("CELLENIUM_REDIS_URL")
IMPORT_TIME_LIMIT = env.int("CELLENIUM_IMPORT_TIME_LIMIT", default=4 * 3600)
COMPUTE_TIME_LIMIT = env.int("CELLENIUM_COMPUTE_TIME_LIMIT", default=900)
COMPUTE_PART_ENTRIES = env.int("CELLENIUM_COMPUTE_PART_ENTRIES", default=1_000_000_000)
COMPILE_AT_START = env.bool("CELLENIUM_COMPILE_AT_START", default=True)
LEASE_SECONDS = env.int("CELLENIUM_LEASE_SECONDS", default=60)
SWEEP_SECONDS = env.int("CELLENIUM_SWEEP_SECONDS", default=30)
IDEMPOTENCY_SWEEP_SECONDS = env.int("CELLENIUM_IDEMPOTENCY_SWEEP_SECONDS", default=900)
RESEND_SECONDS = env.int("CELLENIUM_RESEND_SECONDS", default=60)
RETRY_SECONDS = env.int("CELLENIUM_RETRY_SECONDS", default=15)
SCAN_SECONDS = env.int("CELLENIUM_SCAN_SECONDS", default=300)
WAIT_SLOTS = env.int("CELLENIUM_WAIT_SLOTS", default=4)
WAIT_MAX_SECONDS = env.int("CELLENIUM_WAIT_MAX_SECONDS", default=30)

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT = "cellenium_admin.core.broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest limit: a redelivered copy of a task that still runs would be work done twice.
    "visibility_timeout": env.int(
        "CELLENIUM_VISIBILITY_TIMEOUT", default=int(1.1 * max(IMPORT_TIME_LIMIT, COMPUTE_TIME_LIMIT)) + 60
    ),
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_QUEUES = [Queue("default"), Queue("imports"), Queue("compute")]
CELERY_TASK_ROUTES = {
    "imports.run_import": {"queue": "imports"},
    "imports.validate": {"queue": "imports"},
    "studies.*": {"queue": "compute"},
}
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {
        "task": "core.sweep_jobs",
        "schedule": SWEEP_SECONDS,
        "options": {"expires": SWEEP_SECONDS},
    },
    "sweep-idempotency-keys": {
        "task": "core.sweep_idempotency_keys",
        "schedule": IDEMPOTENCY_SWEEP_SECONDS,
        "options": {"expires": IDEMPOTENCY_SWEEP_SECONDS},
    },
    "sweep-sessions": {"task": "core.sweep_sessions", "schedule": 3600, "options": {"expires": 3600}},
    "run-operations": {
        "task": "grants.run_operations",
        "schedule": OPERATION_SECONDS,
        "options": {"expires": OPERATION_SECONDS},
    },
    "tick": {"task": "grants.tick", "schedule": EXPIRY_SECONDS, "options": {"expires": EXPIRY_SECONDS}},
    "reconcile": {
        "task": "grants.reconcile",
        "schedule": RECONCILE_SECONDS or 3600,
        "options": {"expires": RECONCILE_SECONDS or 3600},
    },
    "expire-uploads": {"task": "imports.expire_uploads", "schedule": 60, "options": {"expires": 60}},
    "end-unknown-uploads": {"task": "imports.end_unknown_uploads", "schedule": 3600, "options": {"expires": 3600}},
    "scan-store": {"task": "imports.scan", "schedule": SCAN_SECONDS, "options": {"expires": SCAN_SECONDS}},
}

# --- Files ----------------------------------------------------------------------------------------------------
H5AD_STORE = env.str("CELLENIUM_H5AD_STORE")
STORE_DIR = env.path("CELLENIUM_STORE_DIR")
STORE_URI = env.str("CELLENIUM_STORE", default="")
STORE_CACHE_BYTES = env.int("CELLENIUM_STORE_CACHE_BYTES", default=20 * 1024**3)
STORE_INLINE_BYTES = env.int("CELLENIUM_STORE_INLINE_BYTES", default=64 * 1024**2)
SCRATCH_DIR = env.path("CELLENIUM_SCRATCH_DIR")
SCAN_PREFIX = env.str("CELLENIUM_SCAN_PREFIX", default="input/")
SCAN_SETTLE_SECONDS = env.int("CELLENIUM_SCAN_SETTLE_SECONDS", default=5)
EVENT_QUEUE_URL = env.str("CELLENIUM_EVENT_QUEUE_URL", default="")
EVENT_SECONDS = env.int("CELLENIUM_EVENT_SECONDS", default=10)
if EVENT_QUEUE_URL:
    CELERY_BEAT_SCHEDULE["read-events"] = {
        "task": "imports.read_events",
        "schedule": EVENT_SECONDS,
        "options": {"expires": EVENT_SECONDS},
    }
UPLOAD_MAX_BYTES = env.int("CELLENIUM_UPLOAD_MAX_BYTES", default=5 * 1024**4)
UPLOAD_QUOTA_BYTES = env.int("CELLENIUM_UPLOAD_QUOTA_BYTES", default=1024**4)
UPLOAD_QUOTA_FILES = env.int("CELLENIUM_UPLOAD_QUOTA_FILES", default=10_000)
UPLOAD_STALE_HOURS = env.int("CELLENIUM_UPLOAD_STALE_HOURS", default=72)
UPLOAD_URL_SECONDS = env.int("CELLENIUM_UPLOAD_URL_SECONDS", default=3600)
ALLOWED_ORIGIN = env.str("CELLENIUM_ALLOWED_ORIGIN", default="")
BUILD_MEMORY_BYTES = env.int("CELLENIUM_BUILD_MEMORY_BYTES", default=1536 * 1024**2)
READER_MEMORY_BYTES = env.int("CELLENIUM_READER_MEMORY_BYTES", default=6 * 1024**3)
READER_CPU_SECONDS = env.int("CELLENIUM_READER_CPU_SECONDS", default=4 * 3600)

# --- Audit trail ----------------------------------------------------------------------------------------------
# Checkpoints are signed with a key that is in no database and kept where the database's owner cannot write.
CHECKPOINT_KEY_FILE = env.str("CELLENIUM_CHECKPOINT_KEY_FILE", default="")
CHECKPOINT_PUBLIC_KEY_FILES: list[str] = env.list("CELLENIUM_CHECKPOINT_PUBLIC_KEY_FILES", default=[])
CHECKPOINT_TARGET = env.str("CELLENIUM_CHECKPOINT_TARGET", default="")
CHECKPOINT_SECONDS = env.int("CELLENIUM_CHECKPOINT_SECONDS", default=3600)
if CHECKPOINT_SECONDS and CHECKPOINT_KEY_FILE:
    CELERY_BEAT_SCHEDULE["sign-checkpoint"] = {
        "task": "core.sign_checkpoint",
        "schedule": CHECKPOINT_SECONDS,
        "options": {"expires": CHECKPOINT_SECONDS},
    }

# --- API ------------------------------------------------------------------------------------------------------
TRUSTED_PROXY_HOPS = env.int("CELLENIUM_TRUSTED_PROXY_HOPS", default=0)
TOKEN_MAX_DAYS = env.int("CELLENIUM_TOKEN_MAX_DAYS", default=365)
IDEMPOTENCY_HOURS = env.int("CELLENIUM_IDEMPOTENCY_HOURS", default=24)
IDEMPOTENCY_LEASE_SECONDS = env.int("CELLENIUM_IDEMPOTENCY_LEASE_SECONDS", default=120)
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("CELLENIUM_MAX_BODY_BYTES", default=16 * 1024**2)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cellenium_admin.core.api.oidc_bearer.OidcBearerAuthentication",
        "cellenium_admin.core.api.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    # Nobody, unless a view says whom it serves.
    "DEFAULT_PERMISSION_CLASSES": ["cellenium_admin.core.api.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "cellenium_admin.core.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cellenium_admin.core.api.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "cellenium-admin",
    "DESCRIPTION": "Studies, expression, differential expression, jobs and the audit trail.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "AccountKind": "cellenium_admin.core.models.User.Kind",
        "JobEventKind": "cellenium_admin.core.models.JobEvent.Kind",
        "JobState": "cellenium_admin.core.models.Job.State",
        "AuditAction": "cellenium_admin.core.models.Action",
        "AuditOutcome": "cellenium_admin.core.models.Outcome",
        "SourceEnum": "imports.models.Upload.Source",
        "VisibilityEnum": "studies.models.Study.Visibility",
        "UserAnnotationVisibility": "studies.models.UserAnnotation.Visibility",
        "MarkersSource": "studies.models.MarkersSource",
        "LifecycleState": "grants.models.State",
        "Drift": "grants.models.Drift",
        "Origin": "grants.models.Origin",
        "Permission": "grants.models.Permission",
        "PrincipalKind": "grants.models.Principal.Kind",
        "AccessRequestState": "grants.models.AccessRequest.State",
        "IssuancePurpose": "grants.models.Issuance.Purpose",
        "IssuanceState": "grants.models.Issuance.State",
        "PrefixPurpose": "grants.api.credentials.PURPOSES",
        "ImportRunState": "imports.models.ImportRun.State",
        "UploadState": "imports.models.Upload.State",
        "OperationKind": "grants.models.Operation.Kind",
        "OperationState": "grants.models.Operation.State",
    },
    "SERVE_PERMISSIONS": ["cellenium_admin.core.api.permissions.IsMember"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

UNFOLD = {
    "SITE_TITLE": "cellenium-admin",
    "SITE_HEADER": "cellenium-admin",
    "SITE_SYMBOL": "genetics",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("cellenium/favicon.svg")},
    ],
    "STYLES": [lambda _request: static("cellenium/admin.css")],
    "SCRIPTS": [lambda _request: static("cellenium/admin.js")],
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "cellenium_admin.dashboard.dashboard",
}
