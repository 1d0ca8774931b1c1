"""The application's dashboards and a run to draw them from."""

from tests.shown_run import application_dashboards, comparison, shown_run

__all__ = ["application_dashboards", "comparison", "shown_run"]
