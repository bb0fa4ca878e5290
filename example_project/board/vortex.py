"""What clients can do with the board; found by django_vortex like an ``admin.py``."""

from django.db.models import QuerySet

from django_vortex import OrmCrudHandler, Request, RowsHandler, tuple_type
from example_project.board.models import Person, Ticket

tuple_type("board.Person", fields=["id", "name"])(Person)


class People(RowsHandler):
    """Everybody to whom a ticket can be assigned."""

    key = "board.people"
    model = Person


class Tickets(OrmCrudHandler):
    """The tickets that clients edit."""

    key = "board.tickets"
    model = Ticket
    fields = ["id", "title", "state", "assignee_id", "due"]
    nested = {"assignee": ["id", "name"]}
    version_field = "version"
    retrieve_all = True
    filters = ["state", "assignee_id", "due__lt", "title__icontains"]
    ordering = ["due", "title", "state"]

    def get_queryset(self, request: Request) -> QuerySet[Ticket]:
        """Hide drafts from visitors."""
        return Ticket.objects.visible_to(request.user)
