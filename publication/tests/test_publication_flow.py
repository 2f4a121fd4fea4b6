"""A publication from composing to taking down: three people plus legal, bound to the content's hash."""

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import transitions as case_transitions
from complaints.tests.factories import Story, at, improvement_words
from publication import content, jobs, permissions, transitions
from publication.models import Publication, PublicationDecision, PublishedResult, SignOff
from publication.states import ELEMENTS, PublicationStatus
from publication.tests.factories import open_gate
from publication.tests.factories import posted as approved_and_posted

pytestmark = pytest.mark.django_db

TEXTS = {
    "title": "柳桥三村爆管停水",
    "summary": "责任在供水集团管网运行部，老管道 2027 年 3 月 31 日前换完。",
    "subject": "柳桥三村居民张女士等 23 人",
    "cause": "10 月 10 日早晨小区停水，停水前没有通知。",
    "investigation": "查了抢修调度日志和热线录音。",
    "responsibility": "供水集团管网运行部没有按规定 1 小时内通知。",
    "result": "管网运行部负责人通报批评。",
    "improvement": "2027 年 3 月 31 日前更换老旧管道，由管网运行部负责。",
}


@pytest.fixture
def draft(cast) -> Publication:
    """A complete draft of a closed case, written by the publisher."""
    story = Story(cast).accept().assign().start()
    case_transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=at("2026-11-17 10:00"), **improvement_words()
    )
    story.submit().reply().call_back().close()
    publication = transitions.compose(story.pk, by=cast.publisher, at=at("2026-11-21 09:00"))
    open_gate(publication, cast.publisher)
    transitions.link_figure(publication.pk, by=cast.publisher, field="subject", figure="23 人", evidence="登记表")
    return transitions.edit(publication.pk, by=cast.publisher, at=at("2026-11-21 09:30"), **TEXTS)


