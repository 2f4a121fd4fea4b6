"""Addresses of the other systems and their records; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import external_views

_RECORDS = "cases/<str:number>/records/"

urlpatterns = [
    path("settings/systems/", external_views.systems, name="external_systems"),
    path("settings/systems/add/", external_views.system_edit, name="external_system_add"),
    path("settings/systems/<int:pk>/", external_views.system_edit, name="external_system"),
    path(_RECORDS, external_views.records, name="external_records"),
    path(f"{_RECORDS}<int:pk>/fetch/", external_views.fetch, name="external_fetch"),
    path(f"{_RECORDS}<int:pk>/reveal/", external_views.reveal, name="external_reveal"),
]
