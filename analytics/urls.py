"""Pages of the desk: figures, improvements, reports."""

from django.urls import include, path

from analytics import figure_views, measure_views, outbreak_views, report_views, time_views, views

app_name = "analytics"

urlpatterns = [
    path("figures/", views.figures, name="figures"),
    path("figures/all/", figure_views.all_figures, name="all"),
    path("figures/matters/", figure_views.matters_page, name="matters"),
    path("figures/all/<slug:format>/", figure_views.download_figures, name="all_file"),
    path("figures/behind/<slug:key>/", figure_views.behind, name="behind"),
    path("figures/behind/<slug:key>/<slug:format>/", figure_views.download_behind, name="behind_file"),
    path("figures/appraisal/", figure_views.appraisal_page, name="appraisal"),
    path("figures/awards/", figure_views.awards_page, name="awards"),
    path("figures/time/", time_views.time_page, name="time"),
    path("figures/closing/", measure_views.closing_list, name="closing"),
    path("figures/closing/<slug:period>/progress/", measure_views.closing_progress, name="closing_progress"),
    path("figures/closing/<slug:period>/close/", measure_views.closing_close, name="closing_close"),
    path("figures/closing/<slug:period>/open/", measure_views.closing_reopen, name="closing_reopen"),
    path("figures/tidying/", measure_views.tidying_list, name="tidying"),
    path("figures/tidying/<int:pk>/", measure_views.tidying_settle, name="tidying_settle"),
    path("figures/targets/", measure_views.target_list, name="targets"),
    path("figures/formula/", measure_views.formula, name="formula"),
    path("figures/annotations/", measure_views.annotation_list, name="annotations"),
    path("figures/annotations/<int:pk>/end/", measure_views.end_annotation, name="end_annotation"),
    path("outbreaks/", outbreak_views.outbreak_list, name="outbreaks"),
    path("outbreaks/<int:pk>/", outbreak_views.outbreak, name="outbreak"),
    path("outbreaks/standard/", outbreak_views.standard, name="outbreak_standard"),
    path("outbreaks/standard/edit/", outbreak_views.standard_change, name="outbreak_standard_edit"),
    path("outlook/", outbreak_views.outlook_page, name="outlook"),
    path("problems/improvements/", views.improvements, name="improvements"),
    path("reports/", views.reports, name="reports"),
    path("reports/<int:pk>/", views.report, name="report"),
    path("reports/<int:pk>/progress/", views.progress, name="progress"),
    path("reports/<int:pk>/approve/", views.approve, name="approve"),
    path("reports/<int:pk>/release/", views.release, name="release"),
    path("reports/<int:pk>/rebuild/", views.rebuild, name="rebuild"),
    path("reports/<int:pk>/revise/", report_views.revise, name="revise"),
    path("reports/remarks/<int:pk>/settle/", report_views.settle, name="settle_remark"),
    path("reports/<int:pk>/remarks/<slug:key>/", report_views.remark, name="remark"),
    path("reports/<int:pk>/sections/<slug:key>/", views.edit_section, name="edit_section"),
    path("reports/<int:pk>/<slug:format>/", views.download, name="download"),
    path("settings/report-template/", report_views.template, name="report_template"),
    path("settings/report-template/<int:revision>/", report_views.template_file, name="report_template_file"),
    path("settings/report-template/<int:revision>/example/", report_views.template_example, name="report_example"),
    path("settings/report-template/<int:revision>/use/", report_views.template_use, name="report_template_use"),
    path("", include("analytics.improvement_urls")),
    # The numbers in its addresses match any word, so it comes last.
    path("", include("analytics.problem_urls")),
]
