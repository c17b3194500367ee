"""Get a data file: a name of the course or an address goes in, a whole and checked file of a folder comes out.

Start at ``retrieval.download``; ``addresses`` says where a file is, ``resuming`` brings it over HTTP.
"""

from course.downloads.retrieval import download as download
