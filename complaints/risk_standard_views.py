"""The settings page of the grading standard: read it, edit it as a new revision, see what would change.

Thresholds, factors and the days between risk meetings are one revision (RISK-03, RISK-06).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints import risk, risk_default, risk_page, risk_standards
from complaints.choice_fields import LongText
from complaints.desk_access import needs
from complaints.models import Category, Dimension, RiskStandard
from complaints.states import EmotionIntensity, RiskGrade, Threat
from complaints.transitions.risk import PERMISSION

_MEETING_LABELS = {
    "first": gettext_lazy("First meeting within so many days"),
    "every": gettext_lazy("Then again after so many days"),
}
# What a number of a factor is compared with.
_FROM = {
    "amount_from": gettext_lazy("From so many yuan"),
    "persons_from": gettext_lazy("From so many persons"),
    "emotion_from": gettext_lazy("From this intensity of emotion"),
    "signal_from": gettext_lazy("From so many signals"),
}
_APPLIES = {
    "amount_from": gettext_lazy("amount in dispute"),
    "persons_from": gettext_lazy("persons affected"),
    "emotion_from": gettext_lazy("intensity of emotion"),
    "signal_from": gettext_lazy("public opinion"),
    "flag": gettext_lazy("fact recorded on the case"),
    "threat": gettext_lazy("says they will turn to"),
    "words": gettext_lazy("words in the text"),
    "category": gettext_lazy("classification"),
    "repeat": gettext_lazy("repeat complaint"),
}


class StandardForm(forms.Form):
    """Thresholds, risk meetings and factors of one revision, and room for one more list of words."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    medium_from = forms.IntegerField(label=gettext_lazy("Medium risk from"), min_value=1, max_value=9999)
    high_from = forms.IntegerField(label=gettext_lazy("High risk from"), min_value=2, max_value=9999)
    new_name = forms.CharField(label=gettext_lazy("Name of the new factor"), max_length=40, required=False)
    new_weight = forms.IntegerField(
        label=gettext_lazy("Points"), min_value=0, max_value=risk.MAX_WEIGHT, required=False
    )
    new_words = forms.CharField(
        label=gettext_lazy("Words"), required=False, widget=LongText(3), help_text=gettext_lazy("One word per line.")
    )
    note = forms.CharField(label=gettext_lazy("What changed and why"), max_length=200)

    def __init__(self, *args: Any, standard: RiskStandard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standard = standard
        for name in ("medium_from", "high_from"):
            self.initial.setdefault(name, getattr(standard, name))
        self.initial.setdefault("based_on", standard.revision)
        self._add_meetings()
        for factor in standard.factors:
            self._add_fields(factor)

    def _add_meetings(self) -> None:
        for grade, days in risk_standards.meetings(self.standard).items():
            for part, label in _MEETING_LABELS.items():
                self.fields[f"{part}_{grade}"] = forms.IntegerField(
                    label=label, min_value=0, max_value=risk_standards.MOST_DAYS, initial=getattr(days, part)
                )

    def _add_fields(self, factor: dict[str, Any]) -> None:
        code, kind = factor["code"], factor["kind"]
        self.fields[f"weight_{code}"] = forms.IntegerField(
            label=gettext_lazy("Points"), min_value=0, max_value=risk.MAX_WEIGHT, initial=factor["weight"]
        )
        if kind == "emotion_from":
            self.fields[f"value_{code}"] = forms.TypedChoiceField(
                label=_FROM[kind], coerce=int, choices=EmotionIntensity.choices[1:], initial=factor["value"]
            )
        elif kind in _FROM:
            self.fields[f"value_{code}"] = forms.IntegerField(
                label=_FROM[kind], min_value=1, max_value=1_000_000_000, initial=factor["value"]
            )
        if kind == "category":
            self.fields[f"values_{code}"] = forms.CharField(
                label=gettext_lazy("Codes of categories"),
                widget=LongText(2),
                initial="\n".join(factor["values"]),
                help_text=gettext_lazy("One per line; “legal:*” stands for every type of legal risk."),
            )
        if "words" in factor:
            self.fields[f"words_{code}"] = forms.CharField(
                label=gettext_lazy("Words"), required=False, widget=LongText(3), initial="\n".join(factor["words"])
            )

    def rows(self) -> Iterator[tuple[dict[str, Any], list[forms.BoundField], list[forms.BoundField]]]:
        """Each factor with its numbers and its lists."""
        for factor in self.standard.factors:
            yield shown(factor), self._having(factor, "weight", "value"), self._having(factor, "values", "words")

    def _having(self, factor: dict[str, Any], *parts: str) -> list[forms.BoundField]:
        names = [f"{part}_{factor['code']}" for part in parts]
        return [self[name] for name in names if name in self.fields]

    def meeting_rows(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Each grade that is talked over with its two fields, the gravest first."""
        for grade in reversed(risk_default.MEETINGS):
            yield str(RiskGrade(grade).label), [self[f"{part}_{grade}"] for part in _MEETING_LABELS]

    def meetings(self) -> dict[str, dict[str, int]]:
        """The days until and between risk meetings as edited."""
        values = self.cleaned_data
        return {grade: {part: values[f"{part}_{grade}"] for part in _MEETING_LABELS} for grade in risk_default.MEETINGS}

    def factors(self) -> list[dict[str, Any]]:
        """The factors as edited, and the new one where a name was given."""
        values = self.cleaned_data
        found = []
        for factor in deepcopy(self.standard.factors):
            code = factor["code"]
            factor["weight"] = values[f"weight_{code}"]
            if f"value_{code}" in values:
                factor["value"] = values[f"value_{code}"]
            for part in ("values", "words"):
                if f"{part}_{code}" in values:
                    factor[part] = _lines(values[f"{part}_{code}"])
            found.append(factor)
        if values["new_name"].strip():
            taken = {factor["code"] for factor in found}
            code = next(f"own_{n}" for n in range(1, len(found) + 2) if f"own_{n}" not in taken)
            name, words = values["new_name"].strip(), _lines(values["new_words"])
            found.append({"code": code, "name": name, "name_en": "", "kind": "words", "words": words})
            found[-1]["weight"] = values["new_weight"] or 0
        return found

    def candidate(self) -> RiskStandard:
        """The revision this form describes, not stored. Raises InvalidInput by field."""
        values = self.cleaned_data
        factors = self.factors()
        risk_standards.check(factors, values["medium_from"], values["high_from"])
        risk_standards.check_meetings(self.meetings())
        return RiskStandard(
            factors=factors,
            medium_from=values["medium_from"],
            high_from=values["high_from"],
            meetings=self.meetings(),
        )


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _chosen_words(values: list[str]) -> list[str]:
    """The values of dimensions a factor names, in words; "legal:*" is any value of that dimension."""
    names = {row.code: row.label for row in Category.objects.filter(code__in=values)}
    whatever = _("any value")
    anything = {f"{dimension}:*": f"{dimension.label}：{whatever}" for dimension in Dimension}
    return [str(anything.get(value) or names.get(value, value)) for value in values]


def shown(factor: dict[str, Any]) -> dict[str, Any]:
    """A factor in words: its name, what it looks at, from where, and its words."""
    kind = factor["kind"]
    value: Any = factor.get("value", "")
    if kind == "emotion_from":
        value = EmotionIntensity(value).label
    elif kind == "threat":
        value = _(", ").join(str(Threat(code).label) for code in factor["values"])
    elif kind == "category":
        value = _(", ").join(_chosen_words(factor["values"]))
    elif kind == "flag":
        value = ""
    elif kind in risk_standards.NUMERIC:
        value = risk_page.number(value)
    return {
        "code": factor["code"],
        "name": risk_page.label(factor),
        "points": factor["weight"],
        "looks_at": _APPLIES[kind],
        "value": value,
        "words": _(", ").join(factor.get("words", ())),
    }


def _rhythm(days: risk_standards.Meetings) -> str:
    """When risk meetings are due, in words."""
    if not (days.first or days.every):
        return _("as needed, nobody is reminded")
    after = ngettext("every day", "every %(n)s days", days.every) % {"n": days.every} if days.every else _("as needed")
    if not days.first:
        return after
    words = ngettext("first within %(n)s day of the grade", "first within %(n)s days of the grade", days.first)
    return _("%(first)s, then %(after)s") % {"first": words % {"n": days.first}, "after": after}


@needs(*risk_standards.EDITORS, PERMISSION)
def standard(request: StaffRequest, revision: int | None = None) -> HttpResponse:
    """A revision of the standard, the one in force unless another is asked for, and all revisions."""
    rows = list(RiskStandard.objects.select_related("by").order_by("-revision"))
    found = next((row for row in rows if row.revision == revision or (revision is None and row.is_active)), None)
    if found is None:
        raise Http404
    context = {
        "standard": found,
        "factors": [shown(factor) for factor in found.factors],
        "meetings": [
            (RiskGrade(grade).label, _rhythm(days)) for grade, days in reversed(risk_standards.meetings(found).items())
        ],
        "revisions": rows,
        "may_edit": any(request.user.has_perm(name) for name in risk_standards.EDITORS),
    }
    return render(request, "complaints/settings/risk_standard.html", context)


@needs(*risk_standards.EDITORS)
def edit(request: StaffRequest) -> HttpResponse:
    """Edit the standard in force: first see what would change, then store it as the next revision."""
    active = get_object_or_404(RiskStandard, is_active=True)
    form = StandardForm(request.POST if request.method == "POST" else None, standard=active)
    if not form.is_bound:
        return _edit_page(request, form, status=200)
    if not form.is_valid():
        return _edit_page(request, form, status=422)
    try:
        candidate = form.candidate()
        if "save" not in request.POST:
            return _edit_page(request, form, status=200, preview=risk_standards.preview(candidate))
        stored = risk_standards.revise(
            factors=candidate.factors,
            medium_from=candidate.medium_from,
            high_from=candidate.high_from,
            meetings=form.meetings(),
            note=form.cleaned_data["note"],
            based_on=form.cleaned_data["based_on"],
            by=request.user,
            at=timezone.now(),
        )
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _edit_page(request, form, status=422)
    except StaleVersion as error:
        return _edit_page(request, form, status=409, problem=str(error))
    messages.success(request, _("Revision %(number)s grades from now on.") % {"number": stored.revision})
    return redirect("complaints:risk_standard")


def _edit_page(
    request: StaffRequest,
    form: StandardForm,
    *,
    status: int,
    preview: risk_standards.Preview | None = None,
    problem: str = "",
) -> HttpResponse:
    counts = []
    if preview:
        lines = [
            (_("By the new revision"), preview.new),
            (_("By the revision in force"), preview.active),
            (_("As the cases stand now"), preview.standing),
        ]
        counts = [(label, [numbers[str(grade)] for grade in risk.GRADES]) for label, numbers in lines]
    values = {
        "form": form,
        "standard": form.standard,
        "next": form.standard.revision + 1,
        "counts": counts,
        "cases": preview.cases if preview else 0,
        "grades": [RiskGrade(grade).label for grade in risk.GRADES],
        "problem": problem,
    }
    return render(request, "complaints/settings/risk_standard_edit.html", values, status=status)
