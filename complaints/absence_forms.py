"""Forms about who hears what: how e-mails come, and who stands in during an absence (SLA-12, SLA-13)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.web import offer
from complaints.public_forms import PlainText
from complaints.register_forms import BrowserMoment
from complaints.states import MailRhythm


class RhythmForm(forms.Form):
    """How somebody wants messages by e-mail."""

    rhythm = forms.ChoiceField(label=_("E-mails"), choices=MailRhythm.choices, widget=forms.RadioSelect)


class AbsenceForm(forms.Form):
    """From when to when somebody is away, and who stands in."""

    since = BrowserMoment(label=_("Away from"))
    until = BrowserMoment(label=_("Away until"))
    substitute = forms.ModelChoiceField(
        User.objects.none(), label=_("Who stands in"), empty_label=_("Choose a colleague")
    )
    reason = PlainText(
        label=_("Reason"),
        limit=200,
        required=False,
        help_text=_("For example leave or training. Everybody who enters absences can read it."),
    )

    def __init__(self, *args: Any, candidates: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "substitute", candidates)
