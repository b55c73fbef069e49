"""Admin pages of the catalogue."""

from studies.admin.catalogue import FeatureTableAdmin
from studies.admin.study import StudyAdmin

__all__ = ["FeatureTableAdmin", "StudyAdmin"]
