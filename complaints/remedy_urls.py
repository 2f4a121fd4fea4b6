"""Addresses of remedies, their limits, and of writing replies; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import remedy_views, reply_views

urlpatterns = [
    path("settings/authority/", remedy_views.limits, name="authority"),
    path("settings/authority/edit/", remedy_views.edit_limits, name="authority_edit"),
    path("settings/reply-templates/", reply_views.templates, name="reply_templates"),
    path("settings/reply-templates/add/", reply_views.edit, name="reply_template_add"),
    path("settings/reply-templates/<int:pk>/", reply_views.edit, name="reply_template"),
    path("settings/reply-templates/<int:pk>/switch/", reply_views.switch, name="reply_template_switch"),
    path("cases/<str:number>/remedies/<int:pk>/", remedy_views.remedy, name="remedy_page"),
    path("cases/<str:number>/reply-suggestions/", reply_views.suggestions, name="reply_suggestions"),
    path("cases/<str:number>/reply-preview/", reply_views.preview, name="reply_preview"),
]
