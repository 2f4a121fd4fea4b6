"""Addresses about quality, call-backs, surveys, later calls and proposals; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import after_care_views, quality_views

_CASE = "cases/<str:number>/"

urlpatterns = [
    path("settings/quality/", quality_views.standard, name="quality_standard"),
    path("settings/quality/edit/", quality_views.edit_standard, name="quality_standard_edit"),
    path("settings/quality/<int:revision>/", quality_views.standard, name="quality_standard_revision"),
    path("quality/", quality_views.index, name="quality"),
    path("quality/calls/", quality_views.calls, name="call_samples"),
    path("quality/calls/<int:pk>/", quality_views.call, name="call_sample"),
    path("quality/praise/", quality_views.praises, name="praises"),
    path("quality/call-backs/", after_care_views.call_backs, name="call_backs"),
    path("quality/surveys/", after_care_views.surveys, name="surveys"),
    path("quality/surveys/calls/<int:pk>/", after_care_views.survey_call, name="survey_call"),
    path("follow-ups/", after_care_views.follow_ups, name="follow_ups"),
    path("follow-ups/<int:pk>/", after_care_views.follow_up, name="follow_up"),
    path("proposals/", after_care_views.proposals, name="proposals"),
    path("proposals/<int:pk>/", after_care_views.proposal, name="proposal"),
    path(f"{_CASE}proposals/", after_care_views.proposal_add, name="proposal_add"),
    path(f"{_CASE}consequences/", quality_views.consequences, name="consequences"),
]
