"""What staff reach: the desk, sign-in and the API (HUIYIN_SITE=staff)."""

from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import health

urlpatterns = [
    path("desk/", RedirectView.as_view(pattern_name="complaints:queue"), name="desk"),
    path("desk/", include("config.desk_urls")),
    path("desk/", include("complaints.urls")),
    path("desk/", include("review.urls")),
    path("desk/", include("publication.urls")),
    path("desk/", include("analytics.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("preferences/", include(("config.preference_urls", "config"))),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("healthz", health.healthz, name="healthz"),
]

handler400 = "config.errors.handler400"
handler403 = "config.errors.handler403"
handler404 = "config.errors.handler404"
handler500 = "config.errors.handler500"
