"""Addresses of the public side of intake, mounted at the root under the namespace `public`.

Both cookies are bound to a path: the draft's to /complain/, the case's to /track/. No address holds
a case number or an access code (PI-03).
"""

from django.urls import path

from complaints import (
    care_views,
    help_views,
    knowledge_views,
    lookup_views,
    paper_form,
    public_filing,
    public_views,
    track_views,
)

urlpatterns = [
    path("help/", public_views.help_page, name="help"),
    path("help/faq/", knowledge_views.public_questions, name="faq"),
    path("help/form/", paper_form.paper_form, name="paper_form"),
    path("help/ask/", help_views.ask, name="help_ask"),
    path("help/sitemap.xml", help_views.sitemap, name="help_sitemap"),
    path("help/<str:number>/", help_views.article, name="help_article"),
    path("complain/", public_views.complain, name="complain"),
    path("complain/details/", public_views.details, name="complain_details"),
    path("complain/details/upload/", public_views.upload, name="complain_upload"),
    path("complain/details/remove/<int:attachment_id>/", public_views.remove_file, name="complain_remove_file"),
    path("complain/contact/", public_views.contact, name="complain_contact"),
    path("complain/keep/<str:step>/", public_views.keep, name="complain_keep"),
    path("complain/check/", public_filing.check, name="complain_check"),
    path("complain/done/", public_filing.done, name="complain_done"),
    path("complain/clear/", public_filing.clear, name="complain_clear"),
    path("lookup/", lookup_views.look_up, name="lookup"),
    path("track/", track_views.track, name="track"),
    path("track/case/", track_views.case, name="track_case"),
    path("track/case/answer/", track_views.answer, name="track_answer"),
    path("track/case/supplement/", track_views.supplement, name="track_supplement"),
    path("track/case/ask/", track_views.ask, name="track_ask"),
    path("track/case/withdraw/", track_views.withdraw, name="track_withdraw"),
    path("track/case/rate/", track_views.rate, name="track_rate"),
    path("track/case/incident/", track_views.rate_incident, name="track_incident"),
    path("track/case/files/<int:attachment_id>/", track_views.download, name="track_file"),
    path("track/case/care/", care_views.take_back, name="track_care"),
    path("track/case/code/", track_views.new_code, name="track_code"),
    path("track/leave/", track_views.leave, name="track_leave"),
]
