"""Staff register a complaint for somebody: what is asked depends on the channel (IN-01, IN-07…IN-12, IN-21…IN-33)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Case, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.moments import MomentField
from complaints import care, identity, transitions
from complaints.filters import DayField, category_choices
from complaints.models import CareConsent, Category, Complaint, ContactPoint, Dimension, ExternalBody
from complaints.models.people import ContactKind
from complaints.public_forms import MultipleFiles, PlainText
from complaints.querysets import ComplaintQuerySet
from complaints.states import (
    OPEN,
    Channel,
    CustomerTier,
    EmotionIntensity,
    EvidenceKind,
    Severity,
    SpecialGroup,
    Threat,
)
from complaints.transitions.intake import MAX_NARRATIVE

EARLIER_SHOWN = 10


@dataclass(frozen=True)
class ChannelRules:
    """What a channel asks for besides the complaint itself. `labels` and `hints` replace those of the form."""

    icon: str
    labels: dict[str, Promise]
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    hints: dict[str, Promise] = field(default_factory=dict)
    evidence: EvidenceKind = EvidenceKind.COMPLAINANT


CHANNELS: dict[Channel, ChannelRules] = {
    Channel.PHONE: ChannelRules(
        icon="phone",
        labels={
            "received_at": _("Time of the call"),
            "channel_reference": _("Recording reference"),
            "name": _("Caller"),
            "phone": _("Number of the caller"),
        },
        fields=("channel_reference",),
        hints={"channel_reference": _("The number of the recording in the telephone system.")},
        evidence=EvidenceKind.RECORDING,
    ),
    Channel.COUNTER: ChannelRules(
        icon="users",
        labels={"received_at": _("Time of the visit"), "outlet": _("Counter or shop")},
        fields=("outlet",),
        required=("outlet",),
    ),
    Channel.LETTER: ChannelRules(
        icon="file-text",
        labels={
            "received_at": _("Time of receipt"),
            "files": _("Scan of the letter"),
            "channel_reference": _("Number of the registered letter"),
        },
        fields=("postmarked_on", "channel_reference"),
        required=("files",),
        hints={"files": _("Letter and envelope, so that the postmark can be read. PDF or photos.")},
        evidence=EvidenceKind.LETTER,
    ),
    Channel.EMAIL: ChannelRules(
        icon="mail",
        labels={"received_at": _("Time the e-mail arrived"), "files": _("The original message")},
        required=("files", "email"),
        hints={"files": _("The whole message with its attachments, as the mail program saves or prints it.")},
        evidence=EvidenceKind.MESSAGE,
    ),
    Channel.REFERRAL: ChannelRules(
        icon="arrow-right-left",
        labels={
            "received_at": _("Time of receipt"),
            "channel_reference": _("Its number"),
            "referring_body": _("Referring body"),
        },
        fields=("referring_body", "channel_reference", "referral_due_at"),
        required=("referring_body", "channel_reference"),
        hints={
            "referral_due_at": _(
                "Until when that body expects our reply; the reply becomes a task of the office. Leave it empty where "
                "no day was named: it can be added to the task later."
            )
        },
        evidence=EvidenceKind.OTHER,
    ),
    Channel.GOVERNMENT: ChannelRules(
        icon="building-2",
        labels={
            "received_at": _("Time of receipt"),
            "channel_reference": _("Number on the platform"),
            "referring_body": _("Platform"),
        },
        fields=("referring_body", "channel_reference", "referral_due_at"),
        required=("referring_body", "channel_reference"),
        hints={
            "referral_due_at": _(
                "Until when the platform expects our reply; the reply becomes a task of the office. Leave it empty "
                "where no day was named: it can be added to the task later."
            )
        },
        evidence=EvidenceKind.OTHER,
    ),
    Channel.SOCIAL: ChannelRules(
        icon="globe",
        labels={
            "received_at": _("Time of the post"),
            "files": _("Screenshot"),
        },
        fields=("source_url",),
        required=("source_url", "files"),
        hints={"files": _("Posts get deleted: keep a picture of it.")},
        evidence=EvidenceKind.OTHER,
    ),
}
# What to do where a field that a channel needs is empty.
_MISSING = {
    "received_at": _("Give the day and the time."),
    "outlet": _("Say at which counter or shop it was made."),
    "referring_body": _("Say who referred it."),
    "channel_reference": _("Give the number it has there."),
    "source_url": _("Give the link to the post."),
    "email": _("Give the address the e-mail came from."),
}
# Fields that only some channels have.
_OF_CHANNELS = ("channel_reference", "referring_body", "referral_due_at", "postmarked_on", "source_url")


@dataclass(frozen=True)
class Group:
    """Fields that stand folded away until one of them is needed."""

    key: str
    label: Promise
    fields: tuple[str, ...]


GROUPS = (
    Group(
        "person",
        _("About the person"),
        ("special_groups", "needs_care", "care_given_how", "customer_tier", "is_organisation"),
    ),
    Group("need", _("Losses and what lies behind the request"), ("consequential_loss", "true_need")),
    Group(
        "risk",
        _("Signs of risk"),
        (
            "emotion_intensity",
            "threats",
            "has_injury",
            "has_damage",
            "involves_minors",
            "has_privacy_leak",
        ),
    ),
)


class BrowserMoment(MomentField):
    """A moment from the browser's own control."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"], **kwargs)


