"""The components: exact markup where meaning depends on it, and refusal of unknown arguments."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.conf import settings as django_settings
from django.http import QueryDict
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from config import drawings, formatting

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 14, 26, tzinfo=SHANGHAI)
STATIC = Path(django_settings.BASE_DIR) / "static"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def render(source: str, **context) -> str:
    return Template(source).render(Context(context)).strip()


# --- Dates and numbers (DESIGN 5: always concrete) -------------------------------------------
@pytest.mark.parametrize(
    ("style", "chinese", "english"),
    [
        ("zh_date", "11月23日 周一", "Mon 23 Nov"),
        ("zh_datetime", "11月23日 周一 17:30", "Mon 23 Nov 17:30"),
        ("short_date", "11-23", "11-23"),
        ("short_datetime", "11-23 17:30", "11-23 17:30"),
        ("public_date", "11 月 23 日（周一）", "Mon 23 Nov"),
        ("public_datetime", "11 月 23 日（周一）17:30", "Mon 23 Nov 17:30"),
    ],
)
def test_moment_is_written_in_both_languages(style, chinese, english):
    moment = datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo("UTC"))  # 17:30 in Shanghai
    write = getattr(formatting, style)
    with translation.override("zh-hans"):
        assert write(moment, NOW) == chinese
    assert write(moment, NOW) == english


def test_amounts_and_months_are_written_as_people_write_them():
    """Cents only where there are any; a month by its name, never 2026-10."""
    assert [formatting.money(Decimal(text)) for text in ("6840.00", "46.50", "0")] == ["6,840", "46.50", "0"]
    assert formatting.money(None) == "—"
    assert formatting.month("2026-10") == "October 2026"
    with translation.override("zh-hans"):
        assert formatting.month("2026-10") == "2026 年 10 月"


def test_local_day_decides_the_weekday_and_the_date():
    """23:30 UTC on Sunday is Monday in Shanghai."""
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=ZoneInfo("UTC"))
    with translation.override("zh-hans"):
        assert formatting.zh_datetime(moment, NOW) == "11月23日 周一 07:30"


def test_another_year_is_written_out():
    with translation.override("zh-hans"):
        assert formatting.zh_date(date(2025, 12, 1), NOW) == "2025年12月1日 周一"
        assert formatting.public_date(date(2027, 3, 31), NOW) == "2027 年 3 月 31 日（周三）"
        assert formatting.full_date(date(2026, 11, 25)) == "2026 年 11 月 25 日"
    assert formatting.zh_date(date(2025, 12, 1), NOW) == "Mon 1 Dec 2025"
    assert formatting.full_date(date(2026, 11, 25)) == "25 November 2026"


@pytest.mark.parametrize(
    ("moment", "chinese", "english"),
    [
        (datetime(2026, 11, 20, 11, 2, tzinfo=SHANGHAI), "今天 11:02", "today 11:02"),
        (datetime(2026, 11, 19, 23, 59, tzinfo=SHANGHAI), "昨天 23:59", "yesterday 23:59"),
        (datetime(2026, 11, 18, 10, 15, tzinfo=SHANGHAI), "11-18 10:15", "11-18 10:15"),
        (datetime(2025, 11, 18, 10, 15, tzinfo=SHANGHAI), "2025-11-18 10:15", "2025-11-18 10:15"),
        (date(2026, 11, 20), "今天", "today"),
        (None, "", ""),
    ],
)
def test_ago_names_today_and_yesterday_only(moment, chinese, english):
    with translation.override("zh-hans"):
        assert formatting.ago(moment, NOW) == chinese
    assert formatting.ago(moment, NOW) == english


def test_sizes_shares_and_counts():
    assert [formatting.filesize(n) for n in (0, 1023, 1024, 1_887_437, 86 * 1024**2, 5 * 1024**3)] == [
        "0 B",
        "1023 B",
        "1 KB",
        "1.8 MB",
        "86 MB",
        "5 GB",
    ]
    assert [formatting.percent(0.964), formatting.percent(0.125, 0), formatting.percent(None)] == ["96.4%", "13%", "—"]
    assert render("{{ n|thousands }} {{ r|percent:2 }}", n=1284306, r=0.96444) == "1,284,306 96.44%"


def test_when_carries_the_machine_readable_moment():
    html = render("{% when at 'hour' 'muted' %}", at=datetime(2026, 11, 20, 9, 5, tzinfo=SHANGHAI))
    assert html == '<time datetime="2026-11-20T09:05:00+08:00" class="muted">09:05</time>'
    assert render("{% when at %}", at=None) == ""


# --- Glyphs ------------------------------------------------------------------------------------
def test_icon_is_hidden_from_screen_readers_and_unknown_names_fail():
    assert drawings.icon("check", "icon-sm").startswith('<svg class="icon icon-sm" viewBox="0 0 24 24"')
    assert 'aria-hidden="true"' in drawings.icon("check")
    with pytest.raises(ValueError, match="no icon 'unicorn'"):
        drawings.icon("unicorn")
    with pytest.raises(ValueError, match="no icon"):
        drawings.icon("../../config/organisation")


def test_every_icon_named_in_a_template_exists():
    templates = Path(django_settings.BASE_DIR) / "templates"
    names = {name for page in templates.rglob("*.html") for name in re.findall(r'{% icon "([^"]+)"', page.read_text())}
    assert len(names) > 10
    assert [name for name in sorted(names) if not (STATIC / "icons" / f"{name}.svg").is_file()] == []


def test_pie_fills_with_progress_and_ends_in_a_tick():
    assert "stroke-dasharray" in drawings.pie(0)
    assert "A3.6 3.6 0 0 1 10.60 7.00Z" in drawings.pie(2)  # a quarter: three o'clock, small arc
    assert "A3.6 3.6 0 1 1 3.40 7.00Z" in drawings.pie(6)  # three quarters: nine o'clock, large arc
    assert "pie-tick" in drawings.pie(8)
    assert "pie-tick" in drawings.pie(7, total=7)


def test_qr_holds_the_address_and_a_quiet_zone():
    html = drawings.qr('https://example.org/?a=1&b="2"', 'Scan "me"')
    side = int(re.search(r'viewBox="-4 -4 (\d+)', html).group(1))
    assert (side - 8 - 17) % 4 == 0  # the side of a QR code is 17 + 4 × version
    assert 'aria-label="Scan &quot;me&quot;"' in html
    assert html == drawings.qr('https://example.org/?a=1&b="2"', 'Scan "me"')
    assert html != drawings.qr("https://example.org/?a=2", 'Scan "me"')


# --- Words with a shape and a colour --------------------------------------------------------------
def test_states_are_said_by_icon_word_and_attribute():
    assert 'data-state="overdue"' in render('{% deadline_chip "overdue" "超时 46 分" %}')
    assert "超时 46 分</span>" in render('{% deadline_chip "overdue" "超时 46 分" %}')
    assert render('{% risk_badge "high" %}').endswith("High</span>")
    assert render('{% status_badge 8 "结案" "done" %}').startswith('<span class="status" data-tone="done"><svg')
    assert 'class="tag tag-warn"' in render('{% tag "缺证据" "warn" "circle-alert" %}')


@pytest.mark.parametrize(
    "source",
    [
        '{% deadline_chip "late" "x" %}',
        '{% risk_badge "extreme" %}',
        '{% status_badge 1 "x" "red" %}',
        '{% tag "x" "pink" %}',
        '{% callout "danger" "x" %}',
        '{% plan_item "x" state="later" %}',
        '{% when at "fancy" %}',
    ],
)
def test_unknown_state_fails(source):
    with pytest.raises(ValueError, match="Unknown"):
        render(source, at=NOW)


def test_undeclared_argument_fails():
    with pytest.raises(TemplateSyntaxError, match="colour"):
        render('{% tag "x" colour="red" %}')


def test_what_people_typed_is_escaped_everywhere():
    evil = '<img src=x onerror="1">'
    source = (
        "{% tag v %}{% who v %}{% avatar v %}{% case_number v %}{% kbd v %}{% callout 'info' v v url=v link_label=v %}"
        "{% callout_block 'info' v %}{{ v }}{% endcallout_block %}{% deadline_chip 'met' v %}"
        "{% timeline_item icon='mail' title=v actor=v at=v %}{{ v }}{% endtimeline_item %}"
        "{% plan_item v v text=v %}{% empty_state v v v v %}{% clock v 'soon' v due=v note=v %}"
        "{% dialog id='d' title=v %}{{ v }}{% enddialog %}{% stepper steps 1 v %}{% progress 3 v %}{% pager v v v %}"
        "{% confirm_dialog id='c' title=v text=v action=v label=v %}{% status_badge 1 v %}{% qr v v %}"
    )
    html = render(source, v=evil, steps=[(evil, evil)])
    assert "<img" not in html
    assert "&lt;img" in html


def test_block_components_keep_the_markup_between_their_tags():
    html = render('{% callout_block "bad" "保存失败" %} <p>陈嘉怡 14:25 改过</p> {% endcallout_block %}')
    assert "<strong>保存失败</strong><p>陈嘉怡 14:25 改过</p></div></div>" in html
    event = render('{% timeline_item icon="mail" title="x" %}<b>附件</b>{% endtimeline_item %}')
    assert '<div class="tl-card"><b>附件</b></div>' in event
    assert "tl-card" not in render('{% timeline_item icon="mail" title="x" %} {% endtimeline_item %}')


def test_case_number_sets_the_last_part_apart():
    assert render('{% case_number "HY-20261120-0042" %}') == '<span class="caseno">HY-20261120-<b>0042</b></span>'


def test_stepper_marks_done_current_and_coming_steps():
    html = render('{% stepper steps 2 "Progress" %}', steps=[("A", "1"), ("B", "2"), ("C", "")])
    assert html.count('class="is-done"') == 1
    assert html.count('aria-current="step"') == 1
    assert re.findall(r'class="vh">([^<]+)<', html) == ["(done)", "(current)", "(not started)"]
    finished = render('{% stepper steps 4 "Progress" %}', steps=[("A", "1"), ("B", "2"), ("C", "")])
    assert finished.count("(done)") == 3


@pytest.mark.parametrize(("value", "width"), [(0, "0"), (57.6, "58"), (-4, "0"), (250, "100"), (None, "0")])
def test_bar_width_is_a_percentage_the_style_sheet_knows(value, width):
    assert f'<i data-pct="{width}">' in render("{% bar value %}", value=value)
    assert f'[data-pct="{width}"] {{ inline-size: {width}%; }}' in (STATIC / "css" / "percent.css").read_text()


def test_progress_bar_says_its_value():
    assert 'role="progressbar" aria-valuenow="62" aria-valuemin="0" aria-valuemax="100"' in render(
        '{% progress 62 "Upload" %}'
    )


# --- Forms ---------------------------------------------------------------------------------------
class Sample(forms.Form):
    subject = forms.CharField(label="Subject", help_text="In a few words")
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)
    channel = forms.ChoiceField(
        label="Channel", choices=[("", "---------"), ("web", "Web"), ("tel", "Telephone")], widget=forms.RadioSelect
    )
    alerts = forms.MultipleChoiceField(
        label="Alerts", choices=[("a", "One"), ("b", "Two")], widget=forms.CheckboxSelectMultiple, required=False
    )
    urgent = forms.BooleanField(label="Urgent", required=False)
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self):
        raise forms.ValidationError("The two dates contradict each other.")


def test_field_ties_label_hint_and_error_to_the_control():
    html = render("{% form_field form.subject %}", form=Sample(QueryDict("")))
    assert '<div class="field has-error"><label class="label" for="id_subject">Subject</label>' in html
    assert '<span class="hint" id="id_subject_hint">In a few words</span>' in html
    assert 'id="id_subject_error"' in html
    control = re.search(r"<input[^>]*>", html).group()
    assert 'aria-describedby="id_subject_hint id_subject_error"' in control
    assert 'aria-invalid="true"' in control
    assert 'class="input"' in control


def test_field_without_hint_or_error_describes_nothing():
    html = render("{% form_field form.subject hint=False %}", form=Sample())
    assert "aria-describedby" not in html
    assert "aria-invalid" not in html
    assert "In a few words" not in html


def test_optional_fields_say_so_unless_told_otherwise():
    assert '<span class="opt">(optional)</span>' in render("{% form_field form.note %}", form=Sample())
    assert "(optional)" not in render("{% form_field form.note optional=False %}", form=Sample())
    assert "(optional)" not in render("{% form_field form.urgent %}", form=Sample())
    assert "(optional)" not in render("{% form_field form.subject %}", form=Sample())


def test_radios_are_a_fieldset_with_one_label_each():
    form = Sample(QueryDict("channel=tel&subject=x"))
    html = render("{% form_field form.channel cards=True option_hints=hints %}", form=form, hints={"web": "Any hour"})
    assert '<fieldset class="field field-group"><legend class="label">Channel</legend>' in html
    assert html.count('type="radio"') == 2
    assert html.count('<label class="choice"') == 2
    assert re.search(r'value="tel"[^>]*checked', html)
    assert "<strong>Web</strong><small>Any hour</small>" in html


def test_list_of_check_boxes_takes_several_answers():
    html = render("{% form_field form.alerts %}", form=Sample(QueryDict("alerts=a&alerts=b")))
    assert html.count('type="checkbox"') == 2
    assert html.count(" checked") == 2
    assert html.count('class="check"') == 2


def test_hidden_field_is_only_the_control():
    assert render("{% form_field form.secret %}", form=Sample()).startswith('<input type="hidden"')


def test_error_summary_links_each_error_to_its_control():
    html = render("{% error_summary form %}", form=Sample(QueryDict("")))
    assert "<h2>3 things need to be changed</h2>" in html
    assert '<a href="#id_subject">Subject: This field is required.</a>' in html
    assert '<a href="#id_channel_0">Channel: This field is required.</a>' in html
    assert "<li>The two dates contradict each other.</li>" in html
    assert 'role="alert"' in html


def test_error_summary_joins_forms_and_formsets_and_is_silent_otherwise():
    rows = forms.formset_factory(Sample, extra=0)(
        QueryDict("form-TOTAL_FORMS=1&form-INITIAL_FORMS=0&form-0-note=x"), prefix="form"
    )
    html = render("{% error_summary form rows %}", form=Sample(QueryDict("channel=web&subject=x")), rows=rows)
    assert html.count("<li>") == 1 + 3
    assert '<a href="#id_form-0-subject">' in html
    assert render("{% error_summary form %}", form=Sample()) == ""


# --- Dialogs and paging ------------------------------------------------------------------------------
def test_confirm_dialog_posts_with_token_and_names_the_result():
    html = render(
        '{% confirm_dialog id="reject" title="Reject?" text="Final." action="/x/" label="不予受理" hidden=more %}',
        more={"version": 3},
        csrf_token="token-1",
    )
    assert '<dialog class="dialog" id="reject" aria-labelledby="reject-title"><form method="post" action="/x/">' in html
    assert 'name="csrfmiddlewaretoken" value="token-1"' in html
    assert '<input type="hidden" name="version" value="3">' in html
    assert '<button type="submit" class="btn btn-danger-solid">不予受理</button>' in html


def test_pager_without_a_page_before_shows_that_in_words_too():
    html = render('{% pager "" "?after=50" "1–50" %}')
    assert '<span class="btn btn-sm" aria-disabled="true">' in html
    assert '<a class="btn btn-sm" href="?after=50" rel="next">' in html
    assert html.count("<a ") == 1


# --- Style sheets ----------------------------------------------------------------------------------
def test_templates_hold_no_inline_style_script_or_handler():
    """The strict content security policy would silently drop them. Structured data is no script to it.

    The article for WeChat is pasted into an editor that keeps no style sheet.
    """
    found = []
    pages = (Path(django_settings.BASE_DIR) / "templates").rglob("*.html")
    for page in (page for page in pages if page.name != "wechat_article.html"):
        text = page.read_text()
        found += [
            f"{page.name}: {hit}"
            for hit in re.findall(
                r"""<style|\sstyle=|\son[a-z]+=["']|<script(?![^>]*\ssrc=)(?! type="application/ld\+json")[^>]*>""",
                text,
            )
        ]
    assert found == []


def test_style_sheets_use_colours_from_tokens_only():
    for name in ("utilities.css", "extras.css"):
        text = re.sub(r"/\*.*?\*/", "", (STATIC / "css" / name).read_text(), flags=re.DOTALL)
        # White paper under a QR code and the fixed dark side of the sign-in page are the exceptions.
        assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", text)) <= {"#fff", "#B9D6DE"}, name
