"""Figures and reports under /api/v1/."""

from django.urls import path

from analytics import api

urlpatterns = [
    path("figures/", api.Figures.as_view(), name="api-figures"),
    path("problems/", api.Problems.as_view(), name="api-problems"),
    path("reports/", api.Reports.as_view(), name="api-reports"),
    path("reports/<int:pk>/", api.ReportView.as_view(), name="api-report"),
    path("reports/<int:pk>/actions/<slug:action>/", api.ReportAction.as_view(), name="api-report-action"),
]
