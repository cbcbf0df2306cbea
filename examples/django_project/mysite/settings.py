"""The settings that ``startproject`` writes, and the few for pixels, which are marked."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get("SECRET_KEY", "only for this example")
DEBUG = True
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "newsletter",
    "pixelmw.contrib.django",  # pixels
]

MIDDLEWARE = [
    "pixelmw.contrib.django.PixelMiddleware",  # pixels
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

PIXELMW = {  # pixels
    "SINK": "pixelmw.contrib.django.ModelSink",  # pixels
    "WRITE_KEY": "website", "BASE_URL": "http://127.0.0.1:8000",  # pixels
}  # pixels  # fmt: skip

ROOT_URLCONF = "mysite.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
WSGI_APPLICATION = "mysite.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DB", BASE_DIR / "db.sqlite3")}}
USE_TZ = True
STATIC_URL = "static/"
# Django before 6.1 does not know this one.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}}
