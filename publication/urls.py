"""Addresses of the publication desk, under /desk/."""

from django.urls import path

from publication import action_views, statement_views, views

app_name = "publication"

urlpatterns = [
    path("publications/", views.index, name="list"),
    path("publications/cases/<str:number>/", views.decide, name="decide"),
    path("publications/<str:number>/", views.detail, name="detail"),
    path("publications/<str:number>/save/", views.save, name="save"),
    path("publications/<str:number>/fix/", views.fix, name="fix"),
    path("publications/<str:number>/spans/", views.mask, name="mask"),
    path("publications/<str:number>/spans/<int:span_id>/", views.span, name="span"),
    path("publications/<str:number>/figures/", views.figure, name="figure"),
    path("publications/<str:number>/actions/<str:action>/", action_views.action, name="action"),
    path("publications/<str:number>/preview/", action_views.preview, name="preview"),
    path("publications/<str:number>/preview/poster/", action_views.preview_poster, name="preview_poster"),
    path("statements/", statement_views.index, name="statements"),
    path("statements/new/", statement_views.new, name="statement_new"),
    path("statements/<str:public_id>/", statement_views.detail, name="statement"),
    path("statements/<str:public_id>/edit/", statement_views.edit, name="statement_edit"),
    path("statements/<str:public_id>/actions/<str:action>/", statement_views.act, name="statement_action"),
    path("statements/<str:public_id>/preview/", statement_views.preview, name="statement_preview"),
]
