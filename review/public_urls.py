"""The application for a review, mounted beside the tracking page."""

from django.urls import path

from review import public_views

urlpatterns = [path("track/case/review/", public_views.apply, name="track_review")]
