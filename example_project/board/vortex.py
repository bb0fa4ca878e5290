"""What clients can do with the board; found by django_vortex like an ``admin.py``."""

from django_vortex import OrmCrudHandler, RowsHandler, tuple_type
from example_project.board.models import Person, Ticket

tuple_type("board.Person", fields=["id", "name"])(Person)

people = RowsHandler({"key": "board.people"}, Person)

tickets = OrmCrudHandler(
    {"key": "board.tickets"},
    Ticket,
    fields=["id", "title", "state", "assignee_id", "due"],
    nested={"assignee": ["id", "name"]},
    get_queryset=lambda request: Ticket.objects.visible_to(request.user),
    version_field="version",
    retrieve_all=True,
    filters=["state", "assignee_id", "due__lt", "title__icontains"],
    ordering=["due", "title", "state"],
    push_on_commit=True,
)
