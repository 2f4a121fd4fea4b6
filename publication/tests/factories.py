"""Plain functions that make published results and drafts for tests."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django.utils import timezone

from accounts.models import User
from complaints import search
from complaints import transitions as case_transitions
from complaints.tests.factories import Story, at, improvement_words
from publication import content, gate, side_records, transitions
from publication.models import Publication, PublishedResult, PublishedSearch
from publication.states import GateAnswer

TEXTS = {
    "title": "柳桥三村爆管停水，未及时告知居民",
    "summary": "责任在供水集团管网运行部，老管道 2027 年 3 月 31 日前换完。",
    "subject": "柳桥三村居民张女士等 23 人",
    "cause": "10 月 10 日早晨小区停水，停水前没有通知，打热线问不到几点来水。",
    "investigation": "查了抢修调度日志和热线录音：\n- 第一次通知居民，是在停水之后。\n- 热线人员手里没有抢修进度。",
    "responsibility": "供水集团管网运行部没有按规定 1 小时内通知。",
    "result": "管网运行部负责人通报批评。",
    "improvement": "2027 年 3 月 31 日前更换老旧管道，由管网运行部负责。",
}
IMPROVEMENT = {
    "what": "更换 1.8 公里老旧管道",
    "department": "供水集团",
    "post": "管网运行部主任",
    "due_on": "2999-03-31",
    "state": "open",
    "percent": 22,
    "note": "已换 0.4 公里",
    "done_on": "",
}


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def published(number: int = 1, **changes: Any) -> PublishedResult:
    """A row of the public table, posted yesterday, with its search tokens."""
    moment = changes.pop("published_at", days_ago(1))
    values = {
        "publication_number": f"GS-202611-{number:04}",
        **TEXTS,
        "improvements": [dict(IMPROVEMENT)],
        "category_code": "water",
        "category": "供水供热",
        "category_en": "Water and heating",
        "department_code": "water",
        "department": "供水集团",
        "signatures": ["2026-11-18", "2026-11-19", "2026-11-20"],
        "published_at": moment,
        "published_until": moment + timedelta(days=30),
        "updated_at": moment,
        "content_hash": hashlib.sha256(str(number).encode()).hexdigest(),
        "engine_version": "test",
        **changes,
    }
    result = PublishedResult.objects.create(**values)
    texts = [values[name] for name in content.TEXT_FIELDS]
    PublishedSearch.objects.create(result=result, tokens=search.tokens(*texts, result.category, result.department))
    return result


def closed_story(cast: SimpleNamespace, **changes: Any) -> Story:
    """A closed case with one improvement."""
    story = Story(cast, **changes).accept().assign().start()
    moment = at("2026-11-17 10:00")
    case_transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=moment, **improvement_words()
    )
    return story.submit().reply().call_back().close()


def open_gate(publication: Publication, by: User) -> None:
    """All five questions answered with nothing against it."""
    side_records.confirm_gate(
        publication.pk, by=by, answers=dict.fromkeys(gate.QUESTIONS, GateAnswer.CLEAR), note="已核"
    )


def draft(cast: SimpleNamespace, story: Story | None = None, **texts: str) -> Publication:
    """A complete draft by the publisher."""
    story = story or closed_story(cast)
    publication = transitions.compose(story.pk, by=cast.publisher)
    open_gate(publication, cast.publisher)
    if "subject" not in texts:
        transitions.link_figure(publication.pk, by=cast.publisher, field="subject", figure="23 人", evidence="登记表")
    return transitions.edit(publication.pk, by=cast.publisher, **TEXTS | texts)


def approved(publication: Publication, cast: SimpleNamespace) -> Publication:
    """Submitted, checked by two and passed by legal, who also looked at the copies of files."""
    transitions.submit(publication.pk, by=cast.publisher)
    transitions.first_check(publication.pk, by=cast.publication_checker)
    transitions.second_check(publication.pk, by=cast.publication_checker2)
    for row in publication.files.all():
        transitions.see_file(publication.pk, by=cast.counsel, file_id=row.pk, sha256=row.rendered_id or "")
    return transitions.pass_masking(publication.pk, by=cast.counsel)


def posted(publication: Publication, cast: SimpleNamespace) -> PublishedResult:
    approved(publication, cast)
    return transitions.publish(publication.pk, by=cast.publisher2)
