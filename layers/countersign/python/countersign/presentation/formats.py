"""How each language writes numbers, dates and counts, by CLDR. Written by tools/formats.py: do not edit.

`plurals` has, for each count below 200, the index of its category; higher counts are as those of 100 to 199.
"""

from collections.abc import Mapping
from typing import Any

FORMATS: Mapping[str, Mapping[str, Any]] = {
    "ar": {
        "decimal": ".",
        "group": ",",
        "grouping": (3, 3),
        "moment": "{weekday}، {day}\xa0{month}\xa0{year}، {hour}:{minute}\xa0{zone}",
        "weekdays": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
        "months": (
            "يناير",
            "فبراير",
            "مارس",
            "أبريل",
            "مايو",
            "يونيو",
            "يوليو",
            "أغسطس",
            "سبتمبر",
            "أكتوبر",
            "نوفمبر",
            "ديسمبر",
        ),
        "plurals": 1 * "0" + 1 * "1" + 1 * "2" + 8 * "3" + 89 * "4" + 3 * "5" + 8 * "3" + 89 * "4",
    },
    "de": {
        "decimal": ",",
        "group": ".",
        "grouping": (3, 3),
        "moment": "{weekday}, {day}.\xa0{month}\xa0{year}, {hour}:{minute}\xa0{zone}",
        "weekdays": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        "months": (
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ),
        "plurals": 1 * "5" + 1 * "1" + 198 * "5",
    },
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
