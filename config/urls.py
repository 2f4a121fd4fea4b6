"""Both sides in one process (HUIYIN_SITE=all)."""

from config.urls_public import urlpatterns as public_urlpatterns
from config.urls_staff import urlpatterns as staff_urlpatterns

urlpatterns = [*staff_urlpatterns, *public_urlpatterns]

handler400 = "config.errors.handler400"
handler403 = "config.errors.handler403"
handler404 = "config.errors.handler404"
handler500 = "config.errors.handler500"
