"""The API: one file per app, one prefix."""

from django.urls import include, path

urlpatterns = [
    path("", include("complaints.api_urls")),
    path("", include("review.api_urls")),
    path("", include("publication.api_urls")),
    path("", include("analytics.api_urls")),
]
