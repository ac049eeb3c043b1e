"""The nouns of Swatchbook as small immutable types, and the ids of what they describe.

This module hands out all of them, so that `from swatchbook.domain.records import …` need not know which file has which.
"""

from swatchbook.domain.records.collection import *
from swatchbook.domain.records.details import *
from swatchbook.domain.records.documents import *
from swatchbook.domain.records.edits import *
from swatchbook.domain.records.items import *
from swatchbook.domain.records.options import *
from swatchbook.domain.records.reports import *
from swatchbook.domain.records.reviews import *
from swatchbook.domain.records.sources import *
from swatchbook.domain.records.teaching import *
from swatchbook_base.records import *
