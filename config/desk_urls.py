"""Pages of the desk that belong to no app."""

from django.urls import path

from config import specimens

app_name = "desk"
urlpatterns = [path("components/", specimens.components, name="components")]
