"""Tells who looks at the board of tickets that may be new to them."""

from django_vortex import Context, CrudExtension, Payload, send
from example_project.board.models import Ticket


class News(CrudExtension):
    """Pushes the number of a ticket; whoever does not have it asks for it, and may see it or not.

    Who has it already is told by ``push_on_commit``.
    """

    def after_create_commit(self, context: Context, row: Ticket) -> None:
        """Tell of a new ticket."""
        send(Payload({"key": "board.news"}, tuples=[row.pk]))

    def after_update_commit(self, context: Context, row: Ticket) -> None:
        """Tell of a changed one too: it may have been a draft that not everybody could see."""
        self.after_create_commit(context, row)
