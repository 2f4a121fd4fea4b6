"""Addresses of the coordination of a case and of the tasks; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import coordination_views

_PAGE = "cases/<str:number>/coordination/"


def _record(tail: str, kind: str):
    return path(f"{_PAGE}{tail}", coordination_views.record, {"kind": kind}, name=kind)


urlpatterns = [
    path("tasks/", coordination_views.tasks, name="case_tasks"),
    path(_PAGE, coordination_views.overview, name="coordination"),
    _record("contact/", "department_contact"),
    _record("explanations/", "explanation"),
    _record("head-call/", "head_call"),
    _record("promises/", "promise"),
    _record("promises/<int:pk>/kept/", "promise_keep"),
    _record("promises/<int:pk>/end/", "promise_end"),
    _record("statements/", "statement"),
    _record("statements/<int:pk>/receive/", "statement_receive"),
    _record("statements/<int:pk>/waive/", "statement_waive"),
    _record("meetings/", "meeting"),
    _record("meetings/<int:pk>/minutes/", "meeting_minutes"),
    _record("meetings/<int:pk>/cancel/", "meeting_cancel"),
    _record("meetings/<int:pk>/tasks/", "meeting_task"),
    _record("tasks/", "case_task"),
    _record("tasks/<int:pk>/day/", "case_task_day"),
    _record("tasks/<int:pk>/done/", "case_task_done"),
]
