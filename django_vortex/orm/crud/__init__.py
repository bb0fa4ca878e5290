"""Create, read, update and delete: `OrmCrudHandler` and what it decides, whatever the database."""
