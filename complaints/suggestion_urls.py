"""Addresses of proposals and routing rules; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import routing_views, suggestion_views

urlpatterns = [
    path("register/suggestion/", suggestion_views.while_typing, name="register_suggestion"),
    path("settings/suggestions/", suggestion_views.overview, name="suggestions"),
    path("settings/suggestions/train/", suggestion_views.train, name="suggestions_train"),
    path("settings/routing/", routing_views.rules, name="routing"),
    path("settings/routing/new/", routing_views.edit, name="routing_new"),
    path("settings/routing/new/preview/", routing_views.preview, name="routing_new_preview"),
    path("settings/routing/<int:pk>/", routing_views.edit, name="routing_edit"),
    path("settings/routing/<int:pk>/preview/", routing_views.preview, name="routing_preview"),
    path("settings/routing/<int:pk>/move/", routing_views.move, name="routing_move"),
    path("settings/routing/<int:pk>/switch/", routing_views.switch, name="routing_switch"),
]
