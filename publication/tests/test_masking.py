"""The masking profiles as revisions: two people, a first day, no wording that says whose secret it hides (PR-08)."""

from __future__ import annotations

import io
import json
import re
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from accounts.tests.factories import TYPED, sign_in_anew
from complaints import messages
from complaints.models import Notification
from complaints.tests.factories import at
from complaints.tests.test_races import together
from publication import content, masking, transitions
from publication.models import MaskingRevision, Publication, PublishedResult
from publication.redaction import PROFILES, TYPES, Row, leaks, masks, redact
from publication.redaction.spans import Known
from publication.tests.factories import approved, draft

DAY = date(2026, 11, 20)
NOW = at("2026-11-20 09:00")
PERSON = "〔客户姓名不公开〕"
TEXT = "张桂芳电话13812345678，微信wxid_zgf88，住望澜市和平路12号3单元402室。"


def rows_with(profile: str = "standard", **tokens: str) -> dict[str, Row]:
    """The shipped rows with other wordings; a type that is named is written by its wording alone."""
    return {kind: Row("token", tokens[kind]) if kind in tokens else PROFILES[profile][kind] for kind in TYPES}


def proposed(by, profile: str = "standard", *, on: date = DAY, **tokens: str) -> MaskingRevision:
    newest = MaskingRevision.objects.filter(profile=profile).order_by("-revision").first()
    rows = rows_with(profile, **(tokens or {"person": PERSON}))
    return masking.propose(profile, rows, applies_from=on, reason="法务意见", based_on=newest.revision, by=by, at=NOW)


def in_use(cast, profile: str = "standard", *, on: date = DAY, **tokens: str) -> MaskingRevision:
    row = proposed(cast.manager, profile, on=on, **tokens)
    return masking.decide(row.pk, approve=True, by=cast.administrator, at=NOW)


# --- Wordings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "",
        "〔〕",
        "〔姓名〕",
        "姓名已隐去",
        "〔姓名已隐去",
        "〔张桂芳已隐去〕",
        "〔张某已隐去〕",
        "〔王女士隐去〕",
        "〔买买提已隐去〕",
        "〔Zhang隐去〕",
        "〔138已隐去〕",
        "〔一三八已隐去〕",
        "〔１３８已隐去〕",
        "〔尾号四四一二隐去〕",
        "〔138****5678隐去〕",
        "〔和平路隐去〕",
        "〔姓名已隐去〕张桂芳",
        "〔姓名〕〔已隐去〕",
        "〔姓名\u200b已隐去〕",
        "〔姓名已隐去〕\n",
        "〔姓名\x00已隐去〕",
        "〔\u202e去隐已名姓〕",
        "〔😀隐去〕",
        "〔" + "已" * 1_000_000 + "隐去〕",
    ],
)
def test_pr_08_a_wording_that_could_say_who_it_is_is_refused(token):
    assert not masks.allowed(token)


def test_pr_08_the_shipped_wordings_may_stand():
    assert all(masks.allowed(row.token) for rows in PROFILES.values() for row in rows.values())


@pytest.mark.parametrize("kind", masks.KINDS)
def test_pr_08_every_wording_that_may_stand_is_left_alone_by_a_second_run(kind):
    """Whatever stands before or behind it, and beside other masks; with any manner of saying that it is hidden."""
    for hiding in masks.HIDING:
        token = f"〔投诉人{kind}{hiding}〕"
        assert masks.allowed(token)
        rows = dict.fromkeys(TYPES, Row("token", token))
        once = redact(TEXT, profile=rows)
        assert token in once.output
        assert redact(once.output, profile=rows).output == once.output
        assert leaks(once.output) == []


def test_pr_09_the_gate_reads_the_wordings_of_the_office_like_any_other_text():
    """A name in brackets is still a name: no form of words hides it from the gate."""
    known = Known(names=["张桂芳"])
    assert [span.type for span in leaks("〔张桂芳已隐去〕", known)] == ["person"]
    assert redact("〔张桂芳已隐去〕", known, profile=rows_with(person=PERSON)).output == f"〔{PERSON}已隐去〕"


