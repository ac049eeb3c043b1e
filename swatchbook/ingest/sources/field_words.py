"""Take the names of fields, files and folders apart into words, and know those that are about pictures."""

import re
import unicodedata
from functools import lru_cache


def split_words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


LOCAL_PATHS = ("compressedpath", "originalpath", "filepath", "localimagepaths", "localimagepath", "localpath",
               "imagepath", "imagepaths", "imagefile", "imagefiles", "imagefilename")  # fmt: skip
"""Fields with pictures as files: the first that names a readable one counts, and then no URL is fetched."""

PICTURE_WORDS = split_words(
    "image images img imgs photo photos picture pictures pic pics foto fotos bild bilder imagen imagenes immagine "
    "immagini imagem imagens zdjecie zdjecia obrazek obrazky afbeelding afbeeldingen billede billeder kuva kuvat resim "
    "media gallery galerie galeria cover thumbnail thumbnails thumb thumbs enclosure фото фотография картинка "
    "изображение изображения зображення 图片 画像 produktbild produktbilder imgurl imageurl imagelink imagesrc "
    "imageurls imgurls imgsrc photourl photourls pictureurl pictureurls bildurl mimage awimage mthumb awthumb "
    "screenshot screenshots swatchimage mainimage"
)
"""Words in the names of fields with pictures."""

NO_PICTURE_WORDS = split_words(
    "alt width height count num number type types position caption captions title titles id ids hash checksum text "
    "status mime created updated date format logo avatar flag video videos embedding vector label labels "
    "score copyright "
    "license has is credit"
)
"""Words of fields that are about pictures but have none."""

_CAMEL = re.compile(r"(?<=[a-zа-я0-9])(?=[A-ZА-Я])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_SIGNS = re.compile(r"[\W_]+")


@lru_cache(4_096)
def flat(name: str) -> str:
    """Return a field's name without case, accents, spaces and signs: "Image URLs" is "imageurls"."""
    plain = unicodedata.normalize("NFKD", name[:200])
    return "".join(sign for sign in plain.casefold() if sign.isalnum())


@lru_cache(4_096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a field's name: `additionalImage_link2` has additional, image, link and 2."""
    spaced = _SIGNS.sub(" ", _CAMEL.sub(" ", name[:200]))
    return tuple(filter(None, (flat(word) for word in spaced.split())))


def is_picture_field(name: str) -> bool:
    """Return whether a field has pictures by its name."""
    words = set(words_of(name))
    return bool(words & PICTURE_WORDS) and not words & NO_PICTURE_WORDS
