"""Tracking plans: what each named event must hold, in the formats that Segment and RudderStack have for it."""

from .contents import Fault, PlanError
from .planned_events import PlannedEvents, planned_events
from .tracking_plan import TrackingPlan

__all__ = ["Fault", "PlanError", "PlannedEvents", "TrackingPlan", "planned_events"]
