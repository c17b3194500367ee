"""Get a data file: a name of the course or an address goes in, a whole and checked file of a folder comes out.

Start at ``retrieval.download``; ``resuming`` brings a file over HTTP.
"""

from course.downloads.retrieval import download as download
