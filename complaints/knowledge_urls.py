"""Addresses of the knowledge articles and the training register; complaints/urls.py includes them."""

from __future__ import annotations

from django.urls import path

from complaints import help_views, knowledge_views, staff_training_views, typical_case_views

_ARTICLE = "knowledge/<str:number>/"

urlpatterns = [
    path("knowledge/", knowledge_views.articles, name="knowledge"),
    path("knowledge/new/", knowledge_views.new, name="article_new"),
    path("knowledge/cases/", typical_case_views.typical_cases, name="typical_cases"),
    path("knowledge/cases/draft/", typical_case_views.draft_from_case, name="case_draft"),
    path("knowledge/self-service/", help_views.figures, name="self_service"),
    path("knowledge/training/", staff_training_views.trainings, name="trainings"),
    path("knowledge/training/new/", staff_training_views.new, name="training_new"),
    path("knowledge/training/<int:pk>/", staff_training_views.training, name="training"),
    path("knowledge/training/people/<int:pk>/", staff_training_views.person, name="training_person"),
    path(_ARTICLE, knowledge_views.article, name="article"),
    path(f"{_ARTICLE}edit/", knowledge_views.edit, name="article_edit"),
    path(f"{_ARTICLE}publish/", knowledge_views.publish, name="article_publish"),
    path(f"{_ARTICLE}retire/", knowledge_views.retire, name="article_retire"),
    path(f"{_ARTICLE}take-back/", knowledge_views.take_back, name="article_take_back"),
    path(f"{_ARTICLE}confirm/", knowledge_views.confirm, name="article_confirm"),
    path(f"{_ARTICLE}read/", knowledge_views.read, name="article_read"),
    path(f"{_ARTICLE}readers/", knowledge_views.readers, name="article_readers"),
    path(f"{_ARTICLE}revisions/<int:revision>/", knowledge_views.revision, name="article_revision"),
    path("cases/<str:number>/knowledge/", knowledge_views.for_case, name="case_knowledge"),
]
