"""The shipped roles as data: group name → Chinese name and permissions.

Code asks for permissions, never for group names. Matrix: docs/permissions.md (COM-17).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language


@dataclass(frozen=True)
class Role:
    key: str
    name_zh: str
    name_en: str
    permissions: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called in the language of the reader."""
        return self.name_en if get_language() == "en" else self.name_zh


_READ_FIGURES = ("analytics.view_figures",)

ROLES: tuple[Role, ...] = (
    Role(
        "intake_officer",
        "受理员",
        "Intake officer",
        (
            "complaints.pay_remedy",
            "complaints.view_all",
            "complaints.register_complaint",
            "complaints.import_complaints",
            "complaints.screen_complaint",
            "complaints.classify_complaint",
            "complaints.write_note",
            "complaints.record_contact",
            "complaints.view_original",
            "complaints.reveal_identity",
            "complaints.record_for_complainant",
            "complaints.view_notes",
            "complaints.record_callback",
            "complaints.use_desk",
            "complaints.draft_reply",
            "complaints.read_trail",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "coordinator",
        "督办",
        "Coordinator",
        (
            "complaints.appraise_files",
            "complaints.manage_incident",
            "complaints.release_bulletin",
            "complaints.decide_key_change",
            "analytics.manage_problems",
            "complaints.approve_remedy",
            "complaints.edit_knowledge",
            "complaints.approve_consultation",
            "complaints.view_all",
            "complaints.register_complaint",
            "complaints.screen_complaint",
            "complaints.classify_complaint",
            "complaints.assign_complaint",
            "complaints.adjudicate_return",
            "complaints.approve_clock",
            "complaints.request_clock",
            "complaints.write_note",
            "complaints.record_contact",
            "complaints.view_original",
            "complaints.reveal_identity",
            "complaints.record_for_complainant",
            "complaints.view_notes",
            "complaints.close_complaint",
            "complaints.verify_improvement",
            "complaints.reopen_complaint",
            "complaints.merge_complaints",
            "complaints.edit_reference",
            "complaints.manage_risk",
            "complaints.import_complaints",
            "complaints.rerun_job",
            "complaints.use_desk",
            "complaints.archive_complaint",
            "complaints.read_trail",
            "publication.view_publications",
            "publication.first_check",
            "publication.takedown",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "case_handler",
        "承办人",
        "Case handler",
        (
            "complaints.view_department",
            "complaints.handle_complaint",
            "complaints.write_note",
            "complaints.record_contact",
            "complaints.draft_reply",
            "complaints.request_clock",
            "complaints.view_original",
            "complaints.reveal_identity",
            "complaints.view_notes",
            "complaints.use_desk",
            "complaints.read_trail",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "department_head",
        "部门负责人",
        "Department head",
        (
            "complaints.approve_remedy",
            "complaints.view_department",
            "complaints.handle_complaint",
            "complaints.lead_department",
            "complaints.write_note",
            "complaints.record_contact",
            "complaints.draft_reply",
            "complaints.request_clock",
            "complaints.view_original",
            "complaints.reveal_identity",
            "complaints.view_notes",
            "complaints.use_desk",
            "complaints.read_trail",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "quality_checker",
        "质检员",
        "Quality checker",
        (
            "complaints.decide_key_change",
            "analytics.manage_problems",
            "complaints.edit_knowledge",
            "complaints.view_all",
            "complaints.check_quality",
            "complaints.verify_improvement",
            "complaints.view_original",
            "complaints.view_notes",
            "complaints.write_note",
            "complaints.use_desk",
            "complaints.read_trail",
            "publication.view_publications",
            "publication.first_check",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "legal_counsel",
        "法务",
        "Legal counsel",
        (
            "complaints.appraise_files",
            "complaints.manage_law",
            "complaints.manage_data_incident",
            "complaints.edit_knowledge",
            "complaints.read_consequences",
            "complaints.approve_consultation",
            "complaints.view_referred",
            "complaints.check_legal",
            "complaints.manage_risk",
            "complaints.read_interim_measures",
            "complaints.view_original",
            "complaints.reveal_identity",
            "complaints.view_notes",
            "complaints.use_desk",
            "complaints.read_trail",
            "publication.view_publications",
            "publication.first_check",
            "publication.second_check",
            "publication.review_masking",
            "publication.takedown",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "compliance_officer",
        "合规专员",
        "Compliance officer",
        (
            "complaints.manage_law",
            "complaints.manage_data_incident",
            "complaints.edit_knowledge",
            "complaints.read_consequences",
            "complaints.use_desk",
            "complaints.manage_risk",
            "complaints.read_interim_measures",
            "complaints.view_notes",
            "complaints.read_trail",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "press_officer",
        "公关专员",
        "Press officer",
        (
            "complaints.manage_incident",
            "complaints.release_bulletin",
            "publication.moderate",
            "complaints.use_desk",
            "complaints.manage_risk",
            "complaints.view_notes",
            "complaints.read_trail",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "reviewer",
        "复查员",
        "Reviewer",
        (
            "complaints.use_desk",
            "complaints.verify_improvement",
            "review.review_case",
            "review.view_sample",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "head_of_review",
        "复查组长",
        "Head of review",
        (
            "complaints.use_desk",
            "complaints.verify_improvement",
            "review.review_case",
            "review.lead_review",
            "review.draw_sample",
            "review.view_sample",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "publisher",
        "公示编辑",
        "Publisher",
        (
            "publication.moderate",
            "complaints.use_desk",
            "complaints.view_published_cases",
            "complaints.view_original",
            "complaints.read_trail",
            "publication.view_publications",
            "publication.compose",
            "publication.first_check",
            "publication.second_check",
            "publication.publish",
            "publication.takedown",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "publication_checker",
        "核对员",
        "Publication checker",
        (
            "complaints.use_desk",
            "publication.view_publications",
            "publication.first_check",
            "publication.second_check",
            *_READ_FIGURES,
        ),
    ),
    Role(
        "manager",
        "管理层",
        "Manager",
        (
            "complaints.appraise_files",
            "complaints.manage_incident",
            "complaints.release_bulletin",
            "complaints.decide_key_change",
            "complaints.manage_data_incident",
            "analytics.manage_problems",
            "analytics.close_period",
            "complaints.approve_remedy",
            "complaints.pay_remedy",
            "complaints.edit_knowledge",
            "complaints.read_consequences",
            "complaints.approve_consultation",
            "complaints.use_desk",
            "complaints.view_managed",
            "complaints.assign_complaint",
            "complaints.approve_clock",
            "complaints.close_complaint",
            "complaints.view_original",
            "complaints.view_notes",
            "complaints.reveal_identity",
            "complaints.read_trail",
            "complaints.verify_ledger",
            "complaints.manage_risk",
            "complaints.read_interim_measures",
            "review.view_sample_figures",
            "publication.view_publications",
            "publication.second_check",
            "publication.takedown",
            "analytics.view_figures",
            "analytics.approve_report",
            "analytics.build_report",
            "accounts.manage_users",
        ),
    ),
    Role(
        "auditor",
        "审计",
        "Auditor",
        (
            "complaints.conduct_audit",
            "complaints.use_desk",
            "complaints.view_all",
            "complaints.view_notes",
            "complaints.read_trail",
            "complaints.verify_ledger",
            "accounts.read_security_log",
            "review.view_sample",
            "publication.view_publications",
            "analytics.view_figures",
        ),
    ),
    Role(
        "administrator",
        "系统管理员",
        "Administrator",
        (
            "accounts.manage_users",
            "accounts.configure_system",
            "accounts.rerun_job",
            "accounts.read_security_log",
            "publication.takedown",
        ),
    ),
)

ROLE_BY_KEY = {role.key: role for role in ROLES}
# Whoever holds one of these decides over the work of others, reads what others may not, or changes the rules: two
# people give it (COM-04).
PRIVILEGED = frozenset(
    {
        "coordinator",
        "legal_counsel",
        "compliance_officer",
        "head_of_review",
        "publisher",
        "publication_checker",
        "manager",
        "auditor",
        "administrator",
    }
)


def sync_roles(sender=None, using="default", apps=None, **kwargs) -> None:
    """Give every shipped group exactly the permissions listed above. Runs after each migrate."""
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Group, Permission

    if sender is not None and sender.name != "analytics":
        return  # once, when the permissions of every app exist
    from django.apps import apps as installed

    for app in ("accounts", "complaints", "review", "publication", "analytics"):
        create_permissions(installed.get_app_config(app), verbosity=0, using=using)
    known = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.using(using).select_related("content_type")
    }
    for role in ROLES:
        group, _created = Group.objects.using(using).get_or_create(name=role.key)
        wanted = {known[name].pk for name in role.permissions}
        if set(group.permissions.values_list("pk", flat=True)) != wanted:
            group.permissions.set(wanted)
