"""What the review adds to the public site: the application beside the tracking page, and the proof of the draws."""

from django.urls import path

from review import public_views

urlpatterns = [
    path("track/case/review/", public_views.apply, name="track_review"),
    path("sampling/", public_views.sampling_proof, name="sampling"),
]
