"""Two more generated catalogues, in the layouts that real ones have and the large sample has not."""
