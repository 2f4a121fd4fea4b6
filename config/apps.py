from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Huiyin"

    def ready(self):
        from complaints import mail_views, queue
        from config import nav

        nav.register_count("workbench", queue.my_work)
        nav.register_count("mails", mail_views.waiting)
        nav.register_count("notifications", queue.unread_notifications)
