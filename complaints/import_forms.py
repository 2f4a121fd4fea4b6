"""Forms of the import page: the file, its columns, the reason of an undo (IN-13, EX-08)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.import_rows import FIELDS, REQUIRED, Heading
from complaints.models import ImportSource
from complaints.public_forms import PlainText
from complaints.states import Channel

FIELD_LABELS = {
    "external_number": gettext_lazy("Its own number"),
    "subject": gettext_lazy("Subject"),
    "narrative": gettext_lazy("What happened"),
    "received_at": gettext_lazy("Time of receipt"),
    "channel": gettext_lazy("Channel"),
    "category": gettext_lazy("Category"),
    "department": gettext_lazy("Department"),
    "complainant_name": gettext_lazy("Name of the complainant"),
    "complainant_phone": gettext_lazy("Phone of the complainant"),
    "complainant_email": gettext_lazy("E-mail of the complainant"),
    "demand": gettext_lazy("Demand"),
    "place": gettext_lazy("Place"),
    "amount": gettext_lazy("Amount in dispute (yuan)"),
    "reply": gettext_lazy("Reply"),
    "replied_at": gettext_lazy("Time of the reply"),
    "row": gettext_lazy("Whole row"),
}


class UploadForm(forms.Form):
    """The file and, if it comes from a known source, which one."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.xlsx"}),
        help_text=gettext_lazy("CSV (UTF-8, UTF-16, GB18030) or XLSX, at most 50 MB and 300,000 rows."),
        error_messages={
            "required": gettext_lazy("Choose the file."),
            "empty": gettext_lazy("The file is empty."),
        },
    )
    source = forms.ModelChoiceField(
        queryset=ImportSource.objects.none(),
        required=False,
        label=gettext_lazy("Source"),
        empty_label=gettext_lazy("New source"),
        help_text=gettext_lazy("Of a known source the columns are remembered."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].queryset = ImportSource.objects.all()  # type: ignore[attr-defined]  # a choice of rows


class ColumnsForm(forms.Form):
    """Which column is which field, one choice per column of the file."""

    channel = forms.ChoiceField(label=gettext_lazy("Channel of rows that do not say"), choices=Channel.choices)
    source = PlainText(
        label=gettext_lazy("Remember these columns as"),
        limit=60,
        required=False,
        help_text=gettext_lazy("A name such as “12345 hotline, monthly”. The next file of this source is read alike."),
    )

    def __init__(self, headings: Sequence[Heading], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headings = headings
        fields = [(name, FIELD_LABELS[name]) for name in FIELDS]
        for heading in headings:
            self.fields[self._name(heading)] = forms.ChoiceField(
                label=heading.name or _("Column without a name"),
                choices=[("", _("Not imported")), *fields],
                required=False,
                initial=heading.field,
            )

    @staticmethod
    def _name(heading: Heading) -> str:
        return f"column_{heading.index}"

    def lines(self) -> list[tuple[Heading, forms.BoundField]]:
        """Every column with its choice."""
        return [(heading, self[self._name(heading)]) for heading in self.headings]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        taken: dict[str, str] = {}
        for heading in self.headings:
            field = data.get(self._name(heading))
            if not field:
                continue
            if field in taken:
                self.add_error(
                    self._name(heading),
                    _("“%(column)s” is this already; choose one of them.") % {"column": taken[field]},
                )
            taken.setdefault(field, heading.name)
        missing = [str(FIELD_LABELS[name]) for name in REQUIRED if name not in taken]
        if missing and not self.errors:
            raise ValidationError(_("Say which column holds: %(fields)s.") % {"fields": "、".join(missing)})
        return data

    def columns(self) -> dict[str, int]:
        """Field → position of its column."""
        chosen = ((self.cleaned_data[self._name(heading)], heading.index) for heading in self.headings)
        return {field: index for field, index in chosen if field}

    def names(self) -> dict[str, str]:
        """Name of the column → field, for the next file; columns that are not imported are kept as such."""
        return {heading.name: self.cleaned_data[self._name(heading)] for heading in self.headings if heading.name}


class UndoForm(forms.Form):
    """Why an import is taken back; it stands in the log of every case."""

    reason = PlainText(
        label=gettext_lazy("Reason"),
        limit=200,
        error_messages={"required": gettext_lazy("Say why this import is undone.")},
    )
