"""Addresses of the case page and of everything done on it; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import (
    accused_views,
    archive_views,
    case_views,
    load_views,
    notice_views,
    preview_views,
    record_views,
    related_views,
    risk_views,
)

_CASE = "cases/<str:number>/"


def _record(tail: str, kind: str):
    return path(f"{_CASE}{tail}", record_views.record, {"kind": kind}, name=kind)


def _risk(tail: str, kind: str):
    return path(f"{_CASE}{tail}", risk_views.record, {"kind": kind}, name=kind)


urlpatterns = [
    path(_CASE, case_views.detail, name="detail"),
    path(f"{_CASE}print/", case_views.printed, name="print"),
    path(f"{_CASE}clocks/", case_views.clocks, name="clocks"),
    path(f"{_CASE}ledger/", load_views.ledger, name="ledger"),
    path(f"{_CASE}timeline/", case_views.timeline, name="timeline"),
    path(f"{_CASE}related/", related_views.candidates, name="candidates"),
    path(f"{_CASE}actions/<str:action>/", case_views.action, name="action"),
    path(f"{_CASE}reveal/", record_views.reveal, name="reveal"),
    path(f"{_CASE}accused/", accused_views.accused, name="accused"),
    path(f"{_CASE}files/<int:pk>/", record_views.download, name="download"),
    path(f"{_CASE}files/<int:pk>/preview/", preview_views.preview, name="preview"),
    path(f"{_CASE}notices/<int:pk>/", notice_views.notice, name="notice"),
    path(f"{_CASE}notices/<int:pk>/document/", notice_views.notice_document, name="notice_document"),
    path(f"{_CASE}file/", archive_views.case_file, name="case_file"),
    path(f"{_CASE}file/consultations/", archive_views.consult, name="consult"),
    path(f"{_CASE}file/consultations/<int:pk>/", archive_views.decide, name="consultation"),
    path(f"{_CASE}file/consultations/<int:pk>/dossier/", archive_views.take_out, name="dossier"),
    _record("notes/", "note"),
    _record("contacts/", "contact"),
    _record("complainant/contacts/", "contact_point"),
    path(f"{_CASE}complainant/code/", record_views.access_code, name="access_code"),
    _record("files/", "attachment"),
    _record("files/<int:pk>/copy/", "copy"),
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
    _record("outstanding/<int:pk>/", "outstanding"),
    _risk("team/", "risk_team"),
    _risk("team/<int:pk>/leave/", "risk_team_leave"),
    _risk("risk-meetings/", "risk_meeting"),
    _risk("media-plans/", "media_plan"),
    _risk("settlement/", "settlement"),
    _risk("lawsuits/", "lawsuit"),
    _risk("lawsuits/<int:pk>/judgment/", "judgment"),
    _risk("hold/", "hold"),
    _risk("hold/release/", "hold_release"),
    _risk("interim-measures/", "interim_measure"),
    _risk("interim-measures/<int:pk>/end/", "interim_measure_end"),
]
