"""A Django project with a vortex: airports over SQLAlchemy, a work board over Django's ORM."""
