"""The curation table (SQLite, or PostgreSQL when outgrown) and the asset store: what a collection is made of,
what was made, and what curators said of it."""

from collection_db.assets import Assets, Stored, open_assets
from collection_db.engine import connect
from collection_db.folders import AssetFolder
from collection_db.planning import PlannedRecipe
from collection_db.table import Table

__all__ = ["AssetFolder", "Assets", "PlannedRecipe", "Stored", "Table", "connect", "open_assets"]
