"""Shapes of cases in the API: an allow-list each way (AP-01, AP-03)."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.models import Department, User
from accounts.rest import Moment, StrictSerializer
from complaints import care, identity, lanes, selectors
from complaints.models import Category, Complaint, Deadline
from complaints.states import Channel, SpecialGroup
from complaints.transitions import Filing


class ComplaintRow(serializers.ModelSerializer):
    """A case in a list: no person is in it."""

    category: serializers.SlugRelatedField[Category] = serializers.SlugRelatedField("code", read_only=True)
    department: serializers.SlugRelatedField[Department] = serializers.SlugRelatedField(
        "code", source="lead_department", read_only=True
    )
    handler: serializers.SlugRelatedField[User] = serializers.SlugRelatedField("staff_number", read_only=True)

    class Meta:
        model = Complaint
        fields = [
            "number",
            "status",
            "version",
            "subject",
            "channel",
            "category",
            "department",
            "handler",
            "risk_grade",
            "is_repeat",
            "received_at",
            "registered_at",
            "next_due_at",
            "is_paused",
        ]
        read_only_fields = fields


class DeadlineRow(serializers.ModelSerializer):
    class Meta:
        model = Deadline
        fields = ["milestone", "state", "started_at", "due_at", "stopped_at", "amount", "unit", "is_provisional"]
        read_only_fields = fields


class ComplaintDetail(ComplaintRow):
    """A case for whoever may see it; the complainant's data is masked (COM-07)."""

    deadlines = DeadlineRow(many=True, read_only=True)
    complainant = serializers.SerializerMethodField()
    lane = serializers.SerializerMethodField()
    care = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()

    class Meta(ComplaintRow.Meta):
        fields = [
            *ComplaintRow.Meta.fields,
            "narrative",
            "demand",
            "product",
            "business_step",
            "place",
            "occurred_on",
            "persons_affected",
            "amount",
            "severity",
            "complexity",
            "accepted_at",
            "replied_at",
            "closed_at",
            "first_closed_at",
            "rework_rounds",
            "deadlines",
            "complainant",
            "lane",
            "care",
            "allowed_actions",
        ]
        read_only_fields = fields

    def get_complainant(self, complaint: Complaint) -> dict[str, str]:
        return identity.masked(complaint.complainant)

    def get_lane(self, complaint: Complaint) -> dict[str, Any] | None:
        """The lane the case has now (ASG-09, ASG-11)."""
        row = lanes.standing(complaint)
        if row is None:
            return None
        senior = row.senior.staff_number if row.senior else None
        return {"lane": row.lane, "reason": row.reason, "senior": senior, "daily_contact": row.daily_contact}

    def get_care(self, complaint: Complaint) -> dict[str, Any] | None:
        """The care marker as the page shows it: groups only where the consent stands (SPG-01)."""
        found = care.marker(complaint, self.context["request"].user)
        if found is None:
            return None
        consent = care.standing(complaint)
        return {"consent_recorded": found.is_consented, "groups": consent.groups if consent else []}

    def get_allowed_actions(self, complaint: Complaint) -> list[str]:
        return [move.action for move in selectors.available_actions(complaint, self.context["request"].user)]


class FilingInput(StrictSerializer):
    """A complaint sent to the API, by the app of a complainant or by a clerk's system."""

    subject = serializers.CharField(max_length=120)
    narrative = serializers.CharField(max_length=20_000, trim_whitespace=False)
    demand = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    channel = serializers.ChoiceField(Channel.choices, required=False, default=Channel.APP)
    received_at = Moment(required=False)
    category = serializers.SlugRelatedField(
        "code", queryset=Category.objects.filter(dimension="category", is_active=True), required=False, default=None
    )
    name = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    email = serializers.EmailField(required=False, default="", allow_blank=True)
    address = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    place = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    product = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    batch = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)
    outlet = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    business_step = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    occurred_on = serializers.DateField(required=False, default=None, allow_null=True)
    persons_affected = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, default=1)
    amount = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, default=None, allow_null=True
    )
    is_confidential = serializers.BooleanField(required=False, default=False)
    special_groups = serializers.ListField(
        child=serializers.ChoiceField(SpecialGroup.choices), required=False, default=list, max_length=10
    )
    needs_care = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    # How the complainant consented that the two above are noted and shown (SPG-01); empty: not asked.
    care_given_how = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    # Photos, recordings, documents, sent as multipart/form-data; checked by content like on the web form (IN-23).
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False, default=list)

    def validate(self, attrs: dict) -> dict:
        if not attrs["phone"].strip() and not attrs["email"].strip():
            raise serializers.ValidationError(
                {"phone": [_("Give a phone number or an e-mail address, so that we can answer you.")]}
            )
        return attrs

    def filing(self) -> Filing:
        """The checked input without its files; a complainant's own filing is received now on the app channel."""
        values = {name: value for name, value in self.validated_data.items() if name != "files"}
        values["special_groups"] = tuple(values["special_groups"])
        values.setdefault("received_at", timezone.now())
        if not self.context["request"].user.is_authenticated:
            values |= {
                "received_at": timezone.now(),
                "channel": Channel.WEB if values["channel"] == Channel.WEB else Channel.APP,
            }
        return Filing(**values)
