"""Addresses of the public results and official statements (contract, Web). Mounted in the namespace "public"."""

from django.urls import path, re_path

from publication import feeds, public_echo_views, public_files, public_incident_views, public_views

urlpatterns = [
    path("", public_views.home, name="home"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/$", public_views.result, name="result"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/poster/$", public_views.poster, name="poster"),
    re_path(
        r"^results/(?P<public_id>[0-9a-f]{16})/files/(?P<file_id>[0-9a-f]{16})$",
        public_files.result_file,
        name="result_file",
    ),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/comment/$", public_echo_views.comment, name="comment"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/comments/$", public_echo_views.comment_list, name="comments"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/reports/$", public_echo_views.report_list, name="reports"),
    re_path(r"^results/(?P<public_id>[0-9a-f]{16})/helpful/$", public_echo_views.vote, name="helpful"),
    path("volunteers/", public_echo_views.volunteer, name="volunteers"),
    path("statements/", public_views.statements, name="statements"),
    re_path(r"^statements/(?P<public_id>[0-9a-f]{16})/$", public_views.statement, name="statement"),
    path("statements/feed.atom", public_views.statement_feed, name="statement_feed"),
    path("statements/feed.rss", public_views.statement_feed, {"form": feeds.RSS}, name="statement_feed_rss"),
    path("statements/sitemap.xml", public_views.statement_sitemap, name="statement_sitemap"),
    path("incidents/", public_incident_views.incidents, name="incidents"),
    re_path(r"^incidents/(?P<public_id>[0-9a-f]{16})/$", public_incident_views.incident, name="incident"),
    path("incidents/feed.atom", public_incident_views.incident_feed, name="incident_feed"),
    path("incidents/feed.rss", public_incident_views.incident_feed, {"form": feeds.RSS}, name="incident_feed_rss"),
    path("incidents/sitemap.xml", public_incident_views.incident_sitemap, name="incident_sitemap"),
    path("feed.atom", public_views.feed, name="feed"),
    path("feed.rss", public_views.feed, {"form": feeds.RSS}, name="feed_rss"),
    path("open-data/results.csv", public_views.open_data_csv, name="open_data_csv"),
    path("open-data/results.json", public_views.open_data_json, name="open_data_json"),
    path("open-data/schema.json", public_views.open_data_schema, name="open_data_schema"),
    path("sitemap.xml", public_views.sitemap, name="sitemap"),
    path("robots.txt", public_views.robots, name="robots"),
]
