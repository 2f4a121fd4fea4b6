"""Addresses of the public results and official statements (contract, Web). Mounted in the namespace "public"."""

from django.urls import path, re_path

from publication import public_views

urlpatterns = [
    path("", public_views.home, name="home"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/$", public_views.result, name="result"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/poster/$", public_views.poster, name="poster"),
    path("statements/", public_views.statements, name="statements"),
    re_path(r"^statements/(?P<public_id>[0-9a-f]{16})/$", public_views.statement, name="statement"),
    path("statements/feed.atom", public_views.statement_feed, name="statement_feed"),
    path("statements/sitemap.xml", public_views.statement_sitemap, name="statement_sitemap"),
    path("feed.atom", public_views.feed, name="feed"),
    path("open-data/results.csv", public_views.open_data_csv, name="open_data_csv"),
    path("open-data/results.json", public_views.open_data_json, name="open_data_json"),
    path("sitemap.xml", public_views.sitemap, name="sitemap"),
    path("robots.txt", public_views.robots, name="robots"),
]
