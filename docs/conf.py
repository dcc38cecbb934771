"""The site of these pages, by Sphinx: `make docs` builds it into build/docs.

Its source is the whole repository, so that links to the pages beside docs/ and to files of code lead somewhere.
"""

project = "Countersign"
html_title = "Countersign"
html_theme = "furo"
root_doc = "docs/index"
include_patterns = ["docs/**.md", "extensions/README.md", "*.md"]
exclude_patterns = [".*", "build", "cdk.out", "node_modules"]
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
myst_heading_anchors = 4  # headings have the anchors that GitHub gives them, down to this level
myst_fence_as_directive = ["mermaid"]
suppress_warnings = ["toc.not_included"]
