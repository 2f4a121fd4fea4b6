"""Forms of the pages beside the texts of a publication, and of the list of vague words."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints.choice_fields import LongText
from publication import charts, content, gate, side_records, vague_words
from publication.forms import VersionForm
from publication.models import Publication, VagueWord
from publication.states import GateAnswer


class SideForm(VersionForm):
    """One page beside the texts: its words, its fields, and the rule that saves them."""

    # Whether the page marks fields that may stay empty.
    marks_optional: ClassVar[bool] = False
    title: ClassVar[Promise]
    lede: ClassVar[Promise]
    done: ClassVar[Promise]

    def __init__(self, *args: Any, publication: Publication, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, publication=publication, **kwargs)

    def save(self) -> None:
        """Raises what the rule raises."""
        raise NotImplementedError

    def blocks(self) -> str:
        """Why there is nothing to fill in yet; "" when there is."""
        return ""

    def rows(self) -> list[tuple[str, str]]:
        """What is recorded already, as (name, more)."""
        return []


class GateForm(SideForm):
    """The five questions, answered from the facts of the case for a person to confirm (PUB-44)."""

    title = _("Questions before publication")
    lede = _("Somebody answers them before the first check. An open answer or one that forbids stops the submission.")
    done = _("The answers are recorded.")

    note = forms.CharField(label=_("Note"), max_length=300, required=False, widget=LongText(2))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = gate.of(self.publication)
        suggested = gate.suggestions(self.publication)
        self.initial["note"] = row.note if row else ""
        for name, label in gate.QUESTIONS.items():
            facts = gettext("; ").join(suggested[name].facts)
            self.fields[name] = forms.ChoiceField(
                label=str(label),
                choices=GateAnswer.choices,
                required=False,
                widget=forms.RadioSelect,
                help_text=gettext("From the record: %(facts)s") % {"facts": facts} if facts else "",
                initial=getattr(row, name) if row else suggested[name].answer,
            )
        self.order_fields([*gate.QUESTIONS, "note"])

    def save(self) -> None:
        data = self.cleaned_data
        side_records.confirm_gate(
            self.publication.pk,
            by=self.user,
            answers={name: data[name] for name in gate.QUESTIONS},
            note=data["note"],
            version=data["version"],
        )


class CasesForm(SideForm):
    """Further closed cases of the same matter (PUB-01)."""

    title = _("Cases this result answers")
    lede = _("Several complaints about the same matter are answered by one result. The people of each are masked.")
    done = _("The cases are recorded. Redactions were searched again; answer the questions before publication again.")

    cases = forms.TypedMultipleChoiceField(
        label=_("Further closed cases of the same matter"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = side_records.candidates(self.publication, self.user)[: side_records.MOST_CASES]
        self.initial["cases"] = list(self.publication.also_about.values_list("pk", flat=True))
        cast(forms.TypedMultipleChoiceField, self.fields["cases"]).choices = [
            (row.pk, f"{row.number} · {row.subject}") for row in found
        ]

    def blocks(self) -> str:
        if cast(forms.TypedMultipleChoiceField, self.fields["cases"]).choices:
            return ""
        return gettext("There is no other closed case of the same matter that could be added.")

    def save(self) -> None:
        side_records.set_cases(self.publication.pk, by=self.user, **self.cleaned_data)


class ChartForm(SideForm):
    """Two figures with evidence as bars, before and after (PUB-22)."""

    title = _("Chart")
    lede = _("Two bars, before and after, below the result. Only figures that have evidence can be shown.")
    done = _("The chart is in the text of the result.")

    caption = forms.CharField(label=_("What the bars show"), max_length=40, required=False)
    before = forms.TypedChoiceField(label=_("Figure before"), coerce=int, empty_value="0", required=False)
    after = forms.TypedChoiceField(label=_("Figure after"), coerce=int, empty_value="0", required=False)
    remove = forms.BooleanField(label=_("Take the chart out"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        figures = [row for row in content.proved_figures(self.publication) if charts.split(row.figure)]
        choices = [("", _("Choose")), *((row.pk, f"{row.figure} · {row.evidence}") for row in figures)]
        for name in ("before", "after"):
            cast(forms.TypedChoiceField, self.fields[name]).choices = choices
        chart = charts.of_text(self.publication.result)
        if chart is None:
            del self.fields["remove"]
        else:
            self.initial["caption"] = chart.caption

    def blocks(self) -> str:
        if len(cast(forms.TypedChoiceField, self.fields["before"]).choices) > 2:  # type: ignore[arg-type]  # a list
            return ""
        return gettext("Link evidence to two figures of the text first.")

    def save(self) -> None:
        data = self.cleaned_data
        if data.pop("remove", False):
            side_records.remove_chart(self.publication.pk, by=self.user, version=data["version"])
        else:
            side_records.set_chart(self.publication.pk, by=self.user, **data)


class CommunityForm(SideForm):
    """What a result about a neighbourhood also says (PUB-31)."""

    title = _("Community matter")
    lede = _("The contractor's plan, a telephone for everybody who watches over it, and the next inspection.")
    done = _("The lines are in the text of the improvement measures.")

    contractor = forms.CharField(label=_("Contractor"), max_length=80)
    plan = forms.CharField(label=_("Rectification plan of the contractor"), max_length=400, widget=LongText(3))
    phone = forms.CharField(
        label=_("Supervision telephone"), max_length=20, help_text=_("A landline or a service number, no mobile.")
    )
    owner = forms.CharField(label=_("Whose number it is"), max_length=60)
    is_office = forms.BooleanField(label=_("It is the number of an organisation, not of a person"), required=False)
    inspection = forms.CharField(label=_("Follow-up inspection"), max_length=200)
    inspection_on = forms.DateField(label=_("First inspection on"), widget=forms.DateInput({"type": "date"}))

    def rows(self) -> list[tuple[str, str]]:
        return list(side_records.community_lines(self.publication).items())

    def save(self) -> None:
        side_records.set_community(self.publication.pk, by=self.user, **self.cleaned_data)


class DocumentForm(SideForm):
    """A manual or rule revised because of the problem (PUB-42)."""

    marks_optional = True
    title = _("Documents revised")
    lede = _("Manuals and rules that were changed because of this problem. They are counted over all results.")
    done = _("The document is recorded.")

    document = forms.CharField(label=_("Name of the document"), max_length=120)
    revision = forms.CharField(label=_("Revision"), max_length=40, required=False)
    revised_on = forms.DateField(label=_("Revised on"), widget=forms.DateInput({"type": "date"}))

    def rows(self) -> list[tuple[str, str]]:
        return [
            (row.title, " · ".join(filter(None, [row.revision, row.revised_on.isoformat()])))
            for row in self.publication.revised_documents.all()
        ]

    def save(self) -> None:
        data = self.cleaned_data
        side_records.add_document(
            self.publication.pk,
            by=self.user,
            title=data["document"],
            revision=data["revision"],
            revised_on=data["revised_on"],
        )


PAGES: dict[str, type[SideForm]] = {
    "gate": GateForm,
    "cases": CasesForm,
    "chart": ChartForm,
    "community": CommunityForm,
    "documents": DocumentForm,
}
# The field of the form for a field of the rule, where they differ.
FIELDS = {"title": "document"}


class VagueWordForm(forms.Form):
    """One more word that promises nothing (PUB-10)."""

    word = forms.CharField(label=_("Word"), max_length=40)
    advice = forms.CharField(label=_("What to write instead"), max_length=200)
    asks_date = forms.BooleanField(label=_("It stands for a time: offer dates"), required=False)

    def save(self, by: User) -> VagueWord:
        return vague_words.add(by=by, **self.cleaned_data)


class VagueWordEditForm(forms.Form):
    """Change the advice, or switch a word off."""

    advice = forms.CharField(label=_("What to write instead"), max_length=200)
    asks_date = forms.BooleanField(label=_("It stands for a time: offer dates"), required=False)
    is_active = forms.BooleanField(label=_("Look for this word"), required=False)
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: VagueWord, **kwargs: Any) -> None:
        self.row = row
        initial = {"advice": row.advice, "asks_date": row.asks_date, "is_active": row.is_active}
        super().__init__(*args, **kwargs)
        self.initial.update(initial, seen=row.changed_at.isoformat())

    def save(self, by: User) -> VagueWord:
        return vague_words.change(self.row.pk, by=by, at=timezone.now(), **self.cleaned_data)
