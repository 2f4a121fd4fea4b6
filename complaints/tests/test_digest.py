"""How messages come by e-mail: at once, once a working day, or not (SLA-13, CASE-10)."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from complaints import digests, jobs, notify
from complaints.models import MailPreference, Notification
from complaints.states import MailRhythm
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db
URL = "/desk/notifications/settings/"


@pytest.fixture
def reader(cast):
    """Somebody who reads one e-mail a day, since Thursday morning."""
    digests.choose(cast.water_handler, MailRhythm.DIGEST, now=at("2026-11-19 10:00"))
    return cast.water_handler


def tell(
    user, kind: str = "assigned", *, when: str = "2026-11-19 15:00", dedupe: str = "one", **values
) -> Notification:
    notify.tell([user], kind, dedupe=dedupe, **values)
    row = Notification.objects.get(dedupe_key=f"{dedupe}:{user.pk}")
    row.created_at = at(when)
    row.save()
    return row


def test_sla_13_one_mail_on_the_next_working_day_lists_what_is_unread(cast, reader):
    case = Story(cast).case
    tell(reader, complaint=case)
    tell(reader, "handed_over", dedupe="two", complaint=case, when="2026-11-19 16:00")
    assert digests.send_digests(now=at("2026-11-20 08:59"))["sent"] == 0
    assert digests.send_digests(now=at("2026-11-20 09:00"))["sent"] == 1
    (message,) = mail.outbox
    assert message.to == ["w001@example.cn"]
    assert message.body.count(f"/desk/cases/{case.number}/") == 2
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_ap_06_a_digest_holds_no_content_of_a_case(cast, reader):
    tell(reader, complaint=Story(cast).case)
    digests.send_digests(now=at("2026-11-20 09:00"))
    (message,) = mail.outbox
    for private in ("张桂芳", "停水", "13800002417"):
        assert private not in message.subject + message.body


def test_i7_a_second_run_of_the_day_sends_nothing_and_the_next_day_only_what_is_new(cast, reader):
    case = Story(cast).case
    tell(reader, complaint=case)
    digests.send_digests(now=at("2026-11-20 09:00"))
    assert digests.send_digests(now=at("2026-11-20 10:00"))["sent"] == 0
    tell(reader, "handed_over", dedupe="two", complaint=case, when="2026-11-20 09:30")
    assert digests.send_digests(now=at("2026-11-23 09:00"))["sent"] == 1
    assert mail.outbox[1].body.count("/desk/cases/") == 1


def test_sla_12_no_digest_on_a_weekend_and_monday_has_the_weekend(cast, reader):
    digests.send_digests(now=at("2026-11-20 09:00"))
    tell(reader, complaint=Story(cast).case, when="2026-11-21 11:00")
    assert digests.send_digests(now=at("2026-11-21 12:00"))["sent"] == 0
    assert digests.send_digests(now=at("2026-11-22 12:00"))["sent"] == 0
    assert digests.send_digests(now=at("2026-11-23 09:00"))["sent"] == 1


def test_nothing_unread_means_no_mail(cast, reader):
    row = tell(reader, complaint=Story(cast).case)
    row.read_at = at("2026-11-19 16:00")
    row.save()
    assert digests.send_digests(now=at("2026-11-20 09:00"))["sent"] == 0
    assert mail.outbox == []


def test_sla_13_what_presses_is_mailed_at_once_and_not_again_in_the_digest(cast, reader):
    case = Story(cast).case
    row = tell(reader, "breach", complaint=case, milestone="reply", due="2026-11-19T17:30+08:00")
    assert row.by_email
    tell(reader, "assigned", dedupe="two", complaint=case)
    assert not Notification.objects.get(kind="assigned").by_email
    assert jobs.deliver_notifications()["sent"] >= 1
    mail.outbox.clear()
    digests.send_digests(now=at("2026-11-20 09:00"))
    assert mail.outbox[0].body.count("/desk/cases/") == 1


def test_case_10_without_e_mails_only_what_presses_is_mailed(cast):
    MailPreference.objects.create(user=cast.intake, rhythm=MailRhythm.NONE)
    case = Story(cast).case
    assert not tell(cast.intake, "assigned", complaint=case).by_email
    assert tell(cast.intake, "high_risk", dedupe="two", complaint=case).by_email
    assert digests.send_digests(now=at("2026-11-20 09:00"))["sent"] == 0


def test_at_once_is_what_everybody_has_who_chose_nothing(cast):
    assert tell(cast.intake, complaint=Story(cast).case).by_email


def test_i7_a_server_that_refuses_is_tried_again_by_the_next_run(cast, reader, monkeypatch):
    tell(reader, complaint=Story(cast).case)

    def refuse(*args):
        raise ConnectionRefusedError

    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "send_messages", refuse)
        assert digests.send_digests(now=at("2026-11-20 09:00")) == {"sent": 0, "failed": 1}
    assert digests.send_digests(now=at("2026-11-20 10:00")) == {"sent": 1, "failed": 0}


@pytest.mark.parametrize("count", [1, 4])
def test_a_digest_costs_the_same_queries_for_few_and_many_messages(cast, reader, count, django_assert_num_queries):
    story = Story(cast)
    for number in range(count):
        tell(reader, dedupe=str(number), complaint=story.case)
    digests.send_digests(now=at("2026-11-20 08:00"))
    digests._is_working_day(at("2026-11-20 08:00").date())
    with django_assert_num_queries(4):  # who is due, what they are told, the claim, who is due after them
        digests.send_digests(now=at("2026-11-20 09:00"))


def test_the_choice_is_made_on_the_own_page(client, cast):
    client.force_login(cast.intake)
    assert client.get(URL).status_code == 200
    assert client.post(URL, {"rhythm": "digest"})["Location"] == URL
    assert MailPreference.objects.get(user=cast.intake).rhythm == MailRhythm.DIGEST
    assert 'value="digest"' in client.get(URL).content.decode()


def test_a_wrong_choice_is_named_and_changes_nothing(client, cast):
    client.force_login(cast.intake)
    response = client.post(URL, {"rhythm": "hourly"})
    assert (response.status_code, list(response.context["form"].errors)) == (422, ["rhythm"])
    assert not MailPreference.objects.exists()


def test_saving_the_same_choice_again_skips_no_digest(cast, reader):
    tell(reader, complaint=Story(cast).case)
    digests.choose(reader, MailRhythm.DIGEST, now=at("2026-11-20 09:30"))
    assert digests.send_digests(now=at("2026-11-20 10:00"))["sent"] == 1
