"""What `orm` needs of Django's ORM; the only folder of `orm` whose stores import it."""
