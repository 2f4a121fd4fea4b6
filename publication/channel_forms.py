"""Forms of the channels: the register, which categories go where, and what is recorded of a posting."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.choice_fields import CategoryField, LongText
from complaints.models import Dimension
from publication import briefing, channels, postings
from publication.channels import Advice
from publication.models import Channel, Posting, PublishedResult
from publication.states import AudienceGroup, ChannelKind


class _Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


class ChannelForm(forms.Form):
    """A channel of the register; the code is asked for once."""

    code = forms.SlugField(
        label=_("Short name in addresses"),
        max_length=40,
        help_text=_("Letters, digits and hyphens; it does not change afterwards."),
    )
    name = forms.CharField(label=_("Name of the channel"), max_length=80)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    kind = forms.ChoiceField(label=_("Kind of channel"), choices=ChannelKind.choices)
    audience = forms.ChoiceField(
        label=_("For whom"), choices=[("", _("Everybody")), *AudienceGroup.choices], required=False
    )
    place = forms.CharField(label=_("Where, or address"), max_length=200, required=False)
    days = forms.IntegerField(label=_("Days it stays there"), min_value=1, max_value=channels.MOST_DAYS, initial=30)
    order = forms.IntegerField(label=_("Place in the list"), min_value=0, max_value=32767, initial=100)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, channel: Channel | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if channel is not None:
            del self.fields["code"]
            self.initial.update({name: getattr(channel, name) for name in channels.FIELDS})
            self.initial["seen"] = channels.state_of(channel)


class _ChannelField(forms.ModelChoiceField):
    def label_from_instance(self, channel: Channel) -> str:
        return channels.label(channel)


class MappingForm(forms.Form):
    """Results of a category also go to a channel."""

    category = CategoryField(Dimension.CATEGORY, label=_("Category"))
    channel = _ChannelField(
        Channel.objects.filter(is_active=True).exclude(kind=ChannelKind.WEBSITE),
        label=_("Channel"),
        empty_label=_("Choose one"),
    )
    note = forms.CharField(
        label=_("Why"), max_length=200, required=False, help_text=_("For instance: patients read the hospital's app.")
    )


class ChooseForm(forms.Form):
    """The channels of one publication; those with a reason are ticked while nothing is chosen yet."""

    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, advice: list[Advice], standing: list[Posting], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [row for row in advice if row.channel.kind != ChannelKind.WEBSITE]
        field = self.fields["channels"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Channel.objects.filter(pk__in=[row.channel.pk for row in offered])
        planned = {row.channel_id for row in standing}
        chosen = planned or {row.channel.pk for row in offered if row.reasons}
        if self.is_bound and hasattr(self.data, "getlist"):
            chosen = {int(value) for value in self.data.getlist("channels") if value.isdecimal()} | planned
        is_up = {row.channel_id for row in standing if row.up_on}
        self.rows = [(row, row.channel.pk in chosen, row.channel.pk in is_up) for row in offered]


class _ProofForm(forms.Form):
    proof = forms.FileField(
        label=_("Photograph"),
        required=False,
        help_text=_("It is painted anew: place, time and camera in the file are left out."),
        widget=forms.ClearableFileInput(attrs={"accept": "image/*"}),
    )

    def __init__(self, *args: Any, posting: Posting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if posting.channel.kind not in postings.PROVEN:
            self.fields["proof"].help_text = _("A picture of the screen will do. It is painted anew.")


class UpForm(_ProofForm):
    """It is up now: where, since when and how long."""

    up_on = _Day(label=_("Up since"))
    until = _Day(label=_("Last day"), required=False)
    place = forms.CharField(label=_("Where exactly"), max_length=200, required=False)
    link = forms.URLField(label=_("Web address"), max_length=500, required=False, assume_scheme="https")
    script = forms.CharField(label=_("Script of the film"), max_length=5000, required=False, widget=LongText(8))
    field_order = ("up_on", "until", "place", "link", "script", "proof")

    def __init__(self, *args: Any, posting: Posting, found: PublishedResult | None, at: Any, **kwargs: Any) -> None:
        super().__init__(*args, posting=posting, **kwargs)
        self.initial.setdefault("place", posting.place)
        if posting.channel.kind != ChannelKind.VIDEO:
            del self.fields["script"]
        elif found is not None:
            self.initial.setdefault("script", briefing.script(found, at=at))
        if posting.channel.kind in (ChannelKind.BOARD, ChannelKind.LOBBY):
            del self.fields["link"]


class RenewForm(_ProofForm):
    """What is up shows the present text, or its photograph comes later."""


class DownForm(forms.Form):
    """The day it came down."""

    down_on = _Day(label=_("Down on"))


class CountForm(forms.Form):
    """What was counted on one day."""

    day = _Day(label=_("Day"))
    views = forms.IntegerField(label=_("Times viewed"), min_value=0, max_value=postings.MOST_COUNT, initial=0)
    comments = forms.IntegerField(label=_("Comments"), min_value=0, max_value=postings.MOST_COUNT, initial=0)
    enquiries = forms.IntegerField(label=_("Enquiries"), min_value=0, max_value=postings.MOST_COUNT, initial=0)
