"""Pages of the problem list. Included last: a number matches any word."""

from django.urls import path

from analytics import problem_views as pages

urlpatterns = [
    path("problems/", pages.problem_list, name="problems"),
    path("problems/new/", pages.enter, name="problem_enter"),
    path("problems/proposals/", pages.proposals, name="problem_proposals"),
    path("problems/proposals/<slug:kind>/<str:key>/", pages.proposal, name="problem_proposal"),
    path("problems/adoptions/<int:pk>/", pages.adoption, name="adoption"),
    path("problems/projects/<str:number>/", pages.project, name="project"),
    path("problems/projects/<str:number>/edit/", pages.project_edit, name="project_edit"),
    path("problems/projects/<str:number>/<slug:action>/", pages.project_step, name="project_step"),
    path("problems/<str:number>/", pages.problem, name="problem"),
    path("problems/<str:number>/edit/", pages.edit, name="problem_edit"),
    path("problems/<str:number>/analysis/", pages.analysis, name="analysis_new"),
    path("problems/<str:number>/analysis/<int:pk>/", pages.analysis, name="analysis_edit"),
    path("problems/<str:number>/projects/", pages.project_new, name="project_new"),
    path("problems/<str:number>/<slug:action>/", pages.decide, name="problem_decide"),
    path("cases/<str:number>/problems/", pages.of_case, name="case_problems"),
]
