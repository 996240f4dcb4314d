"""Assignment Reports: what exists, one folder per stage of the flow.

Importing it makes every time zone come from the pinned `tzdata` wheel, in each process that
uses the product: the copies of operating systems and databases disagree about coming clock changes.
"""

import zoneinfo

zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()