@pytest.mark.parametrize(("kind", "manner"), [("email", "tail"), ("phone", "tail"), ("person", "ends"), ("qq", "no")])
def test_pr_08_no_profile_can_be_made_to_show_more_than_as_shipped(kind, manner):
    rows = rows_with() | {kind: Row(manner, PROFILES["standard"][kind].token)}
    with pytest.raises(InvalidInput) as refused:
        masking.check("standard", rows)
    assert refused.value.field == f"manner_{kind}"


@pytest.mark.parametrize("kind", ["person", "phone", "id_number"])
def test_pr_08_strict_stays_strict(kind):
    rows = rows_with("strict") | {kind: PROFILES["standard"][kind]}
    with pytest.raises(InvalidInput) as refused:
        masking.check("strict", rows)
    assert refused.value.field == f"manner_{kind}"


# --- Two people -------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_the_first_revision_of_each_profile_is_what_is_shipped():
    for profile, rows in PROFILES.items():
        first = MaskingRevision.objects.get(profile=profile)
        assert (first.revision, first.state, first.applies_from) == (1, "approved", None)
        assert masking.rows_now(profile) == rows
    masking.load()
    assert MaskingRevision.objects.count() == len(PROFILES)


def test_config_two_people_change_a_profile_and_the_log_says_who(cast):
    row = proposed(cast.manager)
    assert masking.rows_now("standard")["person"].manner == "surname"
    with pytest.raises(NotAllowed):
        masking.decide(row.pk, approve=True, by=cast.manager, at=NOW)
    masking.decide(row.pk, approve=True, by=cast.administrator, at=NOW)
    assert masking.rows_of(masking.in_force("standard", at=NOW), "standard")["person"] == Row("token", PERSON)
    assert masking.rows_of(masking.in_force("strict", at=NOW), "strict") == PROFILES["strict"]
    logged = SecurityEvent.objects.filter(subject="standard:2").order_by("pk").values_list("kind", "user")
    assert list(logged) == [
        ("masking_proposed", cast.manager.pk),
        ("masking_approved", cast.administrator.pk),
    ]


def test_config_the_database_itself_refuses_one_person_for_both(cast):
    row = proposed(cast.manager)
    with pytest.raises(IntegrityError), transaction.atomic():
        MaskingRevision.objects.filter(pk=row.pk).update(
            state="approved", decided_by=cast.manager, decided_at=timezone.now()
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        MaskingRevision.objects.filter(pk=row.pk).update(state="approved")
    with pytest.raises(IntegrityError), transaction.atomic():
        MaskingRevision.objects.filter(pk=row.pk).update(applies_from=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        MaskingRevision.objects.create(
            profile="standard", revision=3, rows={}, applies_from=DAY, proposed_by=cast.manager, proposed_at=NOW
        )


@pytest.mark.parametrize("person", ["publisher", "counsel", "coordinator", "publication_checker", "auditor", "intake"])
def test_config_nobody_else_proposes_or_decides(person, cast):
    row = proposed(cast.manager)
    with pytest.raises(NotAllowed):
        masking.decide(row.pk, approve=True, by=getattr(cast, person), at=NOW)
    with pytest.raises(NotAllowed):
        proposed(getattr(cast, person), "strict", person="〔姓名保密〕")


def test_config_one_proposal_at_a_time_and_nobody_overwrites_what_they_did_not_see(cast):
    row = proposed(cast.manager)
    with pytest.raises(IllegalTransition):
        proposed(cast.administrator)
    with pytest.raises(NotAllowed):
        masking.take_back(row.pk, by=cast.administrator)
    masking.take_back(row.pk, by=cast.manager)
    with pytest.raises(IllegalTransition):
        masking.decide(row.pk, approve=True, by=cast.administrator, at=NOW)
    with pytest.raises(StaleVersion):
        masking.propose(
            "standard",
            rows_with(person=PERSON),
            applies_from=DAY,
            reason="法务意见",
            based_on=1,
            by=cast.administrator,
            at=NOW,
        )
    assert proposed(cast.administrator).revision == 3


def test_config_declining_needs_a_reason_and_changes_nothing(cast):
    row = proposed(cast.manager)
    with pytest.raises(InvalidInput) as refused:
        masking.decide(row.pk, approve=False, by=cast.administrator, at=NOW)
    assert refused.value.field == "note"
    masking.decide(row.pk, approve=False, note="看不懂", by=cast.administrator, at=NOW)
    assert masking.in_force("standard", at=NOW).revision == 1


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("applies_from", {"applies_from": DAY - timedelta(days=1)}),
        ("reason", {"reason": "  "}),
        ("reason", {"reason": "好\x00"}),
        ("reason", {"rows": rows_with()}),
        ("token_email", {"rows": rows_with(email="〔张桂芳邮箱隐去〕")}),
        ("profile", {"profile": "lax"}),
    ],
)
def test_config_bad_input_is_named_with_its_field(field, changes, cast):
    wanted = {"profile": "standard", "rows": rows_with(person=PERSON), "applies_from": DAY, "reason": "法务意见"}
    profile, rows, *rest = ({**wanted, **changes}[name] for name in ("profile", "rows", "applies_from", "reason"))
    with pytest.raises(InvalidInput) as refused:
        masking.propose(profile, rows, applies_from=rest[0], reason=rest[1], based_on=1, by=cast.manager, at=NOW)
    assert refused.value.field == field


