"""How good the products are that are found: labels of catalogues (truth files), the score of a result against them, and
what a change won and lost.
"""
