"""Cases under /api/v1/."""

from django.urls import path

from complaints import api, channel_api, external_api, lookup_api, opinion_api

urlpatterns = [
    path("complaints/", api.Complaints.as_view(), name="api-complaints"),
    path("complaints/<str:number>/", api.ComplaintView.as_view(), name="api-complaint"),
    path("complaints/<str:number>/actions/<slug:action>/", api.ComplaintAction.as_view(), name="api-complaint-action"),
    path("complaints/<str:number>/records/", external_api.Records.as_view(), name="api-complaint-records"),
    path("channel-counts/", channel_api.ChannelCounts.as_view(), name="api-channel-counts"),
    path("lookups/", lookup_api.Lookups.as_view(), name="api-lookups"),
    path("signals/", opinion_api.Signals.as_view(), name="api-signals"),
]
