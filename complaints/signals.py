"""What cases announce after commit. A crash may lose a signal; the sweeps of the apps above do not."""

from django.dispatch import Signal

complaint_closed = Signal()  # complaint_id: int, at: datetime
# A bulletin of an incident is out, or no longer holds; the apps above publish it and take it down (INC-07, INC-08).
bulletin_released = Signal()  # bulletin_id: int
bulletin_withdrawn = Signal()  # bulletin_id: int
