"""The desk of the review group, under /desk/."""

from django.urls import path, register_converter

from review import (
    alert_views,
    application_views,
    conclusion_views,
    group_views,
    plan_views,
    standard_views,
    step_views,
    views,
)


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
    path("reviews/group/", group_views.register, name="group"),
    path("reviews/group/enter/", group_views.enter, name="group_enter"),
    path("reviews/group/duty/", group_views.calendar, name="group_duty"),
    path("reviews/group/turns/<int:pk>/end/", group_views.end_turn, name="group_turn_end"),
    path("reviews/group/<int:pk>/", group_views.member, name="group_member"),
    path("reviews/plan/", plan_views.plan, name="plan"),
    path("reviews/plan/<month:period>/", plan_views.plan, name="plan_period"),
    path("reviews/major/", standard_views.major_standard, name="major"),
    path("reviews/major/edit/", standard_views.major_edit, name="major_edit"),
    path("reviews/steps/", step_views.steps, name="steps"),
    path("reviews/limits/", standard_views.limits, name="limits"),
    path("reviews/limits/edit/", standard_views.limits_edit, name="limits_edit"),
    path("reviews/material/", step_views.material_list, name="material_list"),
    path("reviews/material/<int:pk>/", step_views.material, name="material"),
    path("rectification-plans/", plan_views.reports, name="top_reports"),
    path("rectification-plans/new/", plan_views.report_new, name="top_report_new"),
    path("rectification-plans/<int:pk>/", plan_views.report, name="top_report"),
    path("reviews/figures/", conclusion_views.figures, name="figures"),
    path("reviews/figures/csv/", conclusion_views.figures_csv, name="figures_csv"),
    path("reviews/<str:number>/", views.detail, name="detail"),
    path("reviews/<str:number>/actions/<slug:action>/", views.action, name="action"),
    path("reviews/<str:number>/records/", step_views.records, name="records"),
    path("reviews/<str:number>/records/settle/<int:pk>/", step_views.record, {"kind": "settle"}, name="settle"),
    path("reviews/<str:number>/records/<slug:kind>/", step_views.record, name="record"),
    path("reviews/<str:number>/files/<int:pk>/", step_views.file, name="file"),
    path("reviews/<str:number>/log/<slug:format>/", step_views.log, name="log"),
    path("reviews/<str:number>/steps/<slug:step>/", step_views.why, name="step_why"),
    path("reviews/<str:number>/process/", step_views.process, name="process"),
    path("reviews/<str:number>/report/", conclusion_views.report_page, name="report"),
    path("reviews/<str:number>/report/file/<slug:format>/", conclusion_views.report_file, name="report_file"),
    path("reviews/<str:number>/report/<slug:key>/", conclusion_views.report_section, name="report_section"),
    path("reviews/<str:number>/result/", conclusion_views.result, name="result"),
    path("reviews/<str:number>/result/correct/<slug:kind>/", conclusion_views.correct, name="correct"),
    path("reviews/<str:number>/result/remedy/", conclusion_views.propose_remedy, name="propose_remedy"),
    path("reviews/<str:number>/result/delivery/", conclusion_views.deliver_notice, name="deliver_notice"),
    path("cases/<str:number>/review/apply/", application_views.write_down, name="write_down"),
    path("cases/<str:number>/corrections/", conclusion_views.case_corrections, name="case_corrections"),
    path("cases/<str:number>/conflict/", views.declare, name="declare"),
    path("sampling/", views.sampling, name="sampling"),
    path("sampling/commit/", views.commit, name="sampling_commit"),
    path("sampling/weights/", standard_views.weight_standard, name="weights"),
    path("sampling/weights/edit/", standard_views.weights_edit, name="weights_edit"),
    path("sampling/<month:period>/", views.sampling, name="sampling_period"),
    path("sampling/<month:period>/draw/", views.draw, name="sampling_draw"),
    path("sampling/<month:period>/replace/<int:order>/", views.replace, name="sampling_replace"),
    path("sampling/<month:period>/changes/", views.changes, name="sampling_changes"),
    path("sampling/<month:period>/verify/", views.verify, name="sampling_verify"),
    path("sampling/<month:period>/document/", views.document, name="sampling_document"),
]
