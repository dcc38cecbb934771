"""Write how each language of the catalogue forms numbers, amounts, dates and counts: python -m tools.formats.

The forms are those of CLDR, by Babel; functions import only the table. Digits are Latin and clocks have 24 hours in
every language. An amount is a grouped number with the currency's code behind it.
"""

import re
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import parse_pattern

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "layers/countersign/python/countersign/presentation/words"
TABLE = WORDS.with_name("formats.py")

LOCALES = {"en": "en_150"}
"""The locale of a language whose own forms are those of one country: English as Europe writes it."""

_HEAD = '''\
"""How each language writes numbers, dates and counts, by CLDR. Written by tools/formats.py: do not edit.

`plurals` has, for each count below 200, the index of its category; higher counts are as those of 100 to 199.
"""

from collections.abc import Mapping
from typing import Any

'''
_CATEGORIES = ("zero", "one", "two", "few", "many", "other")
_NAMES = {"EEEE": "weekday", "MMMM": "month", "d": "day", "y": "year", "HH": "hour", "H": "hour", "mm": "minute"}
_FIELDS = {field: f"{{{name}}}" for field, name in _NAMES.items()}
_NO_BREAK = "\N{NO-BREAK SPACE}"


def table() -> str:
    """Return the source of the table."""
    languages = sorted(path.stem for path in WORDS.glob("[!_]*.py"))
    entries = "".join(f"    {language!r}: {_entry(language)},\n" for language in languages)
    return f"{_HEAD}FORMATS: Mapping[str, Mapping[str, Any]] = {{\n{entries}}}\n"


def _entry(language: str) -> str:
    locale = Locale.parse(LOCALES.get(language, language))
    symbols = locale.number_symbols["latn"]
    fields: dict[str, Any] = {
        "decimal": symbols["decimal"],
        "group": symbols["group"],
        "grouping": tuple(locale.decimal_formats[None].grouping),
        "moment": _moment(locale),
        "weekdays": tuple(locale.days["format"]["wide"][day] for day in range(7)),
        "months": tuple(locale.months["format"]["wide"][month] for month in range(1, 13)),
    }
    lines = [f"        {name!r}: {value!r},\n" for name, value in fields.items()]
    return "{\n" + "".join(lines) + f'        "plurals": {_plurals(locale)},\n    }}'


def _moment(locale: Locale) -> str:
    date = _template(locale.date_formats["full"].pattern)
    time = _template(dict(locale.datetime_skeletons)["Hm"].pattern)
    return str(locale.datetime_formats["medium"]).replace("{1}", date).replace("{0}", f"{time}{_NO_BREAK}{{zone}}")


def _template(pattern: str) -> str:
    """Return a pattern of CLDR as a template in which only the space after a comma may break."""
    text = str(parse_pattern(pattern).format) % _FIELDS
    return re.sub(r"(?<![,،]) ", _NO_BREAK, text)


def _plurals(locale: Locale) -> str:
    """Return the expression for the categories' indexes of the counts below 200."""
    digits = [_CATEGORIES.index(locale.plural_form(count)) for count in range(200)]
    runs = ((digit, len(list(run))) for digit, run in groupby(digits))
    return " + ".join(f'{count} * "{digit}"' for digit, count in runs)


def main() -> int:
    """Write the table."""
    source = table()
    TABLE.write_text(source, encoding="utf-8")
    return subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", TABLE], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
