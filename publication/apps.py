from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PublicationConfig(AppConfig):
    name = "publication"
    verbose_name = "Publication"

    def ready(self):
        from publication import channel_surfaces, masking, panels, receivers, vague_words  # noqa: F401

        post_migrate.connect(masking.load, sender=self, dispatch_uid="publication.masking")
        post_migrate.connect(vague_words.load, sender=self, dispatch_uid="publication.vague_words")
