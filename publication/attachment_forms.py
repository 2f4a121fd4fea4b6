"""Forms of the attachments of a publication; the rules live in `publication.attachments`."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from publication import content_files
from publication.forms import VersionForm

NAMES = ("x", "y", "width", "height")
_PROPOSAL = re.compile(r"\d{1,3}\.\d\d(,\d{1,3}\.\d\d){3}")
# Rows for new boxes on one page, and the most rows.
SPARE = 4
MOST_ROWS = 60


class WordsForm(VersionForm):
    """What readers see beside the file."""

    title = forms.CharField(label=_("Title"), max_length=80)
    description = forms.CharField(
        label=_("What it shows"),
        max_length=200,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Read out to people who cannot see the picture. Names and numbers of persons are masked."),
    )


class ChooseForm(WordsForm):
    """A file of the case to publish."""

    source = forms.TypedChoiceField(label=_("File of the case"), coerce=int)

    field_order = ["source", "title", "description", "version"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = content_files.choosable(self.publication)
        self.is_empty = not rows
        choices = [(str(row.pk), f"{row.name}（{row.get_evidence_kind_display()}）") for row in rows]
        cast(forms.ChoiceField, self.fields["source"]).choices = [("", _("Choose")), *choices]

    def arguments(self) -> dict[str, Any]:
        data = super().arguments()
        return data | {"source_id": data.pop("source")}


class BoxForm(forms.Form):
    """One box, in percent of the page from its upper left corner; a row left empty is no box."""

    x = forms.FloatField(label=_("From the left"), required=False, min_value=0, max_value=100)
    y = forms.FloatField(label=_("From the top"), required=False, min_value=0, max_value=100)
    width = forms.FloatField(label=_("Width"), required=False, min_value=0, max_value=100)
    height = forms.FloatField(label=_("Height"), required=False, min_value=0, max_value=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs |= {"step": "0.01", "class": "input", "inputmode": "decimal"}

    def clean(self) -> dict[str, Any]:
        """All four numbers or none."""
        data = self.cleaned_data
        given = [data.get(name) is not None for name in NAMES]
        if any(given) and not all(given) and not self.errors:
            missing = NAMES[given.index(False)]
            self.add_error(missing, _("Give all four numbers, or empty the row."))
        return data

    def box(self) -> dict[str, float] | None:
        """The box in fractions; None for a row without numbers or without area."""
        data = self.cleaned_data
        if not data or data.get("x") is None or not data["width"] or not data["height"]:
            return None
        return {name: data[name] / 100 for name in NAMES}


Boxes: Any = forms.formset_factory(BoxForm, extra=SPARE, max_num=MOST_ROWS)


class PageForm(VersionForm):
    """The page the boxes stand on, and the proposals taken over."""

    page = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    take = forms.CharField(required=False)

    def taken(self) -> list[dict[str, float]]:
        """The proposals that were ticked, in fractions; anything that is not four percentages is left out."""
        sent = [value for value in self.typed().getlist("take") if _PROPOSAL.fullmatch(value)]
        rows = [[float(number) / 100 for number in value.split(",")] for value in sent[:MOST_ROWS]]
        return [dict(zip(NAMES, row, strict=True)) for row in rows]


class LookForm(forms.Form):
    """Confirms that exactly this copy shows nobody."""

    sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)
    seen = forms.BooleanField(
        label=_("I have looked at every page. Nothing on them tells who complained or who is meant."),
        error_messages={"required": _("Look at every page and tick this first.")},
    )
