"""How Sphinx builds this documentation."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

project = "django_vortex"
author = "The django_vortex developers"
copyright = "2026, The django_vortex developers"

extensions = []
nitpicky = True
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "django_vortex"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
