"""Language, theme and text size, without JavaScript too."""

from django.urls import path

from config import preferences

urlpatterns = [
    path("language/", preferences.set_language, name="set_language"),
    path("theme/", preferences.set_theme, name="set_theme"),
    path("text/", preferences.set_text, name="set_text"),
]
