"""The curation table (SQLite, or PostgreSQL when outgrown) and the asset store: what a collection is made of,
what was made, and what curators said of it."""

from collection_db.assets import Assets, open_assets
from collection_db.engine import connect
from collection_db.folders import AssetFolder
from collection_db.planning import PlannedRecipe
from collection_db.table import Table
from collection_db.viewing import View

__all__ = ["AssetFolder", "Assets", "PlannedRecipe", "Table", "View", "connect", "open_assets"]
