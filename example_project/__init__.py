"""A Django project that serves the airports of the United States to vortex clients."""
