"""What the public reaches: it can run as a process of its own (HUIYIN_SITE=public)."""

from django.urls import include, path

from complaints.public_urls import urlpatterns as intake
from config import health
from publication.public_urls import urlpatterns as results
from review.public_urls import urlpatterns as reviews

urlpatterns = [
    path("", include(([*results, *intake, *reviews], "public"))),
    path("open311/v2/", include("complaints.open311.urls")),
    path("healthz", health.healthz, name="healthz"),
]

handler400 = "config.errors.handler400"
handler403 = "config.errors.handler403"
handler404 = "config.errors.handler404"
handler500 = "config.errors.handler500"
