"""Root URLs of the tests that run inside pytest."""

urlpatterns: list[object] = []
