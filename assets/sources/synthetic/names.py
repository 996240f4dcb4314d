"""Names of the contacts of the synthetic inbox: believable ones, and hostile ones for tests."""

import random

_FIRST = """
    Ana Bruno Chloé Dmitri Emeka Fatima Grace Hanna Ibrahim Jürgen Keiko Liam María Nguyễn
    Olga Paulo Rosa Søren Tariq Zoë
    Alice Benjamin Camila Daniel Elena Felix Gabriela Henrik Isabel Jakub Karim Laura Mateo Nadia
    Oscar Petra Rafael Samira Thomas Valentina
""".split()
_LAST = """
    Almeida Bauer Castro Dubois Eriksson Ferrari García Haddad Ivanov Jensen Kowalski
    Lindqvist Müller Novák Okafor Papadopoulos Rossi Silva Tanaka Yılmaz
    Anderson Brown Campbell Davis Evans Fischer Gupta Hughes Johnson Kelly Lopez Martin Nakamura
    O'Brien Patel Roberts Schmidt Thompson Walker Young
""".split()
_OTHER_SCRIPTS = (
    "王小明",
    "李静",
    "田中さくら",
    "김민준",
    "محمد الأحمد",
    "فاطمة الزهراء",
    "דוד כהן",
    "अनिता शर्मा",
    "สมชาย ใจดี",
    "Αλέξανδρος",
    "Ольга Кузнецова",
)
HOSTILE = (
    "<script>alert(1)</script>",
    "=1+1",
    "$x$",
    "@SUM(A1:A9)",
    "+49 151 000000",
    "-2+3",
    "Robert'); DROP TABLE contacts;--",
    '"quoted", with comma',
    "{{ 7*7 }}",
    "\u202ereversed by an override",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
    "👩‍👩‍👧 The Family 🇧🇷",
    "None",
    "NULL",
    "007",
    "Bartholomäus-Maximilian von und zu Hohenschwangau-Unterallgäu der Jüngere " * 2,
    "a" * 90,
    "beep\x07bell",
)
OTHER_SCRIPT_AGENTS = {"u7": "陈伟", "u8": "ليلى حسن"}
"""What two agents are called in the hostile inbox."""


def draw_name(rng: random.Random) -> str:
    """Return a believable name."""
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def draw_hostile_name(rng: random.Random, number: int) -> str:
    """Return the name of contact *number*: of every two, one is markup, a formula or a trap of text."""
    if number % 2 == 0:
        return HOSTILE[number // 2 % len(HOSTILE)]
    return rng.choice(_OTHER_SCRIPTS) if rng.random() < 0.4 else draw_name(rng)
