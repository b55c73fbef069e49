"""Admin pages of the catalogue."""

from studies.admin.study import StudyAdmin

__all__ = ["StudyAdmin"]