def approved(publication: Publication, cast) -> Publication:
    transitions.submit(publication.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    transitions.first_check(publication.pk, by=cast.publication_checker, at=at("2026-11-21 11:00"))
    transitions.second_check(publication.pk, by=cast.publication_checker2, at=at("2026-11-21 14:00"))
    return transitions.pass_masking(publication.pk, by=cast.counsel, at=at("2026-11-21 15:00"))


def test_pub_12_18_three_people_and_legal_put_it_up(draft, cast):
    approved(draft, cast)
    result = transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    assert result.title == TEXTS["title"]
    assert result.content_hash == content.content_hash(Publication.objects.get(pk=draft.pk))
    assert [row.by for row in SignOff.objects.order_by("pk")] == [
        cast.publication_checker,
        cast.publication_checker2,
        cast.counsel,
    ]
    assert {row.content_hash for row in SignOff.objects.all()} == {result.content_hash}


def test_pub_02_the_draft_is_composed_and_never_copies_the_record(draft, cast):
    case = draft.complaint
    fresh = content.draft_from(case)
    assert case.narrative not in " ".join(fresh.values())
    assert fresh["subject"] == "张某"


@pytest.mark.parametrize("element", ELEMENTS)
def test_pub_03_08_every_element_is_required(draft, cast, element):
    """PUB-03…08: without subject, matter, investigation, responsibility, result or improvement nothing is submitted."""
    transitions.edit(draft.pk, by=cast.publisher, at=at("2026-11-21 09:40"), **{element: " "})
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    assert refused.value.field == element
    assert Publication.objects.get(pk=draft.pk).status == PublicationStatus.DRAFT


def test_pub_09_an_improvement_without_a_date_is_refused(draft, cast):
    draft.improvements.clear()
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    assert refused.value.field == "improvement"


def test_pub_10_vague_words_are_refused(draft, cast):
    transitions.edit(draft.pk, by=cast.publisher, at=at("2026-11-21 09:40"), improvement="尽快更换老旧管道。")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    assert "尽快" in str(refused.value.message)


def test_pr_01_the_author_and_one_person_twice_are_refused_by_code_and_database(draft, cast):
    transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    with pytest.raises(NotAllowed):
        transitions.first_check(draft.pk, by=cast.publisher, at=at("2026-11-21 11:00"))
    transitions.first_check(draft.pk, by=cast.publication_checker, at=at("2026-11-21 11:00"))
    with pytest.raises(NotAllowed):
        transitions.second_check(draft.pk, by=cast.publication_checker, at=at("2026-11-21 12:00"))
    for change in ({"first_checker": cast.publisher}, {"second_checker": cast.publication_checker}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Publication.objects.filter(pk=draft.pk).update(**change)


@pytest.mark.parametrize("signer", ["first_checker", "second_checker"])
def test_pr_01_the_masking_is_passed_by_nobody_who_checked_not_even_past_the_program(draft, cast, signer):
    """PUB-18: three people and legal; the database refuses a row in which one of them signed twice."""
    approved(draft, cast)
    same = Publication.objects.values_list(signer, flat=True).get(pk=draft.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Publication.objects.filter(pk=draft.pk).update(masking_reviewer=same)
    row = Publication.objects.get(pk=draft.pk)
    row.pk, row.number, row.masking_reviewer_id = None, "GS-209912-0001", same
    row.status, row.complaint_id = PublicationStatus.ABANDONED, draft.complaint_id
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    stored = Publication.objects.get(pk=draft.pk)
    assert stored.masking_reviewer_id != same
    assert permissions.can(cast.counsel, "pass_masking", stored)
    setattr(stored, signer, cast.counsel)  # counsel who also holds the office of a checker
    assert not permissions.can(cast.counsel, "pass_masking", stored)


@pytest.mark.parametrize("field", ["title", "summary", *ELEMENTS])
def test_pr_02_any_change_voids_the_signatures(draft, cast, field):
    approved(draft, cast)
    changed = transitions.edit(draft.pk, by=cast.publisher, at=at("2026-11-21 15:30"), **{field: TEXTS[field] + " "})
    assert changed.status == PublicationStatus.DRAFT
    assert (changed.first_checker, changed.second_checker, changed.masking_reviewer, changed.signed_hash) == (
        None,
        None,
        None,
        "",
    )
    with pytest.raises(IllegalTransition):
        transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))


def test_pr_03_text_changed_behind_the_signatures_is_not_posted(draft, cast):
    approved(draft, cast)
    Publication.objects.filter(pk=draft.pk).update(result="罚款 500 元")
    with pytest.raises(StaleVersion):
        transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    assert not PublishedResult.objects.exists()


def test_s13_second_checker_with_a_page_loaded_before_a_change_is_refused(draft, cast):
    transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    with pytest.raises(StaleVersion):
        transitions.first_check(draft.pk, by=cast.publication_checker, content_hash="0" * 64, at=at("2026-11-21 11:00"))


@pytest.mark.parametrize(
    "secret", ["张桂芳", "13800002417", "138 0000 2417", "１３８００００２４１７", "zhang@example.cn"]
)
def test_pub_14_19_the_cases_own_identity_never_goes_out(draft, cast, secret):
    changed = transitions.edit(draft.pk, by=cast.publisher, at=at("2026-11-21 09:40"), cause=f"{secret} 反映停水。")
    data = content.snapshot(changed)
    assert secret not in data["cause"]
    span = changed.spans.filter(field="cause").first()
    with pytest.raises(InvalidInput):
        transitions.decide_span(
            draft.pk, by=cast.publisher, span_id=span.pk, keep=True, reason="要保留", at=at("2026-11-21 09:45")
        )


def test_pr_04_the_search_of_the_public_knows_the_masked_words_only(client, draft, cast):
    """Whoever knows a name or a number learns from the search neither that it was masked nor where (PI-12)."""
    transitions.edit(draft.pk, by=cast.publisher, cause="张桂芳（13800002417）反映槐荫里停水。")
    for span in Publication.objects.get(pk=draft.pk).spans.filter(decision="pending"):
        transitions.decide_span(draft.pk, by=cast.publisher, span_id=span.pk, keep=True, reason="不指向个人")
    result = approved_and_posted(draft, cast)
    for words in ("张桂芳", "桂芳", "13800002417", "8000024"):
        for path in ("/", "/api/v1/results/"):
            assert result.title not in client.get(path, {"q": words}).content.decode(), (path, words)
    assert result.title in client.get("/", {"q": "槐荫里"}).content.decode()


def test_pub_15_16_standard_masks_keep_what_the_rule_allows(draft, cast):
    changed = transitions.edit(
        draft.pk,
        by=cast.publisher,
        at=at("2026-11-21 09:40"),
        cause="来电 13912345678，身份证号 11010519491231002X，反映停水。",
    )
    assert content.snapshot(changed)["cause"] == "来电 139****5678，身份证号 **************002X，反映停水。"


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("车牌浙A12345被划", "浙 A 1 2 3 4 5"),
        ("加微信zgf_8866退款", "ZGF8866"),
        ("退到卡号6222021234567890123", "６２２２０２１２３４５６７８９０１２３"),
        ("QQ：135792468", "1357 92468"),
        ("我另一个号13712345678", "幺三七幺二三四五六七八"),
        ("护照E12345678", "e 1234 5678"),
    ],
)
def test_pr_09_plates_cards_and_accounts_the_complainant_wrote_down_are_never_kept(cast, told, written):
    """No field of the case holds them: they stand in the complainant's own words."""
    story = Story(cast, narrative=f"停水了，{told}，没人处理。").to_closed()
    publication = transitions.compose(story.pk, by=cast.publisher)
    changed = transitions.edit(publication.pk, by=cast.publisher, cause=f"居民说是{written}。")
    assert "已隐去" in content.snapshot(changed)["cause"] or "****" in content.snapshot(changed)["cause"]
    span = changed.spans.get(field="cause", source="identity")
    with pytest.raises(InvalidInput):
        transitions.decide_span(changed.pk, by=cast.publisher, span_id=span.pk, keep=True, reason="要保留")
    changed.spans.all().delete()
    assert [found.source for _field, found in content.leaking(Publication.objects.get(pk=changed.pk))] == ["identity"]


