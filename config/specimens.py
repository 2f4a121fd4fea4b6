"""The component sheet (组件样张): every component in every state, light and dark."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_TOKENS = (
    ("ink-1", "ink-2", "ink-3", "line-3", "line-2", "bg-inset", "bg-sunken", "accent", "accent-soft"),
    ("ok", "ok-soft", "warn", "warn-soft", "bad", "bad-soft", "info", "info-soft", "legal-soft"),
)
_SIZES = (
    (38, "公众首页标题"),
    (30, "公众页标题"),
    (24, "小标题"),
    (20, "员工页标题"),
    (18, "公众正文 · 行高 1.75"),
    (14, "员工正文"),
    (13, "表格与表单"),
    (12, "说明与标签"),
)
_REDACTIONS = (
    ("name", "姓名"),
    ("phone", "电话"),
    ("id", "证件"),
    ("addr", "住址"),
    ("org", "企业"),
    ("health", "健康"),
)
_STEPS = (("受理", "11-05"), ("立项", "11-06"), ("调阅", "进行中"), ("核查", ""), ("结论", ""))


class SpecimenForm(forms.Form):
    """One field of each kind; sent with a wrong date so that the errors show too."""

    place = forms.CharField(label="地点", required=False)
    due_on = forms.DateField(label="完成日期", error_messages={"invalid": "请写具体日期，例如 12月11日"})
    number = forms.CharField(label="案件号", disabled=True, initial="由系统填写")
    department = forms.ChoiceField(label="部门", choices=[("water", "供水集团"), ("roads", "城管局")])
    note = forms.CharField(label="说明", widget=forms.Textarea, required=False)
    attachment = forms.FileField(label="附件", required=False)
    contact = forms.ChoiceField(
        label="联系方式", choices=[("phone", "打电话"), ("text", "发短信")], widget=forms.RadioSelect, initial="phone"
    )
    notices = forms.MultipleChoiceField(
        label="提醒",
        choices=[("due", "到期前"), ("reply", "有答复时")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    urgent = forms.BooleanField(label="加急", required=False)
    follow = forms.BooleanField(label="关注", required=False)


@login_required
def components(request: HttpRequest) -> HttpResponse:
    """The sheet. Its form is never saved anywhere."""
    sent = {
        "place": "槐荫里",
        "due_on": "尽快",
        "department": "water",
        "contact": "phone",
        "notices": ["due"],
        "follow": "on",
    }
    context = {
        "forms": {theme: SpecimenForm(sent, auto_id=f"{theme}-%s") for theme in ("light", "dark")},
        "tokens": _TOKENS,
        "sizes": _SIZES,
        "redactions": _REDACTIONS,
        "steps": _STEPS,
        "segment_parts": ("on", "on", "half", ""),
        "contact_hints": {"phone": "工作日 8:30–17:30"},
    }
    return render(request, "desk/components.html", context)
