"""The parser of bytes: blocks of whole lines go in, the numbers of a few of their columns come out, by numpy alone.

Start reading at ``parser.find_fields``; ``course.ways.numpy_ways`` is the way that uses it.
"""
