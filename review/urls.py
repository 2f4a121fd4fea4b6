"""The desk of the review group, under /desk/."""

from django.urls import path, register_converter

from review import alert_views, views


class PeriodConverter:
    """A month as 2026-10."""

    regex = r"\d{4}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PeriodConverter, "month")

app_name = "review"
urlpatterns = [
    path("reviews/", views.review_list, name="list"),
    path("reviews/alerts/", alert_views.alert_list, name="alerts"),
    path("reviews/alerts/rules/", alert_views.rules, name="alert_rules"),
    path("reviews/alerts/rules/edit/", alert_views.edit_rules, name="alert_rules_edit"),
    path("reviews/alerts/benchmarks/", alert_views.benchmarks, name="alert_benchmarks"),
    path("reviews/alerts/benchmarks/<int:pk>/end/", alert_views.end_benchmark, name="alert_benchmark_end"),
    path("reviews/alerts/<int:pk>/", alert_views.decide, name="alert"),
    path("reviews/<str:number>/", views.detail, name="detail"),
    path("reviews/<str:number>/actions/<slug:action>/", views.action, name="action"),
    path("cases/<str:number>/conflict/", views.declare, name="declare"),
    path("sampling/", views.sampling, name="sampling"),
    path("sampling/commit/", views.commit, name="sampling_commit"),
    path("sampling/<month:period>/", views.sampling, name="sampling_period"),
    path("sampling/<month:period>/draw/", views.draw, name="sampling_draw"),
    path("sampling/<month:period>/verify/", views.verify, name="sampling_verify"),
    path("sampling/<month:period>/document/", views.document, name="sampling_document"),
]
