"""Forms of the publication desk. Each carries the version the person saw; the rules live in the transitions."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.moments import MomentField
from accounts.web import offer
from complaints.models import ImprovementAction
from publication import composer, content
from publication.models import Publication
from publication.states import NotPublishedReason

_MOMENT = "%Y-%m-%dT%H:%M"


class VersionForm(forms.Form):
    """An action that needs nothing but the version it was decided on."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, publication: Publication, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.publication = publication
        self.initial.setdefault("version", publication.version)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of the transition."""
        return dict(self.cleaned_data)

    def typed(self) -> QueryDict:
        """A copy of what was sent, to show it again with another version."""
        return cast(QueryDict, self.data).copy()


class MeasuresField(forms.ModelMultipleChoiceField):
    """Improvement measures of the case, each with who does it until when."""

    def label_from_instance(self, row: ImprovementAction) -> str:
        return f"{row.what}（{row.department.name} {row.post}，{row.due_on.isoformat()}，{row.get_state_display()}）"


class TextsForm(VersionForm):
    """The texts, dates and measures of a publication."""

    title = forms.CharField(label=_("Title"), max_length=80, required=False)
    summary = forms.CharField(label=_("Answer in one sentence"), max_length=240, required=False)
    subject = forms.CharField(label=_("Subject of the complaint"), required=False)
    cause = forms.CharField(label=_("Cause of the complaint"), required=False)
    investigation = forms.CharField(label=_("Investigation and key evidence"), required=False)
    responsibility = forms.CharField(label=_("Finding of responsibility"), required=False)
    result = forms.CharField(label=_("Result of the handling"), required=False)
    improvement = forms.CharField(label=_("Improvement measures"), required=False)
    improvements = MeasuresField(
        label=_("Measures with date and department"),
        queryset=ImprovementAction.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    profile = forms.ChoiceField(label=_("Masking"), choices=[("standard", _("Standard")), ("strict", _("Strict"))])
    publish_at = MomentField(
        label=_("Publish on"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _MOMENT)
    )
    publish_until = MomentField(
        label=_("Public until"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}, _MOMENT)
    )

    def __init__(self, *args: Any, publication: Publication, **kwargs: Any) -> None:
        names = (*content.TEXT_FIELDS, "profile", "publish_at", "publish_until")
        initial = {name: getattr(publication, name) for name in names}
        initial["improvements"] = list(publication.improvements.all())
        super().__init__(*args, publication=publication, initial=initial, **kwargs)
        measures = publication.complaint.improvements.select_related("department").order_by("due_on", "pk")
        offer(self, "improvements", measures)
        for name in content.TEXT_FIELDS[2:]:
            rows = 2 if name == "subject" else 4
            field = cast(forms.CharField, self.fields[name])
            field.widget = forms.Textarea({"rows": rows})
            field.max_length = 5000

    def clean(self) -> dict[str, Any]:
        """Line ends as one character, so that offsets count the same everywhere (PR-10)."""
        for name in content.TEXT_FIELDS:
            value = self.cleaned_data.get(name)
            if isinstance(value, str):
                self.cleaned_data[name] = value.replace("\r\n", "\n")
                if len(value) > 5000:
                    self.add_error(name, _("Please shorten this to %(limit)s characters.") % {"limit": 5000})
        return self.cleaned_data


class SignForm(VersionForm):
    """A signature names the hash of exactly what the person has read (S13)."""

    content_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    note = forms.CharField(label=_("Note"), max_length=300, required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: Any, publication: Publication, **kwargs: Any) -> None:
        super().__init__(*args, publication=publication, **kwargs)
        self.initial.setdefault("content_hash", content.content_hash(publication))


class ReturnForm(VersionForm):
    reason = forms.CharField(label=_("What has to be corrected"), max_length=300, widget=forms.Textarea({"rows": 3}))


class TakeDownForm(VersionForm):
    reason = forms.CharField(
        label=_("Reason for taking it down"),
        max_length=300,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("Only staff read it. The public page says that the result was taken down, not why."),
    )


class AbandonForm(VersionForm):
    reason = forms.ChoiceField(
        label=_("Why it is not published"), choices=[("", _("Choose")), *NotPublishedReason.choices]
    )


class ComposeAgainForm(VersionForm):
    def arguments(self) -> dict[str, Any]:
        return {}


ACTION_FORMS: dict[str, type[VersionForm]] = {
    "submit": VersionForm,
    "first_check": SignForm,
    "second_check": SignForm,
    "pass_masking": SignForm,
    "return_to_author": ReturnForm,
    "publish": VersionForm,
    "update_progress": VersionForm,
    "take_down": TakeDownForm,
    "abandon": AbandonForm,
    "compose_again": ComposeAgainForm,
}


class SpanForm(VersionForm):
    """Mask a suggestion, or keep the words with a reason."""

    keep = forms.TypedChoiceField(choices=[("0", "0"), ("1", "1")], coerce=lambda value: value == "1")
    reason = forms.CharField(label=_("Why these words may stay"), max_length=200, required=False)


class MaskForm(VersionForm):
    """Mask words a person found. Offsets come from a selection in the browser, in code points; without
    them every place of the words in the text is meant."""

    field = forms.ChoiceField(label=_("Text"))
    words = forms.CharField(label=_("Words to mask"), max_length=200, strip=False)
    replacement = forms.CharField(
        label=_("Write instead"), max_length=100, required=False, help_text=_("Empty: 〔已隐去〕")
    )
    start = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    end = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, publication: Publication, **kwargs: Any) -> None:
        super().__init__(*args, publication=publication, auto_id="mask_%s", **kwargs)
        cast(forms.ChoiceField, self.fields["field"]).choices = list(composer.LABELS.items())

    def clean(self) -> dict[str, Any]:
        """Find the places; an error at `words` when there is none."""
        data = self.cleaned_data
        if self.errors:
            return data
        text, words = getattr(self.publication, data["field"]), data["words"].replace("\r\n", "\n")
        start, end = data["start"], data["end"]
        if start is not None and end is not None and text[start:end] == words:
            data["places"] = [(start, end)]
            return data
        taken = [(span.start, span.end) for span in self.publication.spans.all() if span.field == data["field"]]
        data["places"] = composer.places(text, words.strip(), taken)
        if not data["places"]:
            known = words.strip() in text
            self.add_error(
                "words", _("These words are marked already.") if known else _("These words are not in this text.")
            )
        return data


class FigureForm(VersionForm):
    """Tie a figure to the record that proves it (PUB-13)."""

    field = forms.CharField(widget=forms.HiddenInput, max_length=16)
    figure = forms.CharField(widget=forms.HiddenInput, max_length=60)
    evidence = forms.CharField(label=_("Record that proves it"), max_length=200)


class DecideForm(forms.Form):
    """Publish or not, asked for every closed case (PUB-44, PUB-45)."""

    YES: ClassVar[str] = "yes"

    publish = forms.ChoiceField(
        label=_("Publish the result?"),
        choices=[("yes", _("Publish: start composing")), ("no", _("Do not publish"))],
        widget=forms.RadioSelect,
    )
    reason = forms.ChoiceField(
        label=_("Why it is not published"), choices=[("", _("Choose")), *NotPublishedReason.choices], required=False
    )
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
