"""A person's own pages, beside the sign-in pages under /accounts/."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("profile/token/", views.create_token, name="create_token"),
    path("profile/token/revoke/", views.revoke_token, name="revoke_token"),
]
