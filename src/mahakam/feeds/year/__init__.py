"""The steward's year (Satu Data Indonesia, Perpres 39/2019): which data is to come, when, and how it was examined.

``item``: a dataset of the list of data, step by step · ``calendar``: its releases, and who is late ·
``examination``: what the node knows of a submission · ``desk``: where the list is kept ·
``taking``: a list from a file.
"""
