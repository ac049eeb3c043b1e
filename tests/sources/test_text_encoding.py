"""The encodings of files that shops and spreadsheets write, by texts of a few words in languages that use them."""

import pytest

from swatchbook.sources.text_encoding import encoding_of

TEXTS = {
    "cp1252": [
        "Tisch Ø 90", "à la carte", "Maße;Ø 160 cm;Stärke", "Eiche geölt, Größe 60 × 90 cm, 5 m²; Hocker Grün",
        "chêne huilé; à côté; bûche, fenêtre, où; forêt", "silla de niño, año, ¿qué?; española; nº 5",
        "Stol i eg, grå, rød, læder; bredde 60 cm", "cadeira de mão, balcão, pão; não",
        "Caffè; più; perché; città; tavolo è bello", "Preis 5 € – „schön“ 3 m³ 20 °C",
        "Möbel; naïve; Ø 12 mm – café crème; Crème brûlée", "stol; björk; pall på; grön",
    ],
    "cp1250": [
        "Krzesło dębowe, żółty", "Příjemná židle z dubu, šířka 60 cm, výška", "Stolička, posteľ, šírka; väčší",
        "Szék tölgyből, fűrész, kőris", "Masă din stejar; scaun roşu", "stolica od hrasta, smeđa, šarena, čaša",
        "lampa ścienna mosiężna; 99 zł; ŁÓŻKO",
    ],
    "cp1254": ["ahşap masa, ışık, yeşil, büyük, çağdaş"],
    "cp1251": ["Стул дубовый, стол, кровать белая с ящиками"],
    "koi8_r": ["Стул дубовый, стол, кровать белая с ящиками"],
    "cp1253": ["Καρέκλα δρύινη, τραπέζι κουζίνας"],
    "gb18030": ["橡木椅子 现代简约 餐桌 白色 大号"],
    "shift_jis": ["オーク材の椅子、ダイニングテーブル、白いソファです"],
}  # fmt: skip


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_text_of_a_few_words_is_read_as_it_was_written(encoding: str, text: str) -> None:
    data = f"name;price;size\n{text}\n".encode(encoding)
    assert data.decode(encoding_of(data)) == f"name;price;size\n{text}\n"


def test_marks_and_utf8_come_first() -> None:
    assert encoding_of("Größe".encode("utf-8-sig")) == "utf-8-sig"
    assert encoding_of("Größe".encode("utf-16")) == "utf-16"
    assert encoding_of("Größe ".encode()[:5]) == "utf-8"  # a sign that is cut off at the end
