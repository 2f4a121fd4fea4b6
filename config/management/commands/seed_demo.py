"""Fill an empty installation with the demo story."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from tqdm import tqdm

from accounts.models import User
from complaints.models import Notification
from config.demo import after, counters, handling, people, shown_files, story


class Command(BaseCommand):
    help = (
        "Tell a demo story of several months through the real transitions: "
        "cases, reviews, draws, publications, reports."
    )

    def add_arguments(self, parser):
        parser.add_argument("--months", type=int, default=6, help="how far back the story begins (1–24)")
        parser.add_argument("--complaints", type=int, default=400, help="number of complaints (10–5000)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed tells the same story")

    def handle(self, *args, months: int, complaints: int, seed: int, **options):
        if settings.PRODUCTION or not settings.DEMO_ALLOWED:
            raise CommandError("Demo data cannot exist in production. Use a development installation.")
        if not 1 <= months <= 24:
            raise CommandError("--months must be between 1 and 24.", returncode=2)
        if not 10 <= complaints <= 5000:
            raise CommandError("--complaints must be between 10 and 5000.", returncode=2)
        if User.objects.exists():
            raise CommandError("This installation already has users; start with an empty one (bin/serve --reset).")
        now = timezone.now()
        with transaction.atomic():
            staff = people.create(since=now - timedelta(days=31 * months + 400))
            teller = story.Teller(staff, now=now, seed=seed)
            today = timezone.localdate(now)
            burst, in_a_row = (story.BURST, story.IN_A_ROW) if complaints > 10 * story.BURST else (0, 0)
            ordinary = complaints - burst - in_a_row
            days = story.days_of_story(today - timedelta(days=30 * months), today, ordinary, teller.dice)
            for day in tqdm(days, desc="cases", disable=not sys.stderr.isatty()):
                teller.tell(day)
            teller.burst(today - timedelta(days=6), cases=burst)
            teller.same_outlet(today - timedelta(days=5), cases=in_a_row)
            story.sweep(now=now)
            told = after.tell(teller)
            # What happened in the past was told in the past: no mail is sent for it.
            Notification.objects.filter(sent_at=None).update(sent_at=F("created_at"))
            connection.run_on_commit.clear()
        handling.evidence(teller)
        counters.tell(teller.people.role("coordinator")[0], now=now)
        shown_files.tell(teller)
        after.build_reports(teller)
        self._write_accounts(people.accounts(staff))
        self.stdout.write(
            f"{complaints} complaints, {told['reviews']} reviews, {told['draws']} draws, "
            f"{told['published']} published results."
        )

    def _write_accounts(self, rows: list[dict[str, str]]) -> None:
        path = Path(settings.DATA_DIR) / "demo-accounts.json"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(rows, out, ensure_ascii=False, indent=1)
