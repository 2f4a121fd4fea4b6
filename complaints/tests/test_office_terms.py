"""The days of daily work are data of the office: read, edited as revisions, used (SLA-08, SLA-09, SLA-13)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.tests.factories import user
from complaints import incident_groups, incident_jobs, incidents, information_requests, office_terms, request_jobs
from complaints import transitions as t
from complaints.models import CareConsent, Deadline, Notification, OfficeTerms, Proposal
from complaints.tests.factories import Story, at, registered
from complaints.transitions import follow_up_plan
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
    client.force_login(keeper)
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
    client.force_login(keeper)
    answer = client.post(reverse("complaints:office_terms_edit"), form(**{field: value}))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not OfficeTerms.objects.exists()


def test_two_people_editing_the_same_revision_do_not_overwrite_each_other(client, keeper):
    client.force_login(keeper)
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
