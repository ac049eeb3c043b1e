"""Every failure, as `swatchbook_base.errors` declares it: kind, policy of retries, and what a person should do."""

from swatchbook_base.errors import *
