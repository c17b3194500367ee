"""Turn executed lessons into pages, papers, decks and scripts, without a network.

In go the notebooks of ``notebooks/`` and ``slides/``; out comes a site, a file for each lesson and format. Start
reading at ``build``: it runs what changed (``execute``), writes each format (``convert``) and the first page.
"""
