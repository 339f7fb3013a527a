"""The docs site: `make docs` builds it with Sphinx and MyST, offline, with warnings as errors."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

project = "GRASP pipeline"
author = "the GRASP pipeline's authors"
html_title = project

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid", "made_pages", "prose_docstrings"]
exclude_patterns = ["_build"]
suppress_warnings = ["myst.header"]  # a made page begins a level below its neighbours
nitpicky = False  # annotations name types of torch and pydantic, whose inventories would have to be fetched

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_fence_as_directive = ["mermaid"]  # the same fence is a picture on GitHub
myst_heading_anchors = 3
# Drawn in the reader's browser by mermaid's script; without a network its text stays readable.
mermaid_output_format = "raw"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
add_module_names = False
python_maximum_signature_line_length = 90

html_theme = "furo"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
