"""Pages beside the problem list: suppliers, meetings, upstream, resolutions, suggestions. Before `problem_urls`,
whose numbers match any word."""

from django.urls import path

from analytics import meeting_views, supplier_views, upstream_views

_SUPPLIER, _MEETING = "problems/suppliers/<int:pk>/", "problems/meetings/<int:pk>/"

urlpatterns = [
    path("problems/suppliers/", supplier_views.supplier_list, name="suppliers"),
    path("problems/suppliers/new/", supplier_views.supplier_new, name="supplier_new"),
    path(
        "problems/suppliers/scores/<slug:period>/<slug:format>/", supplier_views.supplier_table, name="supplier_table"
    ),
    path("problems/suppliers/cases/<int:pk>/letter/", supplier_views.supplier_letter_file, name="supplier_letter"),
    path("problems/suppliers/cases/<int:pk>/<slug:action>/", supplier_views.supplier_step, name="supplier_step"),
    path(_SUPPLIER, supplier_views.supplier, name="supplier"),
    path(f"{_SUPPLIER}edit/", supplier_views.supplier_edit, name="supplier_edit"),
    path(f"{_SUPPLIER}cases/", supplier_views.supplier_case, name="supplier_case"),
    path(f"{_SUPPLIER}score/", supplier_views.supplier_score, name="supplier_score"),
    path("problems/meetings/", meeting_views.meeting_list, name="meetings"),
    path("problems/meetings/new/", meeting_views.meeting_new, name="meeting_new"),
    path(_MEETING, meeting_views.meeting, name="meeting"),
    path(f"{_MEETING}edit/", meeting_views.meeting_edit, name="meeting_edit"),
    path(f"{_MEETING}pack/", meeting_views.meeting_pack, name="meeting_pack"),
    path(f"{_MEETING}pack.xlsx", meeting_views.meeting_pack_file, name="meeting_pack_file"),
    path(f"{_MEETING}minutes/", meeting_views.meeting_minutes, name="meeting_minutes"),
    path(f"{_MEETING}resolutions/", meeting_views.meeting_resolution, name="meeting_resolution"),
    path("problems/resolutions/", meeting_views.resolution_list, name="resolutions"),
    path("problems/resolutions/<int:pk>/", meeting_views.resolution, name="resolution"),
    path("problems/resolutions/reports/<int:pk>/", meeting_views.report_resolution, name="report_resolution"),
    path("problems/upstream/", upstream_views.upstream_list, name="upstream"),
    path("problems/upstream/new/", upstream_views.upstream_new, name="upstream_new"),
    path("problems/upstream/<int:pk>/", upstream_views.upstream_item, name="upstream_item"),
    path("problems/ideas/", upstream_views.idea_list, name="ideas"),
    path("problems/ideas/<int:pk>/", upstream_views.idea_answer, name="idea_answer"),
]
