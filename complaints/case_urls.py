"""Addresses of the case page and of everything done on it; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import case_views, record_views

_CASE = "cases/<str:number>/"


def _record(tail: str, kind: str):
    return path(f"{_CASE}{tail}", record_views.record, {"kind": kind}, name=kind)


urlpatterns = [
    path(_CASE, case_views.detail, name="detail"),
    path(f"{_CASE}print/", case_views.printed, name="print"),
    path(f"{_CASE}clocks/", case_views.clocks, name="clocks"),
    path(f"{_CASE}timeline/", case_views.timeline, name="timeline"),
    path(f"{_CASE}actions/<str:action>/", case_views.action, name="action"),
    path(f"{_CASE}reveal/", record_views.reveal, name="reveal"),
    path(f"{_CASE}files/<int:pk>/", record_views.download, name="download"),
    _record("notes/", "note"),
    _record("contacts/", "contact"),
    _record("files/", "attachment"),
    _record("steps/", "step"),
    _record("points/", "allegation"),
    _record("points/<int:pk>/finding/", "finding"),
    _record("responsibilities/", "responsibility"),
    _record("remedies/", "remedy"),
    _record("improvements/", "improvement"),
    _record("improvements/<int:pk>/report/", "improvement_report"),
    _record("improvements/<int:pk>/verify/", "improvement_verify"),
    _record("questions/", "question_add"),
    _record("questions/<int:pk>/answer/", "question_answer"),
]
