"""The desk of the complaints office, under /desk/."""

from django.urls import include, path

from complaints import notification_views, register_views, settings_views, views

app_name = "complaints"
urlpatterns = [
    path("queue/", views.queue_page, name="queue"),
    path("queue/assign/", views.assign, name="assign"),
    path("register/", register_views.register, name="register"),
    path("register/earlier/", register_views.earlier, name="register_earlier"),
    path("register/prompts/", register_views.prompts, name="register_prompts"),
    path("register/receipts/<slug:token>/", register_views.receipt, name="register_receipt"),
    path("notifications/", notification_views.notifications, name="notifications"),
    path("notifications/read/", notification_views.read_all, name="notifications_read"),
    path("notifications/<int:pk>/", notification_views.open_notification, name="notification"),
    path("settings/", settings_views.index, name="settings"),
    path("settings/policies/", settings_views.policies, name="policies"),
    path("settings/policies/<slug:code>/<int:revision>/", settings_views.policy, name="policy"),
    path("settings/calendar/", settings_views.calendar, name="calendar"),
    path("settings/calendar/<int:year>/", settings_views.calendar, name="calendar_year"),
    path("settings/categories/", settings_views.categories, name="categories"),
    path("settings/bodies/", settings_views.bodies, name="bodies"),
    path("settings/roles/", settings_views.roles, name="roles"),
    path("", include("complaints.case_urls")),
]
