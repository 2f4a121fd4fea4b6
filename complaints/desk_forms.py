"""Small forms of the desk: assigning several cases at once, jumping to a day."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from accounts.web import offer
from complaints.filters import DayField


class BulkAssignForm(forms.Form):
    """One lead department and one task for several accepted cases (ASG-01, ASG-03)."""

    department = forms.ModelChoiceField(
        Department.objects.none(), label=_("Lead department"), empty_label=_("Choose a department")
    )
    task = forms.CharField(
        label=_("Task and requirements"),
        help_text=_("What the department has to find out and do. Every case gets the same text."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offer(self, "department", Department.objects.handling())


class JumpForm(forms.Form):
    """Where in the list to go: the first case of a day."""

    date = DayField(label=_("Day"))
