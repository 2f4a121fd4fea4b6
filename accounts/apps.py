from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self):
        from accounts import checks, receivers  # noqa: F401
        from accounts.roles import sync_roles

        # After every migrate (and after the flush of a test) the shipped groups hold exactly
        # the permissions listed in roles.py.
        post_migrate.connect(sync_roles, dispatch_uid="accounts.sync_roles")
