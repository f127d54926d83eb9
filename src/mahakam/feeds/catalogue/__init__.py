"""The catalogue of a node's data: its entries, how they are found, and their rows as public tables.

``entry``: a feed as the catalogue tells of it · ``search``: entries by words, place, theme, agency ·
``tables``: an entry's public rows as a Parquet file · ``licences``, ``themes``: free words as known addresses.
"""
