"""Pages of the desk that belong to no app."""

from django.urls import path

from config import help_pages, specimens

app_name = "desk"
urlpatterns = [
    path("components/", specimens.components, name="components"),
    path("help/", help_pages.show, name="help"),
    path("help/<slug:code>/", help_pages.show, name="help_page"),
]
