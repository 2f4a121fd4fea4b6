"""Open311 GeoReport v2: categories as services, complaints as service requests (IN-05, IN-12).

What anybody may read of a request is its service, its dates and whether it is open. Text, place and
person stay inside: the interface shows them to nobody, whoever filed reads on the tracking page.
"""
