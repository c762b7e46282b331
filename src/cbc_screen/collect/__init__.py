"""Single results to counts, in columns: for tables of one result a row.

A group of results in which nothing is doubtful never becomes a Python object. Every other
group goes the careful way (`normalize/collect.py`), which is the only one that decides what
stands where results repeat, replace or contradict each other.
"""
