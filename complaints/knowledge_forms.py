"""Forms of the knowledge articles: what an article says and how long it holds (KB-02)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.web import offer
from complaints import case_library, knowledge
from complaints.choice_fields import CaseField, CategoryField, LongText, PersonField
from complaints.models import Article, Dimension
from complaints.register_forms import BrowserMoment
from complaints.states import ArticleKind

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ArticleForm(forms.Form):
    """A draft or a change. `version` and `note` are asked for once the article exists."""

    kind = forms.ChoiceField(label=_("Type of article"), choices=ArticleKind.choices)
    title = forms.CharField(
        label=_("Title"), max_length=120, help_text=_("For a common question, the question as people ask it.")
    )
    body = forms.CharField(
        label=_("Text"), max_length=knowledge.MAX_BODY, widget=LongText(12),
        help_text=_("For a known issue, the answer that every clerk gives."),
    )  # fmt: skip
    case_numbers = forms.CharField(
        label=_("Cases it was made from"), required=False, max_length=400,
        help_text=_("Only for a typical case: their numbers. They are checked for names and not stored."),
    )  # fmt: skip
    note = forms.CharField(
        label=_("What changed and why"), required=False, max_length=200,
        help_text=_("Needed when title or text change."),
    )  # fmt: skip
    category = CategoryField(Dimension.CATEGORY, label=_("Category"), required=False)
    product = forms.CharField(label=_("Product or service"), max_length=120, required=False)
    words = forms.CharField(
        label=_("Words people use for it"), max_length=300, required=False,
        help_text=_("Other names, so that it is found; with blanks between."),
    )  # fmt: skip
    related = forms.CharField(
        label=_("Related articles"), max_length=600, required=False, help_text=_("Their numbers, with blanks between.")
    )
    owner = PersonField(label=_("Owner"))
    valid_until = forms.DateField(label=_("Valid until"), widget=_DAY)
    review_months = forms.IntegerField(
        label=_("Looked at again every so many months"), min_value=1, max_value=60, initial=12
    )
    is_public = forms.BooleanField(
        label=_("Shown to the public"), required=False, help_text=_("Only for common questions and tips.")
    )
    needs_receipt = forms.BooleanField(label=_("Everybody confirms having read it"), required=False)
    broadcast_until = BrowserMoment(
        label=_("Shown to all clerks until"), required=False, help_text=_("Only for known issues.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, article: Article | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "owner", knowledge.editors().order_by("display_name"))
        if article is None:
            del self.fields["version"], self.fields["note"]
            return
        newest = knowledge.newest_revision(article)
        self.initial = {
            **{name: getattr(article, name) for name in self.fields if name not in ("case_numbers", "note", "related")},
            "title": newest.title,
            "body": newest.body,
            "category": article.category.code if article.category else "",
            "owner": article.owner.staff_number,
            "related": knowledge.numbers_of(article.related.all()),
            **self.initial,
        }


class CaseDraftForm(forms.Form):
    """The closed case a typical case is drafted from, and its outline (IMP-18, IMP-19)."""

    case = CaseField(label=_("Number of the closed case"))
    outline = forms.ChoiceField(
        label=_("Outline"), choices=list(case_library.OUTLINES.items()), widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "case", case_library.drawable(user))
        self.initial.setdefault("outline", case_library.EXPOSED)


class VersionForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class ConfirmForm(VersionForm):
    """It still holds."""

    valid_until = forms.DateField(label=_("Valid until"), widget=_DAY)


class ReadForm(forms.Form):
    """Which text somebody has read."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
