"""Creating many tables in one step of a migration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.migrations.operations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.operations.base import Operation


class CreateTogether(Operation):
    """New tables with all their columns, indexes and constraints.

    Django builds the models of the whole project anew after each operation: a hundred operations on a hundred and
    fifty models take a minute. Here they are built once.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: Any) -> None:
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for operation in self.operations:
            if isinstance(operation, CreateModel):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for operation in reversed(self.operations):
            if isinstance(operation, CreateModel):
                operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Create {sum(isinstance(operation, CreateModel) for operation in self.operations)} tables"


def together(operations: Sequence[Operation]) -> list[Operation]:
    """The same migration with the new tables first, in one step; what changes other tables follows in its order."""
    created = {operation.name_lower for operation in operations if isinstance(operation, CreateModel)}

    def is_new(operation: Operation) -> bool:
        if isinstance(operation, (AddField, AddIndex, AddConstraint)):
            return operation.model_name_lower in created
        return isinstance(operation, CreateModel)

    new = [operation for operation in operations if is_new(operation)]
    return [CreateTogether(new), *(operation for operation in operations if not is_new(operation))]
