"""Addresses of the publication desk, under /desk/."""

from django.urls import path

from publication import (
    action_views,
    attachment_views,
    bulletin_views,
    channel_views,
    echo_views,
    effect_views,
    posting_views,
    side_views,
    statement_views,
    views,
)

app_name = "publication"

urlpatterns = [
    path("publications/", views.index, name="list"),
    path("publications/cases/<str:number>/", views.decide, name="decide"),
    path("publications/words/", side_views.words, name="vague_words"),
    path("publications/words/<int:pk>/", side_views.word, name="vague_word"),
    path("publications/effects/", effect_views.effect_list, name="effects"),
    path("publications/lessons/", effect_views.lesson_list, name="lessons"),
    path("publications/breaches/", effect_views.breach_list, name="breaches"),
    path("publications/breaches/<int:pk>/", effect_views.breach, name="breach"),
    path("publications/channels/", channel_views.index, name="channels"),
    path("publications/channels/new/", channel_views.edit, name="channel_new"),
    path("publications/channels/<int:pk>/", channel_views.edit, name="channel"),
    path("publications/channels/categories/<int:pk>/end/", channel_views.unmap, name="channel_unmap"),
    path("publications/postings/", posting_views.index, name="postings"),
    path("publications/<str:number>/", views.detail, name="detail"),
    path("publications/<str:number>/channels/", posting_views.channels_of, name="channels_of"),
    path(
        "publications/<str:number>/channels/files/<slug:kind>.<slug:format>", posting_views.media, name="channel_file"
    ),
    path("publications/<str:number>/channels/<int:pk>/", posting_views.posting, name="posting"),
    path("publications/<str:number>/channels/<int:pk>/proof/", posting_views.proof, name="posting_proof"),
    path("publications/<str:number>/effect/", effect_views.effect, name="effect"),
    path("publications/<str:number>/correction/", effect_views.correction, name="correction"),
    path("publications/<str:number>/breach/", effect_views.breach_new, name="breach_new"),
    path("publications/<str:number>/beside/<slug:page>/", side_views.page, name="side"),
    path("publications/<str:number>/save/", views.save, name="save"),
    path("publications/<str:number>/fix/", views.fix, name="fix"),
    path("publications/<str:number>/spans/", views.mask, name="mask"),
    path("publications/<str:number>/spans/<int:span_id>/", views.span, name="span"),
    path("publications/<str:number>/figures/", views.figure, name="figure"),
    path("publications/<str:number>/actions/<str:action>/", action_views.action, name="action"),
    path("publications/<str:number>/files/", attachment_views.index, name="files"),
    path("publications/<str:number>/files/<int:pk>/", attachment_views.file, name="file"),
    path("publications/<str:number>/files/<int:pk>/words/", attachment_views.words, name="file_words"),
    path("publications/<str:number>/files/<int:pk>/boxes/", attachment_views.draw, name="file_boxes"),
    path("publications/<str:number>/files/<int:pk>/remove/", attachment_views.remove, name="file_remove"),
    path("publications/<str:number>/files/<int:pk>/look/", attachment_views.look, name="file_look"),
    path(
        "publications/<str:number>/files/<int:pk>/original/<int:order>/",
        attachment_views.original_page,
        name="file_original",
    ),
    path("publications/<str:number>/files/<int:pk>/copy/<int:order>/", attachment_views.copy_page, name="file_copy"),
    path("publications/<str:number>/preview/", action_views.preview, name="preview"),
    path("publications/<str:number>/preview/poster/", action_views.preview_poster, name="preview_poster"),
    path("comments/", echo_views.comment_list, name="comments"),
    path("comments/<int:pk>/", echo_views.comment, name="comment"),
    path("volunteers/", echo_views.volunteer_list, name="volunteers"),
    path("volunteers/<int:pk>/", echo_views.volunteer, name="volunteer"),
    path("volunteers/<int:pk>/do/", echo_views.volunteer_do, name="volunteer_do"),
    path("volunteers/reports/", echo_views.report_list, name="volunteer_reports"),
    path("volunteers/reports/<int:pk>/", echo_views.report, name="volunteer_report"),
    path("incidents/<str:number>/bulletins/<int:n>/", bulletin_views.bulletin, name="bulletin"),
    path(
        "incidents/<str:number>/bulletins/<int:n>/poster-<slug:size>.pdf", bulletin_views.poster, name="bulletin_poster"
    ),
    path("statements/", statement_views.index, name="statements"),
    path("statements/new/", statement_views.new, name="statement_new"),
    path("statements/<str:public_id>/", statement_views.detail, name="statement"),
    path("statements/<str:public_id>/edit/", statement_views.edit, name="statement_edit"),
    path("statements/<str:public_id>/actions/<str:action>/", statement_views.act, name="statement_action"),
    path("statements/<str:public_id>/preview/", statement_views.preview, name="statement_preview"),
]
