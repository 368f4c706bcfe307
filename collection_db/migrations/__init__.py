"""Numbered Alembic migrations of the curation table; `collection_db.engine.connect` runs them."""
