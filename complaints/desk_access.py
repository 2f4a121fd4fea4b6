"""Who reaches the pages of the desk that are about no single case."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from accounts import security
from accounts.errors import NotAllowed

DeskView = Callable[..., HttpResponseBase]


def needs(*permissions: str) -> Callable[[DeskView], DeskView]:
    """Let in whoever holds one of the permissions; others get 403 and a row in the security log (AT-06).

    Somebody who has not signed in is sent to the sign-in page.
    """

    def decorate(view: DeskView) -> DeskView:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
            if not any(request.user.has_perm(name) for name in permissions):
                security.record(
                    "refused", user=request.user, request=request, subject=view.__name__, needs=list(permissions)
                )
                raise NotAllowed(_("Your role does not open this page."))
            return view(request, *args, **kwargs)

        return guarded

    return decorate
