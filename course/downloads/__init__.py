"""Download a file of the course by name: a short name or an address goes in, a checked file of the folder comes out.

Start at ``downloads.download``.
"""
