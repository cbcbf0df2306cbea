"""How Sphinx builds these pages: ``python -m sphinx -W --nitpicky docs docs/_build``."""

from pixelmw import __version__

project = "pixelmw"
author = "The pixelmw authors"
project_copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "pixelmw"
html_copy_source = False
html_show_sphinx = False
# A page is read by people who copy from it: quotes and dashes stay as they were written.
smartquotes = False
highlight_language = "text"

autodoc_member_order = "bysource"
# A default is shown as the code has it: PATHS, and not what it holds.
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
nitpicky = True
# The build knows the pages of this project alone, and fetches nothing; names of other projects stay without a link,
# as do names of ours that nobody imports.
nitpick_ignore_regex = [("py:.*", r"(?!pixelmw\b).*"), ("py:.*", r"pixelmw(\.\w+)*\._\w+")]
