"""The nouns of Swatchbook as small immutable types, and the ids of what they describe.

This module hands out all of them, so that `from swatchbook.records import …` need not know which file has which.
"""

from swatchbook.records.collection import *
from swatchbook.records.details import *
from swatchbook.records.documents import *
from swatchbook.records.edits import *
from swatchbook.records.items import *
from swatchbook.records.options import *
from swatchbook.records.reports import *
from swatchbook.records.reviews import *
from swatchbook.records.sources import *
from swatchbook.records.teaching import *
from swatchbook_base.records import *
