"""How each language writes numbers, dates and counts, by CLDR. Written by tools/formats.py: do not edit.

`plurals` has, for each count below 200, the index of its category; higher counts are as those of 100 to 199.
"""

from collections.abc import Mapping
from typing import Any

FORMATS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "decimal": ".",
        "group": ",",
        "grouping": (3, 3),
        "moment": "{weekday}, {day}\xa0{month}\xa0{year}, {hour}:{minute}\xa0{zone}",
        "weekdays": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "months": (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        "plurals": 1 * "5" + 1 * "1" + 198 * "5",
    },
}