def test_config_a_revision_begins_on_its_day_and_never_before_it_is_approved(cast):
    row = proposed(cast.manager, on=DAY + timedelta(days=3))
    masking.decide(row.pk, approve=True, by=cast.administrator, at=at("2026-11-21 09:00"))
    assert masking.in_force("standard", at=at("2026-11-22 23:59")).revision == 1
    assert masking.in_force("standard", at=at("2026-11-23 00:00")).revision == 2
    late = proposed(cast.manager, "strict", on=DAY, person="〔姓名保密〕")
    masking.decide(late.pk, approve=True, by=cast.administrator, at=at("2026-11-25 09:00"))
    assert MaskingRevision.objects.get(pk=late.pk).applies_from == date(2026, 11, 25)
    with pytest.raises(InvalidInput) as refused:
        proposed(cast.manager, on=DAY + timedelta(days=2), person="〔姓名保密〕")
    assert refused.value.field == "applies_from"


@pytest.mark.django_db(transaction=True)
def test_config_two_people_decide_at_once_and_one_is_told(cast):
    row = proposed(cast.manager)
    done = together(
        lambda: masking.decide(row.pk, approve=True, by=cast.administrator, at=NOW),
        lambda: masking.take_back(row.pk, by=cast.manager),
    )
    assert done.count("ok") == 1
    assert MaskingRevision.objects.get(pk=row.pk).state == ("approved" if done[0] == "ok" else "withdrawn")


@pytest.mark.django_db(transaction=True)
def test_config_two_people_propose_at_once_and_one_proposal_stands(cast):
    done = together(lambda: proposed(cast.manager), lambda: proposed(cast.administrator))
    assert done.count("ok") == 1
    assert MaskingRevision.objects.filter(profile="standard", state="proposed").count() == 1


# --- What it does to publications -------------------------------------------------------------------


def test_config_a_publication_keeps_the_revision_it_was_begun_with(cast):
    """Another profile takes the revision in force; the name of the revision is part of what is signed."""
    old = draft(cast)
    assert (old.masking.profile, old.masking.revision) == ("standard", 1)
    today = timezone.localdate()
    row = masking.propose(
        "standard", rows_with(person=PERSON), applies_from=today, reason="法务意见", based_on=1, by=cast.manager
    )
    masking.decide(row.pk, approve=True, by=cast.administrator)
    transitions.edit(old.pk, by=cast.publisher, cause="张桂芳反映停水。")
    old = Publication.objects.get(pk=old.pk)
    assert content.snapshot(old)["masking"] == {"profile": "standard", "revision": 1}
    assert content.snapshot(old)["cause"].startswith("张某")
    before = content.content_hash(old)
    Publication.objects.filter(pk=old.pk).update(masking=row)
    assert content.content_hash(Publication.objects.get(pk=old.pk)) != before
    transitions.edit(old.pk, by=cast.publisher, profile="strict")
    assert Publication.objects.get(pk=old.pk).masking.profile == "strict"
    transitions.edit(old.pk, by=cast.publisher, profile="standard")
    fresh = Publication.objects.get(pk=old.pk)
    assert fresh.masking == row
    assert content.snapshot(fresh)["cause"].startswith(PERSON)


