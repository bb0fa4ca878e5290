"""What `orm` needs of SQLAlchemy; imported only where SQLAlchemy is installed."""
