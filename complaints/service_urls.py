"""Addresses of lanes, tiers and care; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import care_views, lane_views

_CASE = "cases/<str:number>/"


def _care(tail: str, kind: str):
    return path(f"{_CASE}care/{tail}", care_views.record, {"kind": kind}, name=kind)


urlpatterns = [
    path("settings/lanes/", lane_views.lane_rules, name="lanes"),
    path("settings/lanes/new/", lane_views.edit, name="lane_new"),
    path("settings/lanes/new/preview/", lane_views.preview, name="lane_new_preview"),
    path("settings/lanes/<int:pk>/", lane_views.edit, name="lane_edit"),
    path("settings/lanes/<int:pk>/preview/", lane_views.preview, name="lane_preview"),
    path("settings/lanes/<int:pk>/move/", lane_views.move, name="lane_move"),
    path("settings/lanes/<int:pk>/switch/", lane_views.switch, name="lane_switch"),
    path("settings/tiers/", lane_views.tier_list, name="tiers"),
    path("settings/tiers/<slug:code>/", lane_views.tier_edit, name="tier"),
    path(f"{_CASE}lane/", lane_views.case_lane, name="case_lane"),
    path(f"{_CASE}lane/put/", lane_views.change_case, {"kind": "lane_put"}, name="lane_put"),
    path(f"{_CASE}lane/end/", lane_views.change_case, {"kind": "lane_end"}, name="lane_end"),
    path(f"{_CASE}care/", care_views.overview, name="care"),
    path(f"{_CASE}print/large/", care_views.large_print, name="large_print"),
    _care("consent/", "care_consent"),
    _care("withdraw/", "care_withdraw"),
    _care("needs/", "need"),
    _care("needs/<int:pk>/settle/", "need_settle"),
    _care("needs/<int:pk>/forward/", "need_forward"),
]
