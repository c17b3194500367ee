"""The data of the course: the Open DAMIR layout, a generator of such files, the lexicon and the downloads."""
