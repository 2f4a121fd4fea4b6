"""What pages of others show of the knowledge: known issues for clerks, whether there are public questions."""

from __future__ import annotations

from django import template

from complaints import knowledge

register = template.Library()
register.simple_tag(knowledge.known_issues, name="known_issues")
register.simple_tag(knowledge.issues_to_read, name="issues_to_read")
register.simple_tag(knowledge.public_education, name="education_offered")


@register.simple_tag
def questions_offered() -> bool:
    """Whether the help page points at the common questions (KB-06)."""
    return bool(knowledge.public_questions())
