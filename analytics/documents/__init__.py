"""Report documents from a frozen snapshot: `snapshot`, `docx`, `xlsx`, `pdf` (AN-19, AN-29). No database access.

The renderers are imported where they are used (a Celery task, a command), so the web process does not load them.
"""