def test_config_what_is_posted_names_its_revision(cast):
    publication = approved(draft(cast), cast)
    transitions.publish(publication.pk, by=cast.publisher2)
    result = PublishedResult.objects.get()
    assert result.masking == {"profile": "standard", "revision": 1}
    assert result.content_hash == content.content_hash(Publication.objects.get(pk=publication.pk))


def test_config_what_was_signed_before_there_were_revisions_stays_signed(cast):
    """Without a revision the signed words are those of before, byte for byte."""
    publication = draft(cast)
    Publication.objects.filter(pk=publication.pk).update(masking=None)
    publication = approved(Publication.objects.get(pk=publication.pk), cast)
    words = content._hashed(publication)
    assert "masking" not in words
    transitions.publish(publication.pk, by=cast.publisher2)
    assert PublishedResult.objects.get().masking is None


def test_pub_19_the_command_masks_by_the_revision_in_force(cast, monkeypatch):
    in_use(cast, "strict", phone="〔联系方式保密〕")
    MaskingRevision.objects.filter(profile="strict", revision=2).update(applies_from=timezone.localdate())
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO('{"id": 1, "text": "电话13812345678"}'.encode())))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed))
    call_command("redact", "--json", "--profile", "strict")
    assert json.loads(printed.getvalue())["output"] == "电话〔联系方式保密〕"


# --- Pages ------------------------------------------------------------------------------------------


def filled(client, profile: str = "standard", **changes: str) -> dict[str, str]:
    """The form of the page as a browser would send it, with changes."""
    html = client.get(reverse("publication:masking_propose", args=[profile])).content.decode()
    sent = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]*? value="([^"]*)"', html))
    sent |= {f"manner_{kind}": PROFILES[profile][kind].manner for kind in TYPES if f'"manner_{kind}"' in html}
    return sent | {"reason": "法务意见"} | changes


def test_config_an_administrator_gives_the_password_once_more_and_goes_on(cast, client):
    """Row 52: whoever configures the system needs a fresh sign-in; what was filled in is not lost by it."""
    client.force_login(cast.administrator)
    address = reverse("publication:masking_propose", args=["standard"])
    sent = filled(client, token_person=PERSON, manner_person="token", example="张桂芳")
    assert PERSON in client.post(address, sent | {"preview": "1"}).content.decode()
    asked = client.post(address, sent)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert not MaskingRevision.objects.filter(revision=2).exists()
    wrong = client.post(asked["Location"], {"password": "not-this-one", "next": address})
    assert wrong.status_code == 200
    assert not MaskingRevision.objects.filter(revision=2).exists()
    done = client.post(asked["Location"], {"password": TYPED, "next": address})
    assert done["Location"] == reverse("publication:masking")
    assert MaskingRevision.objects.get(revision=2).proposed_by == cast.administrator


def test_config_an_administrator_decides_only_after_a_fresh_sign_in(cast, client):
    row = proposed(cast.manager)
    page = reverse("publication:masking_revision", args=[row.pk])
    client.force_login(cast.administrator)
    assert client.get(page).status_code == 200
    assert client.post(page, {"action": "approve"})["Location"].startswith(reverse("account_reauthenticate"))
    assert MaskingRevision.objects.get(pk=row.pk).state == "proposed"
    sign_in_anew(client, cast.administrator)
    assert client.post(page, {"action": "approve"})["Location"] == page
    assert MaskingRevision.objects.get(pk=row.pk).state == "approved"


