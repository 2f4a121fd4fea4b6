"""The days of daily work are data of the office: read, edited as revisions, used (SLA-08, SLA-09, SLA-13)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.cache import caches
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.tests.factories import sign_in_anew, user
from complaints import (
    clocks,
    incident_groups,
    incident_jobs,
    incidents,
    information_requests,
    load,
    office_terms,
    request_jobs,
    selectors,
)
from complaints import transitions as t
from complaints.deadlines import Unit
from complaints.models import CareConsent, Complaint, Deadline, Notification, OfficeTerms, Proposal
from complaints.tests.factories import Story, at, registered
from complaints.transitions import follow_up_plan
from complaints.transitions.channels import add_duty
from complaints.transitions.incidents import declare_from_case

pytestmark = pytest.mark.django_db

USUAL = {code: term.usual for code, term in office_terms.TERMS.items()}


@pytest.fixture
def keeper(db):
    return user("K001", "administrator", display_name="周立")


def set_terms(by, **changes: int) -> OfficeTerms:
    current = office_terms.current()
    return office_terms.revise(
        office_terms.all_of(current) | changes, note="按办公会意见调整", based_on=current.revision, by=by
    )


def form(**changes) -> dict:
    return {**USUAL, "based_on": 0, "note": "按办公会意见调整", **changes}


def test_the_page_shows_every_number_and_what_each_revision_changed(client, keeper):
    sign_in_anew(client, keeper)
    url, edit = reverse("complaints:office_terms"), reverse("complaints:office_terms_edit")
    html = client.get(url).content.decode()
    assert all(str(term.label) in html for term in office_terms.TERMS.values())
    assert edit in html
    assert client.post(edit, form(second_contact=14)).status_code == 302
    html = client.get(url).content.decode()
    assert "7 → 14" in html
    assert "按办公会意见调整" in html
    assert "周立" in html
    assert office_terms.of("second_contact") == 14


@pytest.mark.parametrize(
    ("field", "value"),
    [("second_contact", "-1"), ("second_contact", "0"), ("proposal", "1" + "0" * 40), ("bulletin", "六"),
     ("care_calls", ""), ("note", " "), ("note", "字" * 201), ("rework", "3\0")],
)  # fmt: skip
def test_a_number_that_cannot_be_is_refused_at_its_field_and_nothing_is_stored(client, keeper, field, value):
    sign_in_anew(client, keeper)
    answer = client.post(reverse("complaints:office_terms_edit"), form(**{field: value}))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not OfficeTerms.objects.exists()


def test_two_people_editing_the_same_revision_do_not_overwrite_each_other(client, keeper):
    sign_in_anew(client, keeper)
    set_terms(keeper, proposal=6)
    answer = client.post(reverse("complaints:office_terms_edit"), form(proposal=9))
    assert answer.status_code == 409
    assert office_terms.of("proposal") == 6
    with pytest.raises(StaleVersion):
        office_terms.revise(USUAL, note="x", based_on=0, by=keeper)


def test_only_who_edits_the_reference_data_changes_them(client, cast):
    for person in (cast.water_handler, cast.auditor, cast.publisher):
        client.force_login(person)
        assert client.get(reverse("complaints:office_terms_edit")).status_code == 403
        with pytest.raises(NotAllowed):
            office_terms.revise(USUAL, note="x", based_on=0, by=person)


def test_a_revision_names_every_number(keeper):
    with pytest.raises(InvalidInput) as refused:
        office_terms.revise({**USUAL, "care_calls": True}, note="x", based_on=0, by=keeper)
    assert refused.value.field == "care_calls"


# --- What they are used for ---------------------------------------------------------------------------
@pytest.mark.parametrize("days", [0, 3])
def test_sla_13_the_coordinator_alone_is_reminded_as_long_as_the_office_says(cast, keeper, days):
    story = Story(cast).accept().assign().start()
    story.case.__class__.objects.filter(pk=story.pk).update(coordinator=cast.coordinator)
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=at("2026-11-16 14:00"))
    set_terms(keeper, request_alone=days)
    for day in (17, 18, 19):
        Notification.objects.all().delete()
        request_jobs.remind_requests(now=at(f"2026-11-{day} 09:10"))
        told = set(Notification.objects.values_list("recipient__staff_number", flat=True))
        assert cast.coordinator.staff_number in told
        assert (told == {cast.coordinator.staff_number}) is (days == 3)


def test_fb_10_a_proposal_waits_as_many_working_days_as_the_office_says(cast, keeper):
    case = registered().complaint
    Proposal.objects.create(complaint=case, text="提前通知", at=at("2026-11-16 10:00"))
    assert request_jobs.remind_requests(now=at("2026-11-18 09:10"))["told"] == 0
    set_terms(keeper, proposal=2)
    assert request_jobs.remind_requests(now=at("2026-11-18 10:10"))["told"] > 0


def test_sla_08_fb_16_later_calls_follow_the_numbers_of_the_office(cast, keeper):
    story = Story(cast).to_closed()
    set_terms(keeper, second_contact=10, care_every=5, care_calls=0)
    row = follow_up_plan.plan_second_contact(story.case, by=None, at=at("2026-11-20 16:00"))
    assert row.due_on == date(2026, 11, 30)
    CareConsent.objects.create(
        complaint_id=story.pk, groups=["elderly"], given_how="电话中同意", given_at=at("2026-11-16 10:00")
    )
    assert follow_up_plan.plan_care_calls(story.case, by=None, at=at("2026-11-20 16:00")) == []
    set_terms(keeper, care_calls=2)
    calls = follow_up_plan.plan_care_calls(story.case, by=None, at=at("2026-11-20 16:00"))
    assert [row.due_on for row in calls] == [date(2026, 11, 25), date(2026, 11, 30)]


def test_scr_06_the_day_offered_to_answer_follows_the_office(cast, keeper):
    case = registered().complaint
    before = information_requests.usual_day(case, now=at("2026-11-16 10:00"))
    set_terms(keeper, information=5)
    assert (before, information_requests.usual_day(case, now=at("2026-11-16 10:00"))) == (
        date(2026, 11, 30),
        date(2026, 11, 23),
    )


def test_qua_05_a_case_returned_without_a_number_gets_that_of_the_office_and_given_dates_stay(cast, keeper):
    story = Story(cast).accept().assign().start().submit()
    other = registered("2026-11-16 09:30", phone="13900000001").complaint
    before = list(Deadline.objects.filter(complaint=other).values_list("due_at", flat=True))
    set_terms(keeper, rework=5)
    t.return_for_rework(story.pk, by=cast.checker, comment="未回应诉求", at=at("2026-11-18 16:00"))
    clock = Deadline.objects.get(complaint=story.pk, milestone="resolve", state="running")
    assert clock.due_at == at("2026-11-25 17:30")
    assert list(Deadline.objects.filter(complaint=other).values_list("due_at", flat=True)) == before


def test_arc_04_a_pause_offers_what_the_office_says_as_far_as_the_policy_allows(cast, keeper):
    story = Story(cast).accept().assign().start()
    set_terms(keeper, pause=4)
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=at("2026-11-16 14:00"))
    row = t.approve_pause(story.pk, by=cast.coordinator, approve=True, at=at("2026-11-16 15:00"))
    assert row.max_until - row.started_at == timedelta(days=4)


def declared(cast, *, phone: str):
    """The response to something that began at nine, with one case in it."""
    case = registered("2026-11-16 09:00", phone=phone).complaint
    begun = at("2026-11-16 09:00")
    return declare_from_case(
        case.pk, title="槐荫里停水", kind="interruption", started_at=begun, by=cast.coordinator, at=begun
    )


def test_sla_10_the_first_contact_and_its_warnings_follow_the_office_and_given_times_stay(cast, keeper):
    before = declared(cast, phone="13900000002")
    set_terms(keeper, first_contact=12, contact_near=2)
    after = declared(cast, phone="13900000003")
    before.refresh_from_db()
    assert (before.first_contact_due_at, after.first_contact_due_at) == (at("2026-11-17 09:00"), at("2026-11-16 21:00"))
    assert (incidents.contact_hours(before), incidents.contact_hours(after)) == (24, 12)
    assert incident_jobs.remind_bulletins(now=at("2026-11-16 18:59"))["first_contact"] == 0
    assert incident_jobs.remind_bulletins(now=at("2026-11-16 19:00"))["first_contact"] == 1
    told = Notification.objects.filter(kind="first_contact_near")
    assert {row.params["incident"] for row in told} == {after.incident.number}


def test_inc_06_the_next_bulletin_is_reminded_of_as_early_as_the_office_says(cast, keeper):
    row = declared(cast, phone="13900000002")
    set_terms(keeper, bulletin_near=3)
    assert row.next_bulletin_due_at == at("2026-11-16 15:00")
    assert incident_jobs.remind_bulletins(now=at("2026-11-16 11:59"))["near"] == 0
    assert incident_jobs.remind_bulletins(now=at("2026-11-16 12:00"))["near"] == 1


def test_what_forms_offer_and_where_groups_are_looked_for_follows_the_office(cast, keeper, client, monkeypatch):
    """IN-37, KB-02, SCR-09."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("2026-11-26 10:00"))
    for number in range(incident_groups.LEAST):
        registered("2026-11-16 09:00", phone=f"1390000001{number}")
    case = registered("2026-11-26 09:00", phone="13900000020").complaint
    groups = reverse("complaints:incident_groups")
    client.force_login(cast.coordinator)
    assert client.get(groups).context["groups"]
    set_terms(keeper, alike=7, outstanding=5, article_valid=30)
    page = client.get(groups)
    assert page.context["groups"] == []
    assert "7" in page.content.decode()
    assert 'value="2026-12-26"' in client.get(reverse("complaints:article_new")).content.decode()
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:action", args=[case.number, "accept"])).content.decode()
    assert 'value="2026-12-01"' in page


