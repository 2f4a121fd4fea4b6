"""Pages of the desk: figures, improvements, reports."""

from django.urls import path

from analytics import outbreak_views, views

app_name = "analytics"

urlpatterns = [
    path("figures/", views.figures, name="figures"),
    path("outbreaks/", outbreak_views.outbreak_list, name="outbreaks"),
    path("outbreaks/<int:pk>/", outbreak_views.outbreak, name="outbreak"),
    path("outlook/", outbreak_views.outlook_page, name="outlook"),
    path("problems/", views.problems, name="problems"),
    path("reports/", views.reports, name="reports"),
    path("reports/<int:pk>/", views.report, name="report"),
    path("reports/<int:pk>/progress/", views.progress, name="progress"),
    path("reports/<int:pk>/approve/", views.approve, name="approve"),
    path("reports/<int:pk>/release/", views.release, name="release"),
    path("reports/<int:pk>/rebuild/", views.rebuild, name="rebuild"),
    path("reports/<int:pk>/revise/", views.revise, name="revise"),
    path("reports/<int:pk>/sections/<slug:key>/", views.edit_section, name="edit_section"),
    path("reports/<int:pk>/<slug:format>/", views.download, name="download"),
]
