"""Who reaches the pages of the desk that are about no single case."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from accounts import security
from accounts.errors import NotAllowed

DeskView = Callable[..., HttpResponseBase]
ADMINISTRATOR = "accounts.configure_system"


def _never(request: HttpRequest) -> bool:
    return False


def needs(
    *permissions: str, only_looks: Callable[[HttpRequest], bool] = _never, all_anew: bool = False
) -> Callable[[DeskView], DeskView]:
    """Let in whoever holds one of the permissions; others get 403 and a row in the security log (AT-06).

    Somebody who has not signed in is sent to the sign-in page. Whoever configures the system gives the password once
    more before something is changed, unless the request `only_looks`, as a preview does (matrix row 52, AU-09); with
    `all_anew` everybody does.
    """

    def signs_in_anew(request: HttpRequest) -> bool:
        if request.method != "POST" or only_looks(request):
            return False
        return all_anew or (ADMINISTRATOR in permissions and request.user.has_perm(ADMINISTRATOR))

    def decorate(view: DeskView) -> DeskView:
        careful = reauthentication_required(enabled=signs_in_anew)(view)

        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            if not any(request.user.has_perm(name) for name in permissions):
                security.record(
                    "refused", user=request.user, request=request, subject=view.__name__, needs=list(permissions)
                )
                raise NotAllowed(_("Your role does not open this page."))
            try:
                return careful(request, *args, **kwargs)
            except ReauthenticationRequired:
                if request.FILES:  # what was filled in waits in the session; a file does not
                    messages.info(request, _("After the password, please choose the file again."))
                raise

        return guarded

    return decorate
