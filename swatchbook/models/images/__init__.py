"""Picture files and pixels: their limits, decoding in child processes, preparation for models, and the formulas of the
local analyst and encoder.
"""
