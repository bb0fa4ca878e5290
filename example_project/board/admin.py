"""The board in Django's admin; nothing here knows of clients."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest

from example_project.board.models import Person, Ticket

admin.site.register(Person)


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes none at run time
    """Tickets, whose versions count what is saved here as well."""

    list_display = ["title", "state", "assignee", "due"]
    list_editable = ["state"]
    list_filter = ["state", "assignee"]
    search_fields = ["title"]

    def save_model(self, request: HttpRequest, obj: Ticket, form: Any, change: bool) -> None:
        """Count the version, so that whoever edits the ticket on the page is told of the change."""
        if change:
            obj.version = F("version") + 1
        super().save_model(request, obj, form, change)
