"""Open311 GeoReport v2, mounted at /open311/v2/."""

from django.urls import re_path

from complaints.open311 import views

FORMAT = r"\.(?P<format>json|xml)$"
urlpatterns = [
    re_path(rf"^discovery{FORMAT}", views.Discovery.as_view(), name="open311-discovery"),
    re_path(rf"^services{FORMAT}", views.Services.as_view(), name="open311-services"),
    re_path(rf"^services/(?P<code>[-\w]{{1,60}}){FORMAT}", views.Service.as_view(), name="open311-service"),
    re_path(rf"^requests{FORMAT}", views.Requests.as_view(), name="open311-requests"),
    re_path(rf"^requests/(?P<public_id>\w{{1,32}}){FORMAT}", views.OneRequest.as_view(), name="open311-request"),
    re_path(rf"^tokens/(?P<token>\w{{1,64}}){FORMAT}", views.OneToken.as_view(), name="open311-token"),
]
