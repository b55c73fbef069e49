"""Rows of the catalogue."""

from studies.models.analysis import Analysis, AnalysisTable
from studies.models.analysis_part import AnalysisPart
from studies.models.annotation import AnnotationGroup, AnnotationValue
from studies.models.catalogue import CatalogueGene, FeatureTable
from studies.models.differential_expression import DifferentialExpressionTable, MarkersSource
from studies.models.feature import Feature
from studies.models.layer import Layer
from studies.models.projection import Projection
from studies.models.study import Study
from studies.models.study_access import StudyAccess
from studies.models.study_version import StudyVersion
from studies.models.user_annotation import UserAnnotation

__all__ = [
    "Analysis",
    "AnalysisPart",
    "AnalysisTable",
    "AnnotationGroup",
    "AnnotationValue",
    "CatalogueGene",
    "DifferentialExpressionTable",
    "Feature",
    "FeatureTable",
    "Layer",
    "MarkersSource",
    "Projection",
    "Study",
    "StudyAccess",
    "StudyVersion",
    "UserAnnotation",
]
