"""Desk pages around the intake: imports of files, proof that no channel loses anything."""

from django.urls import path

from complaints import channel_views, import_views

urlpatterns = [
    path("imports/", import_views.imports, name="imports"),
    path("imports/<int:pk>/", import_views.detail, name="import"),
    path("imports/<int:pk>/columns/", import_views.columns, name="import_columns"),
    path("imports/<int:pk>/progress/", import_views.progress, name="import_progress"),
    path("imports/<int:pk>/start/", import_views.start, name="import_start"),
    path("imports/<int:pk>/discard/", import_views.discard, name="import_discard"),
    path("imports/<int:pk>/undo/", import_views.undo, name="import_undo"),
    path("imports/<int:pk>/rows.<slug:format>", import_views.report, name="import_report"),
    path("channels/", channel_views.channels, name="channels"),
    path("channels/counts/", channel_views.count, name="channel_count"),
    path("channels/hours/", channel_views.hours, name="channel_hours"),
    path("channels/hours/<int:pk>/remove/", channel_views.remove_hours, name="channel_hours_remove"),
    path("channels/duty/", channel_views.duty, name="channel_duty"),
    path("channels/duty/<int:pk>/remove/", channel_views.remove_duty, name="channel_duty_remove"),
]
