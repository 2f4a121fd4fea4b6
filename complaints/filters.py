"""What a list of cases can be narrowed by: this allow-list and nothing else (AZ-04).

The queue page and the API use the same `ComplaintFilter`. Unknown parameters are ignored; a value
outside the list is an error of the form (the API answers 400, the page leaves the filter out).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import identity, references, search
from complaints.models import CaseLane, Complaint, ContactPoint
from complaints.models.people import ContactKind
from complaints.querysets import ComplaintQuerySet
from complaints.states import Channel, Lane, RiskGrade, Status

MAX_QUERY = 200
NUMBER = re.compile(r"HY-\d{8}-\d{4,8}", re.ASCII)


def options() -> dict[str, list[references.Option]]:
    """Active categories (as a tree) and departments; read again at least once a minute."""
    return references.known().options


def choices_of(kind: str) -> list[tuple[str, str]]:
    return [(option.code, option.label) for option in options()[kind]]


def category_choices() -> list[tuple[str, str]]:
    return choices_of("category")


def department_choices() -> list[tuple[str, str]]:
    return choices_of("department")


def start_of(day: date) -> datetime:
    """The first moment of a local day."""
    return timezone.make_aware(datetime.combine(day, time.min))


class DayField(forms.DateField):
    """A day between 2000 and 2100; farther days have no place in a register and overflow in UTC."""

    default_validators = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))]
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class DayFilter(django_filters.Filter):
    field_class = DayField


class ComplaintFilter(django_filters.FilterSet):
    """Narrow a queryset of cases that the person may see; give `request` so that the search knows the person."""

    status = django_filters.MultipleChoiceFilter(choices=Status.choices, label=_("Status"))
    category = django_filters.MultipleChoiceFilter(choices=category_choices, method="by_category", label=_("Category"))
    department = django_filters.MultipleChoiceFilter(
        choices=department_choices, method="by_department", label=_("Department")
    )
    risk = django_filters.MultipleChoiceFilter(choices=RiskGrade.choices, field_name="risk_grade", label=_("Risk"))
    channel = django_filters.MultipleChoiceFilter(choices=Channel.choices, label=_("Channel"))
    lane = django_filters.MultipleChoiceFilter(choices=Lane.choices, method="by_lane", label=_("Lane"))
    received_from = DayFilter(method="from_day", label=_("Received from"))
    received_to = DayFilter(method="to_day", label=_("Received until"))
    q = django_filters.CharFilter(method="by_words", label=_("Number, subject or text"))

    class Meta:
        model = Complaint
        fields: list[str] = []

    def by_category(self, queryset: ComplaintQuerySet, name: str, value: list[str]) -> ComplaintQuerySet:
        return queryset.filter(category__in=_pks("category", value)) if value else queryset

    def by_department(self, queryset: ComplaintQuerySet, name: str, value: list[str]) -> ComplaintQuerySet:
        return queryset.filter(lead_department__in=_pks("department", value)) if value else queryset

    def by_lane(self, queryset: ComplaintQuerySet, name: str, value: list[str]) -> ComplaintQuerySet:
        rows = CaseLane.objects.filter(ended_at=None, lane__in=value)
        return queryset.filter(pk__in=rows.values("complaint")) if value else queryset

    def from_day(self, queryset: ComplaintQuerySet, name: str, value: date) -> ComplaintQuerySet:
        return queryset.filter(received_at__gte=start_of(value))

    def to_day(self, queryset: ComplaintQuerySet, name: str, value: date) -> ComplaintQuerySet:
        return queryset.filter(received_at__lt=start_of(value + timedelta(days=1)))

    def by_words(self, queryset: ComplaintQuerySet, name: str, value: str) -> ComplaintQuerySet:
        return find(queryset, value, user=self.request.user)


def _pks(kind: str, codes: list[str]) -> set[int]:
    return {pk for option in options()[kind] if option.code in codes for pk in option.pks}


def clean_words(text: str) -> str:
    """A search text as it is used and shown again: without NUL, at most 200 characters (DS-02)."""
    return text.replace("\x00", "")[:MAX_QUERY].strip()


def find(queryset: ComplaintQuerySet, text: str, *, user: User) -> ComplaintQuerySet:
    """Cases whose number, subject, narrative or place holds the words.

    Whoever sees every case can also give a whole telephone number: contact data is encrypted, so
    only equal numbers are found, never parts of one.
    """
    text = clean_words(text)
    if not text:
        return queryset
    if user.has_perm("complaints.view_all") and len(text) <= 20 and identity.plausible_phone(text):
        same = ContactPoint.objects.filter(match_hash=identity.match_hash(ContactKind.PHONE, text))
        called = Complaint.objects.filter(complainant__in=same.values("complainant")).values("pk")
        # A union of keys: an OR of the two would be tried on every case.
        return queryset.filter(pk__in=_hits(Complaint.objects.all(), text).values("pk").union(called))
    return _hits(queryset, text)


def _hits(queryset: ComplaintQuerySet, text: str) -> ComplaintQuerySet:
    return search.search(queryset, text, relation="search", table="complaints_complaintsearch", is_large=True)
