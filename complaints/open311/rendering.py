"""JSON as it is, XML as the standard nests it, and errors in the standard's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, NotAuthenticated, ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response

# The element of one entry of a list, by the element of the list.
ENTRIES = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}


class GeoJSON(JSONRenderer):
    charset = "utf-8"


class GeoXML(BaseRenderer):
    """A list under the element its view names, an entry per object; None is an empty element."""

    media_type = "text/xml"
    format = "xml"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        context = renderer_context or {}
        response = context.get("response")
        if response is not None and response.status_code >= 400:
            root = Element("errors")
        else:
            root = Element(getattr(context.get("view"), "xml_root", "answer"))
        fill(root, data)
        return tostring(root, encoding="utf-8", xml_declaration=True)


def fill(element: Element, data: Any) -> None:
    """Put a JSON value below an element. Characters XML cannot hold are left out."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            fill(SubElement(element, name), value)
    elif isinstance(data, list):
        for value in data:
            fill(SubElement(element, ENTRIES[element.tag]), value)
    elif isinstance(data, bool):
        element.text = "true" if data else "false"
    elif data is not None:
        element.text = "".join(letter for letter in str(data) if letter >= " " or letter in "\t\n\r")


def errors(response: Response | None, exc: Exception) -> Response | None:
    """The project's answer as [{"code", "description"}]; a missing or unknown key is 403 in the standard."""
    if response is None:
        return None
    if isinstance(exc, NotAuthenticated | AuthenticationFailed):
        response.status_code = status.HTTP_403_FORBIDDEN
    if isinstance(exc, ValidationError) or response.status_code == status.HTTP_400_BAD_REQUEST:
        lines = list(_sentences(response.data))
    else:
        lines = [str(response.data.get("message", response.data))]
    response.data = [{"code": response.status_code, "description": line} for line in lines]
    return response


def _sentences(data: Any, field: str = "") -> Any:
    if isinstance(data, Mapping) and {"code", "message"} <= data.keys():
        yield str(data["message"])  # an error of the whole request, not of a parameter
    elif isinstance(data, Mapping):
        for name, value in data.items():
            yield from _sentences(value, field=str(name))
    elif isinstance(data, list):
        for value in data:
            yield from _sentences(value, field)
    elif isinstance(data, str | ErrorDetail):
        yield f"{field}: {data}" if field else str(data)
