"""The doctor: what stands between an EA and its forecasts, found by looking, not by asking.

Each check tells what it found, what that means and what to do. Nothing is changed, and a check
that cannot look says so in place of failing.
"""

from bridge.doctor.examination import examine
from bridge.doctor.findings import Finding, Mark

__all__ = ["Finding", "Mark", "examine"]
