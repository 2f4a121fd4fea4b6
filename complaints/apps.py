from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ComplaintsConfig(AppConfig):
    name = "complaints"
    verbose_name = "Complaints"

    def ready(self):
        from complaints import accused, receivers, related  # noqa: F401
        from complaints.reference import load_reference

        post_migrate.connect(load_reference, sender=self, dispatch_uid="complaints.load_reference")