def test_config_whoever_may_decide_hears_of_a_proposal_and_the_proposer_of_the_decision(cast, client):
    row = proposed(cast.manager)
    page = reverse("publication:masking_revision", args=[row.pk])
    told = Notification.objects.filter(kind="masking_waits", url=page)
    assert cast.administrator in {message.recipient for message in told}
    assert {message.recipient for message in told}.isdisjoint({cast.manager, cast.publisher, cast.counsel})
    client.force_login(cast.administrator)
    with translation.override("en"):
        assert "waits for a second person" in messages.sentence(told.get(recipient=cast.administrator))
    assert page in [row.url for row, _text, _leads in client.get("/desk/notifications/").context["items"]]
    masking.decide(row.pk, approve=False, note="看不懂", by=cast.administrator, at=NOW)
    told = Notification.objects.filter(kind="masking_decided", url=page)
    assert [message.recipient for message in told] == [cast.manager]


def test_config_the_page_proposes_and_another_person_approves(cast, client):
    client.force_login(cast.manager)
    address = reverse("publication:masking_propose", args=["standard"])
    sent = filled(client, token_person=PERSON, manner_person="token", example="张桂芳说电话13812345678")
    tried = client.post(address, sent | {"preview": "1", "reason": ""})
    assert tried.status_code == 200
    assert f"{PERSON}说电话138****5678" in tried.content.decode()
    assert not MaskingRevision.objects.filter(revision=2).exists()
    assert client.post(address, sent).status_code == 302
    row = MaskingRevision.objects.get(revision=2)
    page = reverse("publication:masking_revision", args=[row.pk])
    own = client.get(page).content.decode()
    assert 'value="take_back"' in own
    assert 'value="approve"' not in own
    assert client.post(page, {"action": "approve"}).status_code == 403
    sign_in_anew(client, cast.administrator)
    shown = client.get(page).content.decode()
    assert PERSON in shown
    assert "〔姓名已隐去〕" in shown
    assert client.post(page, {"action": "decline", "note": ""}).status_code == 422
    assert client.post(page, {"action": "approve", "note": ""}).status_code == 302
    assert client.post(page, {"action": "approve", "note": ""}).status_code == 409
    overview = client.get(reverse("publication:masking")).content.decode()
    assert PERSON in overview
    assert cast.manager.display_name in overview


def test_config_the_page_refuses_a_wording_at_its_field(cast, client):
    client.force_login(cast.manager)
    address = reverse("publication:masking_propose", args=["strict"])
    for hostile in ("〔张桂芳已隐去〕", "\x00", "1" * 41, "x" * 1_000_000, "😀", "\u202e〔隐去〕"):
        for more in ({}, {"preview": "1"}):
            answer = client.post(address, filled(client, "strict", token_email=hostile) | more)
            assert answer.status_code == 422
            assert list(answer.context["form"].errors) == ["token_email"]
    assert client.post(address, filled(client, "strict", applies_from="9" * 41)).status_code == 422
    assert client.post(reverse("publication:masking_propose", args=["lax"])).status_code == 404
    assert not MaskingRevision.objects.filter(revision=2).exists()


@pytest.mark.parametrize(
    ("person", "reads", "edits"),
    [
        ("manager", 200, 200),
        ("administrator", 200, 200),
        ("publisher", 200, 403),
        ("counsel", 200, 403),
        ("auditor", 200, 403),
        ("water_handler", 403, 403),
        ("reviewer", 403, 403),
    ],
)
def test_config_who_reads_and_who_edits_the_profiles(person, reads, edits, cast, client):
    row = proposed(cast.administrator if person == "manager" else cast.manager)
    sign_in_anew(client, getattr(cast, person))
    assert client.get(reverse("publication:masking")).status_code == reads
    page = reverse("publication:masking_revision", args=[row.pk])
    assert client.get(page).status_code == reads
    assert client.get(reverse("publication:masking_propose", args=["strict"])).status_code == edits
    assert client.post(page, {"action": "approve"}).status_code == (302 if edits == 200 else 403)
