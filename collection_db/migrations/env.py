"""Alembic's entry: runs the migrations on the connection that `collection_db.engine` opened, inside its
transaction."""

from alembic import context

from collection_db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,  # true of SQLite too, as `engine` issues its own BEGIN
)
with context.begin_transaction():
    context.run_migrations()
