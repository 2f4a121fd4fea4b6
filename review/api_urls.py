"""Reviews and their figures under /api/v1/."""

from django.urls import path

from review import api

urlpatterns = [
    path("reviews/", api.Reviews.as_view(), name="api-reviews"),
    path("figures/reviews/", api.ReviewFigures.as_view(), name="api-review-figures"),
    path("reviews/<str:number>/", api.ReviewView.as_view(), name="api-review"),
    path("reviews/<str:number>/actions/<slug:action>/", api.ReviewAction.as_view(), name="api-review-action"),
]
