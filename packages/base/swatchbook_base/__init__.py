"""What Swatchbook and its library of catalogues share: records, failures, geometry, prices, child processes, E5."""