def test_pr_13_the_landline_the_complainant_called_is_not_taken_for_theirs(cast):
    story = Story(cast, narrative="停水了，打0571-85120000没人接。").to_closed()
    publication = transitions.compose(story.pk, by=cast.publisher)
    assert content.known_of(publication).phones == ("13800002417",)


def test_pub_37_progress_goes_on_after_the_engine_that_masked_the_text(draft, cast, monkeypatch):
    """A new version of the engine is part of every new signature and does not stop what stands."""
    approved(draft, cast)
    posted = transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    assert posted.engine_version == content.ENGINE_VERSION
    signed = posted.content_hash
    monkeypatch.setattr(content, "ENGINE_VERSION", "next")
    again = Publication.objects.get(pk=draft.pk)
    assert content.content_hash(again) != signed  # a version that is not among the earlier ones
    case_transitions.report_improvement(
        again.improvements.get().pk, by=cast.water_handler, percent=60, note="已换一半", at=at("2026-11-22 09:00")
    )
    changed = transitions.update_progress(draft.pk, by=cast.publisher, at=at("2026-11-22 10:00"))
    assert (changed.improvements[0]["percent"], changed.engine_version) == (60, posted.engine_version)


def test_pub_12_signatures_of_an_unchanged_text_stand_when_the_engine_gets_a_new_version(draft, cast, monkeypatch):
    """An upgrade between the signatures and the posting; what is posted names the version that was signed."""
    transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    transitions.first_check(draft.pk, by=cast.publication_checker, at=at("2026-11-21 11:00"))
    signed_with = content.ENGINE_VERSION
    monkeypatch.setattr(content, "EARLIER_VERSIONS", (signed_with,))
    monkeypatch.setattr(content, "ENGINE_VERSION", "next")
    transitions.second_check(draft.pk, by=cast.publication_checker2, at=at("2026-11-21 14:00"))
    transitions.pass_masking(draft.pk, by=cast.counsel, at=at("2026-11-21 15:00"))
    result = transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    signed = Publication.objects.get(pk=draft.pk).signed_hash
    assert (result.engine_version, result.content_hash) == (signed_with, signed)
    assert {row.content_hash for row in SignOff.objects.all()} == {signed}


