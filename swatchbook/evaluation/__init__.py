"""How good the results are: labels of catalogues (truth files), the score of a result against them, what a change won
and lost, and a first draft of labels. Nothing here changes a result.
"""