# --- What lists and cases are marked with ---------------------------------------------------------------
@pytest.mark.parametrize(("days", "marked"), [(2, False), (5, True)])
def test_asg_13_due_soon_is_one_number_for_mark_list_and_load(client, cast, keeper, days, marked):
    story = Story(cast).accept().assign().start()
    now = timezone.now()
    calendar = clocks.working_calendar()
    due = calendar.add_working_time(now, calendar.day_length * 4)
    story.case.deadlines.filter(state="running").update(due_at=due)
    Complaint.objects.filter(pk=story.pk).update(next_due_at=due)
    set_terms(keeper, soon=days)
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    assert ("soon" in selectors.chip(story.case, now=now, calendar=calendar)) is marked
    assert (story.case.number in client.get("/desk/queue/?view=soon").content.decode()) is marked
    (line,) = [line for line in load.departments(None, now=now) if line.key == cast.water.pk]
    assert line.soon == int(marked)
    html = client.get("/desk/load/").content.decode()
    assert f"Due within {days} working days" in html
    assert ("view=soon" in html) is marked


def test_sla_13_a_clock_in_hours_is_due_soon_by_the_hours_of_the_office(cast, keeper):
    calendar = clocks.working_calendar()
    assert selectors.soon(calendar, Unit.HOURS) == timedelta(hours=4)
    caches["local"].clear()
    set_terms(keeper, soon_hours=6)
    assert selectors.soon(calendar, Unit.WORKING_HOURS) == timedelta(hours=6)


