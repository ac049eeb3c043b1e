"""The records of catalogues as small immutable types, and the ids of what they describe."""

from swatchbook_base.geometry import Box as Box
from swatchbook_base.records.editions import *
from swatchbook_base.records.images import *
from swatchbook_base.records.pages import *
from swatchbook_base.records.products import *
from swatchbook_base.records.record import *
