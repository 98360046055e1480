"""Sleep stages from the heart beat: stagers, their cards, and the one function that stages a night."""

from holter2sleep.sleep.staging.base import Evidence, Stager
from holter2sleep.sleep.staging.cards import Card
from holter2sleep.sleep.staging.registry import get_stager, list_cards
from holter2sleep.sleep.staging.stage import StagingRules, stage_sleep

__all__ = ["Card", "Evidence", "Stager", "StagingRules", "get_stager", "list_cards", "stage_sleep"]
