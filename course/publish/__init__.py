"""Turn executed lessons into pages, papers, decks and scripts, without a network."""
