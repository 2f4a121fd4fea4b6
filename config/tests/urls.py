"""Pages that only tests serve: one of each kind the middleware and the bases must handle."""

from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from accounts.errors import IllegalTransition, NotAllowed
from config import preferences

SECRET = "王小明 13800000417"


def public_page(request: HttpRequest) -> HttpResponse:
    return render(request, "base_public.html")


def staff_page(request: HttpRequest) -> HttpResponse:
    return render(request, "base_staff.html")


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def broken_rule(request: HttpRequest) -> HttpResponse:
    raise IllegalTransition("This case is closed.")


def not_allowed(request: HttpRequest) -> HttpResponse:
    raise NotAllowed("Only the head of review may do this.")


def locked(request: HttpRequest) -> HttpResponse:
    raise OperationalError("canceling statement due to lock timeout")


def deadlocked(request: HttpRequest) -> HttpResponse:
    raise OperationalError("deadlock detected")


def database_down(request: HttpRequest) -> HttpResponse:
    raise OperationalError("could not connect to server")


public_urls = [
    path("", public_page, name="home"),
    path("complain/", public_page, name="complain"),
    path("track/", public_page, name="track"),
    path("help/", public_page, name="help"),
]
preference_urls = [
    path("language/", preferences.set_language, name="set_language"),
    path("theme/", preferences.set_theme, name="set_theme"),
    path("text/", preferences.set_text, name="set_text"),
]
urlpatterns = [
    path("", include((public_urls, "public"))),
    path("preferences/", include((preference_urls, "config"))),
    path("desk/queue/", include(([path("", staff_page, name="queue")], "complaints"))),
    path("desk/figures/", include(([path("", staff_page, name="figures")], "analytics"))),
    path("accounts/login/", staff_page, name="account_login"),
    path("crash/", crash),
    path("api/v1/crash/", crash),
    path("desk/rule/", broken_rule),
    path("desk/not-allowed/", not_allowed),
    path("desk/locked/", locked),
    path("desk/deadlocked/", deadlocked),
    path("desk/database-down/", database_down),
    path("api/v1/database-down/", database_down),
]
handler400 = "config.errors.handler400"
handler403 = "config.errors.handler403"
handler404 = "config.errors.handler404"
handler500 = "config.errors.handler500"
