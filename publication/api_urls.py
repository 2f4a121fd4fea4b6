"""API addresses of results and publications, under /api/v1/."""

from django.urls import path

from publication import api

urlpatterns = [
    path("results/", api.ResultList.as_view(), name="api-results"),
    path("results/<str:public_id>/", api.ResultDetail.as_view(), name="api-result"),
    path("publications/", api.PublicationList.as_view(), name="api-publications"),
    path("publications/<str:number>/", api.PublicationDetailView.as_view(), name="api-publication"),
    path(
        "publications/<str:number>/actions/<str:action>/",
        api.PublicationAction.as_view(),
        name="api-publication-action",
    ),
]