def test_pub_44_a_case_that_stands_published_is_not_decided_against(draft, cast):
    def refuse():
        transitions.decide(draft.complaint_id, by=cast.publisher, publish=False, reason="secrecy")

    with pytest.raises(IllegalTransition):
        refuse()
    assert PublicationDecision.objects.get().publish
    approved(draft, cast)
    transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    with pytest.raises(IllegalTransition):
        refuse()
    transitions.take_down(draft.pk, by=cast.counsel, reason="涉密", at=at("2026-11-21 17:00"))
    refuse()
    assert PublicationDecision.objects.get().reason == "secrecy"


def test_pr_09_a_name_typed_past_the_machine_blocks_posting(draft, cast):
    draft.spans.all().delete()
    Publication.objects.filter(pk=draft.pk).update(cause="张桂芳反映停水。")
    with pytest.raises(InvalidInput):
        transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))


def test_pr_06_18_one_person_takes_down_and_old_signatures_never_count_again(draft, cast):
    approved(draft, cast)
    transitions.publish(draft.pk, by=cast.publisher2, at=at("2026-11-21 16:00"))
    transitions.take_down(draft.pk, by=cast.counsel2, reason="投诉人要求", at=at("2026-11-21 17:00"))
    assert not PublishedResult.objects.served(at=at("2026-11-21 17:01")).exists()
    for by in (cast.publisher2, None):
        with pytest.raises(IllegalTransition):
            transitions.publish(draft.pk, by=by, at=at("2026-11-22 08:00"))
    assert not PublishedResult.objects.served(at=at("2026-11-22 08:01")).exists()
    again = transitions.compose_again(draft.pk, by=cast.publisher, at=at("2026-11-22 09:00"))
    assert again.pk != draft.pk
    assert (again.status, again.first_checker, again.signed_hash) == (PublicationStatus.DRAFT, None, "")


def test_az_09_whoever_edited_a_part_cannot_check_it(draft, cast):
    transitions.edit(
        draft.pk, by=cast.publisher2, at=at("2026-11-21 09:50"), result="管网运行部负责人通报批评，已公示。"
    )
    transitions.submit(draft.pk, by=cast.publisher, at=at("2026-11-21 10:00"))
    with pytest.raises(NotAllowed):
        transitions.first_check(draft.pk, by=cast.publisher2, at=at("2026-11-21 11:00"))


def test_publish_due_posts_once_when_the_time_has_come(draft, cast):
    transitions.edit(draft.pk, by=cast.publisher, at=at("2026-11-21 09:50"), publish_at=at("2026-11-25 09:00"))
    approved(draft, cast)
    assert jobs.publish_due(now=at("2026-11-25 08:59")) == {"posted": 0, "refused": 0, "hanging": 0}
    assert jobs.publish_due(now=at("2026-11-25 09:00")) == {"posted": 1, "refused": 0, "hanging": 0}
    assert jobs.publish_due(now=at("2026-11-25 09:01")) == {"posted": 0, "refused": 0, "hanging": 0}
    assert PublishedResult.objects.count() == 1


def test_an_open_case_cannot_be_published(cast):
    story = Story(cast).accept()
    with pytest.raises(IllegalTransition):
        transitions.compose(story.pk, by=cast.publisher, at=at("2026-11-21 09:00"))


def test_pub_44_not_publishing_needs_a_coded_reason(cast):
    story = Story(cast).to_closed()
    with pytest.raises(InvalidInput):
        transitions.decide(story.pk, by=cast.publisher, publish=False, at=at("2026-11-21 09:00"))
    row = transitions.decide(
        story.pk, by=cast.publisher, publish=False, reason="consent_refused", at=at("2026-11-21 09:00")
    )
    assert (row.publish, row.reason) == (False, "consent_refused")
