"""What cases announce after commit. A crash may lose a signal; the sweeps of the apps above do not."""

from django.dispatch import Signal

complaint_closed = Signal()  # complaint_id: int, at: datetime