class RegisterForm(forms.Form):
    """One complaint; `channel` decides which fields there are. `filing()` is what goes into the register."""

    channel_reference = PlainText(label=_("Reference"), limit=120)
    postmarked_on = DayField(label=_("Date of the postmark"))
    source_url = forms.URLField(
        label=_("Link to the post"),
        max_length=500,
        assume_scheme="https",
        error_messages={"invalid": _("Give the link to the post, beginning with https://")},
    )
    referring_body = PlainText(label=_("Referring body"), limit=120)
    referral_due_at = BrowserMoment(label=_("Reply due"))
    received_at = BrowserMoment(label=_("Received"))

    name = PlainText(label=_("Name"), limit=80, required=False)
    form_of_address = forms.ChoiceField(
        label=_("Form of address"), choices=[("mr", _("Mr")), ("ms", _("Ms"))], required=False, widget=forms.RadioSelect
    )
    is_organisation = forms.BooleanField(label=_("The complainant is an organisation"), required=False)
    phone = PlainText(label=_("Phone number"), limit=40, required=False)
    email = forms.EmailField(label=_("E-mail address"), required=False, max_length=200)
    address = PlainText(label=_("Address"), limit=200, required=False)
    preferred_contact = forms.ChoiceField(
        label=_("Preferred contact"),
        choices=[(ContactKind.PHONE, _("Phone")), (ContactKind.EMAIL, _("E-mail")), (ContactKind.ADDRESS, _("Letter"))],
        required=False,
        widget=forms.RadioSelect,
    )
    contact_note = PlainText(label=_("When to call"), limit=120, required=False)
    needs_care = PlainText(
        label=_("Help needed"),
        limit=200,
        required=False,
        help_text=_("For example hard of hearing, needs large print, speaks dialect."),
    )
    care_given_how = PlainText(
        label=_("How the consent to note this was given"),
        limit=200,
        required=False,
        help_text=_("Only with this consent is a need for care shown to those who handle the case. Empty: not asked."),
    )
    is_confidential = forms.BooleanField(label=_("Withhold the identity from the departments"), required=False)

    subject = PlainText(
        label=_("Subject"), limit=120, error_messages={"required": _("Say in one sentence what it is about.")}
    )
    narrative = PlainText(
        label=_("What happened"),
        limit=MAX_NARRATIVE,
        lines=8,
        error_messages={"required": _("Describe what happened, in the complainant's words.")},
    )
    demand = PlainText(label=_("What the complainant asks for"), limit=2000, lines=2, required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    product = PlainText(label=_("Product or service"), limit=120, required=False)
    business_step = PlainText(label=_("Business step"), limit=120, required=False)
    batch = PlainText(label=_("Batch or serial number"), limit=60, required=False)
    place = PlainText(label=_("Place"), limit=200, required=False)
    outlet = PlainText(label=_("Outlet or counter complained about"), limit=80, required=False)
    occurred_on = DayField(label=_("Date of the event"), required=False)
    persons_affected = forms.IntegerField(label=_("Persons affected"), min_value=1, max_value=1_000_000, initial=1)
    amount = forms.DecimalField(
        label=_("Amount in dispute (yuan)"), min_value=Decimal(0), max_digits=14, decimal_places=2, required=False
    )
    severity = forms.ChoiceField(label=_("Severity"), choices=Severity.choices, initial=Severity.MODERATE)
    files = MultipleFiles(label=_("Attachments"), required=False)  # type: ignore[assignment]  # a declared field

    consequential_loss = PlainText(
        label=_("Losses that followed"),
        limit=2000,
        lines=2,
        required=False,
        help_text=_("Missed appointments, spoilt goods, wages, trips made in vain."),
    )
    true_need = PlainText(
        label=_("What the person really needs"),
        limit=2000,
        lines=2,
        required=False,
        help_text=_("Not only what is asked for: what would solve it."),
    )
    customer_tier = forms.ChoiceField(
        label=_("Customer"), choices=[("", _("Not known")), *CustomerTier.choices], required=False
    )
    special_groups = forms.MultipleChoiceField(
        label=_("Needs special care"),
        choices=SpecialGroup.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    emotion_intensity = forms.TypedChoiceField(
        label=_("Emotion"),
        choices=EmotionIntensity.choices,
        coerce=int,
        empty_value=EmotionIntensity.CALM.value,  # type: ignore[arg-type]  # what coerce gives
        initial=EmotionIntensity.CALM.value,
        required=False,
        widget=forms.RadioSelect,
    )
    threats = forms.MultipleChoiceField(
        label=_("Says they will turn to"), choices=Threat.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    has_injury = forms.BooleanField(label=_("Somebody was injured"), required=False)
    has_damage = forms.BooleanField(label=_("Property was damaged"), required=False)
    involves_minors = forms.BooleanField(label=_("Minors are involved"), required=False)
    has_privacy_leak = forms.BooleanField(label=_("Personal data leaked"), required=False)

    def __init__(self, channel: Channel, *args: Any, now: datetime, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "received_at": timezone.localtime(now).replace(second=0, microsecond=0),
            **kwargs.get("initial", {}),
        }
        super().__init__(*args, **kwargs)
        self.channel, self.now, self.rules = channel, now, CHANNELS[channel]
        for name in _OF_CHANNELS:
            if name not in self.rules.fields:
                del self.fields[name]
        for name in self.rules.fields:
            self.fields[name].required = name in self.rules.required
        for name in self.rules.required:
            self.fields[name].required = True
        for name, words in _MISSING.items():
            if name in self.fields:
                self.fields[name].error_messages["required"] = words
        if not self.caller_first:
            # Errors are listed in the order of the page.
            self.order_fields(["received_at", *self.rules.fields, "files"])
        for name, label in self.rules.labels.items():
            self.fields[name].label = str(label)
        for name, hint in self.rules.hints.items():
            self.fields[name].help_text = str(hint)
        category = cast(forms.ChoiceField, self.fields["category"])
        category.choices = [("", _("Not sure yet")), *category_choices()]
        if "referring_body" in self.fields:
            self.fields["referring_body"].widget.attrs["list"] = "bodies"

    def channel_fields(self) -> list[forms.BoundField]:
        """The fields of the first block, in the order of the channel."""
        return [self["received_at"], *(self[name] for name in self.rules.fields)]

    @property
    def caller_first(self) -> bool:
        """The person is there: who it is comes before how the complaint arrived."""
        return self.channel in (Channel.PHONE, Channel.COUNTER)

    @property
    def asks_outlet(self) -> bool:
        """The outlet is a matter of the complaint; at a counter it is where it was made."""
        return "outlet" not in self.rules.fields

    def groups(self) -> dict[str, dict[str, Any]]:
        """The folded fields; a group is open when something stands in it or is wrong with it."""
        return {
            group.key: {
                "label": group.label,
                "fields": [self[name] for name in group.fields],
                "is_open": any(self._is_filled(name) for name in group.fields),
            }
            for group in GROUPS
        }

    def _is_filled(self, name: str) -> bool:
        return bool(self.has_error(name) or self[name].value() not in (None, "", False, [], 0, "0"))

    def clean_category(self) -> Category | None:
        code = self.cleaned_data["category"]
        return (
            Category.objects.filter(dimension=Dimension.CATEGORY, code=code, is_active=True).first() if code else None
        )

    def clean_received_at(self) -> datetime:
        moment = self.cleaned_data["received_at"]
        if moment > self.now:
            raise ValidationError(_("This time is in the future; give the time the complaint was made."))
        return moment

    def clean_phone(self) -> str:
        phone = self.cleaned_data["phone"]
        if phone and not identity.plausible_phone(phone):
            raise ValidationError(_("This is not a phone number that can be dialled; check the digits."))
        return phone

    def clean_files(self) -> list[Any]:
        uploads = self.cleaned_data["files"]
        if self.fields["files"].required and not uploads:
            raise ValidationError(_("This channel needs the file as evidence; choose it."))
        return uploads

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        preferred = data.get("preferred_contact")
        if preferred and preferred not in self.errors and not data.get(preferred) and not self.has_error(preferred):
            self.add_error(preferred, _("This is the preferred contact; fill it in."))
        if data.get("care_given_how") and not (data.get("special_groups") or data.get("needs_care")):
            self.add_error("care_given_how", _("Say which group, or what help is needed; the consent is about that."))
        category = data.get("category")
        for name in category.required_fields if category else []:
            # SCR-05: what a category needs to be handled is asked while the complainant is still there.
            if name in self.fields and data.get(name) in ("", None) and not self.has_error(name):
                self.add_error(name, _("Cases of this category need this."))
        return data

    def filing(self, attachments: list) -> transitions.Filing:
        """The filing of the valid form."""
        data = self.cleaned_data
        names = (
            "name",
            "form_of_address",
            "is_organisation",
            "phone",
            "email",
            "address",
            "preferred_contact",
            "contact_note",
            "needs_care",
            "care_given_how",
            "is_confidential",
            "subject",
            "narrative",
            "demand",
            "category",
            "product",
            "batch",
            "business_step",
            "place",
            "outlet",
            "occurred_on",
            "persons_affected",
            "amount",
            "severity",
            "received_at",
            "consequential_loss",
            "true_need",
            "customer_tier",
            "emotion_intensity",
            "has_injury",
            "has_damage",
            "involves_minors",
            "has_privacy_leak",
        )
        return transitions.Filing(
            channel=self.channel,
            channel_reference=data.get("channel_reference", ""),
            referring_body=data.get("referring_body", ""),
            referral_due_at=data.get("referral_due_at"),
            source_url=data.get("source_url", ""),
            postmarked_on=data.get("postmarked_on"),
            special_groups=tuple(data["special_groups"]),
            threats=tuple(data["threats"]),
            attachments=attachments,
            **{name: data[name] for name in names},
        )


def earlier(user: User, *, phone: str, email: str) -> ComplaintQuerySet:
    """Complaints the person at the desk may see that came from this number or address (IN-27).

    Open ones first, each part with the newest first.
    """
    given = ((ContactKind.PHONE, phone[:40]), (ContactKind.EMAIL, email[:200]))
    hashes = [identity.match_hash(kind, value) for kind, value in given if value.strip()]
    same = ContactPoint.objects.filter(match_hash__in=[value for value in hashes if value])
    found = Complaint.objects.visible_to(user).filter(complainant__in=same.values("complainant"))
    ended = Case(When(status__in=[str(status) for status in OPEN], then=0), default=1)
    return found.for_list().order_by(ended, "-received_at", "-pk")[:EARLIER_SHOWN]


def profile(cases: Sequence[Complaint]) -> list[str]:
    """What is known of the person from these earlier complaints, in words: tier, how to be reached, care (IN-27).

    Of care only what a standing consent names (SPG-01). Two queries, none without cases.
    """
    if not cases:
        return []
    keys = [case.pk for case in cases]
    newest = Complaint.objects.filter(pk__in=keys).order_by("-received_at", "-pk")
    told = list(newest.values_list("customer_tier", "complainant__preferred_contact", "complainant__contact_note"))
    consents = CareConsent.objects.filter(complaint__in=keys, withdrawn_at=None).order_by("-given_at", "-pk")
    groups = next((care.group_labels(row.groups) for row in consents.defer("needs") if row.groups), ())
    _tier, way, note = told[0]
    tier = next((tier for tier, _way, _note in told if tier), "")
    return [
        *([str(CustomerTier(tier).label)] if tier else []),
        str(_("Prefers: %(way)s") % {"way": ContactKind(way).label}) + (f" · {note}" if note else ""),
        *([str(_("Care, with consent: %(groups)s") % {"groups": "、".join(groups)})] if groups else []),
    ]


def bodies() -> list[str]:
    """Names offered for the referring body; others can be typed."""
    return list(ExternalBody.objects.filter(is_active=True).values_list("name", flat=True))
