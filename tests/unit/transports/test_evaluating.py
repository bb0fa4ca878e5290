import pytest
from django.contrib.auth.models import User

from django_vortex.live.changes import Change, Operation
from django_vortex.live.questions import Scope
from django_vortex.live.recording import recording
from django_vortex.transports.evaluating import DjangoEnvironment


@pytest.mark.django_db
def test_evaluation_depends_on_its_own_user_but_not_on_logins():
    own, other = User.objects.create(username="own"), User.objects.create(username="other")
    with recording() as recorder:
        DjangoEnvironment(lambda uuid: None).find_peer(Scope(user=str(own.pk)))
    [dependency] = recorder.reads

    def is_concerned(operation, user, *columns, **values):
        keys, known = frozenset([(user.pk,)]), {"id": user.pk, **values}
        columns = frozenset(columns) or None
        change = Change(dependency.table, operation, keys, columns, known, known)
        return dependency.is_concerned_by(change)

    assert is_concerned(Operation.UPDATE, own, "is_active")
    assert is_concerned(Operation.DELETE, own)
    assert not is_concerned(Operation.UPDATE, own, "last_login")
    assert not is_concerned(Operation.UPDATE, other, "is_active", "username")
    assert not is_concerned(Operation.INSERT, other)
    assert not is_concerned(Operation.DELETE, other)
