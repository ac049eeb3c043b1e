"""The nouns of Swatchbook as small immutable types, and the ids of what they describe.

This module hands out all of them, so that `from swatchbook.records import …` need not know which file has which.
"""

from swatchbook.geometry import Box as Box
from swatchbook.records.collection import *
from swatchbook.records.details import *
from swatchbook.records.documents import *
from swatchbook.records.editions import *
from swatchbook.records.edits import *
from swatchbook.records.images import *
from swatchbook.records.items import *
from swatchbook.records.options import *
from swatchbook.records.pages import *
from swatchbook.records.products import *
from swatchbook.records.record import *
from swatchbook.records.reports import *
from swatchbook.records.sources import *
from swatchbook.records.teaching import *