def test_a_number_that_pages_keep_for_a_minute_is_read_again_where_it_was_changed(
    keeper, django_capture_on_commit_callbacks
):
    assert office_terms.recent("soon") == 2
    with django_capture_on_commit_callbacks(execute=True):
        set_terms(keeper, soon=3)
    assert office_terms.recent("soon") == 3


@pytest.mark.parametrize(("days", "repeat"), [(90, False), (180, True)])
def test_cls_18_a_repeat_is_a_complaint_within_the_days_of_the_office_and_what_was_marked_stays(
    client, cast, keeper, days, repeat
):
    registered("2026-07-01 09:00")
    set_terms(keeper, repeat=days)
    case = registered("2026-11-16 09:12").complaint
    assert case.is_repeat is repeat
    client.force_login(cast.intake)
    client.cookies["huiyin_language"] = "en"
    html = client.get(reverse("complaints:detail", args=[case.number])).content.decode()
    assert ("1 earlier complaint by the same person" in html) is repeat
    pane = client.get("/desk/queue/", {"preview": case.number}).content.decode()
    assert (f"1 earlier complaint of the same person in {days} days" in pane) is repeat
    set_terms(keeper, repeat=7)
    case.refresh_from_db()
    assert case.is_repeat is repeat


def test_in_14_a_turn_on_duty_lasts_no_longer_than_the_office_says(cast, keeper):
    set_terms(keeper, duty=1)
    times = {"starts_at": at("2026-11-16 08:00"), "ends_at": at("2026-11-17 09:00")}
    with pytest.raises(InvalidInput) as refused:
        add_duty(channel="phone", person=cast.intake, by=cast.intake, **times)
    assert refused.value.field == "ends_at"
    set_terms(keeper, duty=2)
    add_duty(channel="phone", person=cast.intake, by=cast.intake, **times)


def test_scr_06_the_longest_wait_bounds_the_day_the_form_and_the_wait_without_a_day(client, cast, keeper):
    case = registered().complaint
    set_terms(keeper, information_most=10, information_wait=10, information=30)
    now = at("2026-11-16 10:00")
    assert information_requests.usual_day(case, now=now) == date(2026, 11, 25)
    with pytest.raises(InvalidInput) as refused:
        t.request_information(case.pk, by=cast.intake, items="照片", due_at=at("2026-11-27 23:59"), at=now)
    assert refused.value.field == "due_on"
    sign_in_anew(client, keeper)
    client.cookies["huiyin_language"] = "en"
    answer = client.post(reverse("complaints:office_terms_edit"), form(based_on=1, information_wait=91))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "information_wait": ["This is longer than an answer may take at most (90 days); change one of them."]
    }
