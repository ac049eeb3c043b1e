"""The names that shops and scrapers give the fields of their items, in several languages.

A table maps names of ours to theirs, the best one first. Names are compared without case, accents, spaces and signs
(`flat`): "Image URLs" and `imageUrls` are the same.
"""

from collections.abc import Mapping

from swatchbook.ingest.sources.field_words import split_words, words_of
from swatchbook.ingest.sources.item_files import CODE, ID, IMAGES, METADATA, TITLE

MORE_IMAGES = "more_images"

FIELDS = (ID, CODE, TITLE, IMAGES, MORE_IMAGES, *METADATA)
"""All fields that are read of an item. `more_images` are always taken, of `images` only the first that is present."""

_GTIN = (
    "gtin", "gtin13", "gtin14", "gtin12", "gtin8", "ean", "ean13", "barcode", "variantbarcode", "upc", "isbn",
    "штрихкод", "globaluniqueid", "gtinupceanorisbn",
)  # fmt: skip

NAMES: Mapping[str, tuple[str, ...]] = {
    ID: (
        "id", "itemid", "productid", "articleid", "offerid", "awproductid", "pid", "uniqueid", "uniqid", "uuid", "uid",
        "guid", "listingid", "adid", "asin", "objectid", "entityid", "postid", "nodeid", "handle", "urlhandle",
        "idproduct",
        "produktid", "artikelid", "ид", "идентификатор",
    ),
    CODE: (
        "code", "sku", "variantsku", "productsku", "skuid", "articlenumber", "articleno", "artikelnummer",
        "artikelnr", "artnr", "itemnumber", "itemno", "productnumber", "productcode", "itemcode", "vendorcode",
        "modelnumber", "partnumber", "mpn", "productno", "manufacturersku", "reference", "referencia", "ref",
        "styleid", "stylecode", "kod",
        "артикул", *_GTIN,
    ),
    "gtin": _GTIN,
    TITLE: (
        "title", "name", "producttitle", "productname", "itemname", "itemtitle", "articlename", "displayname",
        "producttitletext", "displaytitle", "posttitle", "fullname", "longname", "shortname", "heading", "headline",
        "label", "titel", "bezeichnung", "artikelbezeichnung", "produktbezeichnung",
        "artikelname", "produktname", "nom",
        "nomproduit", "titre", "designation", "libelle", "nombre", "titulo", "nome",
        "titolo", "nazwa", "tytul", "nazev",
        "naam", "productnaam", "namn", "produktnamn", "navn", "tuotenimi", "nimi", "isim", "urunadi", "baslik",
        "название", "наименование", "заголовок", "товар", "назва", "商品名", "名称", "标题", "product", "item", "model",
        "h1",
    ),
    "url": (
        "merchantdeeplink", "mlink", "url", "producturl", "itemurl", "pageurl", "canonicalurl", "productpageurl",
        "productpage", "detailurl", "onlinestoreurl", "listingurl", "weburl", "permalink", "link", "productlink",
        "itemlink", "deeplink", "href", "sourceurl", "source", "uri", "canonical", "landingpage", "awdeeplink",
        "awtrack", "lien", "enlace", "odkaz", "адрес", "ссылка", "mainentityofpage",
    ),
    "price": (
        "saleprice", "specialprice", "currentprice", "discountedprice", "discountprice", "finalprice", "pricecurrent",
        "pricenow", "sellingprice", "promoprice", "promotionalprice", "offerprice", "actualprice", "salespriceinclvat",
        "price", "priceamount", "pricevalue", "priceinclvat", "pricevat",
        "pricetaxincluded", "pricetaxincl", "pricewithtax",
        "pricewithvat", "searchprice", "storeprice",
        "buynow", "variantprice", "regularprice", "unitprice", "baseprice", "displayprice", "formattedprice",
        "pricetext", "pricestring", "pricenumeric", "pricenumber", "pricerange", "pricefrom", "pricemin", "minprice",
        "lowprice", "retailprice", "listprice", "prices", "pricing", "price1", "cost", "amount", "msrp", "rrp",
        "originalprice", "oldprice", "verkaufspreis", "vkpreis", "vk", "bruttopreis", "endpreis", "einzelpreis",
        "preis", "preiseur", "uvp", "prixttc", "prix", "precio", "pvp", "prezzo",
        "preco", "cena", "cenabrutto", "prijs", "pris", "hinta", "fiyat", "fiyati", "цена", "стоимость",
        "ціна", "价格", "価格", "offers", "offer", "variants", "variations", "skus",
    ),
    "regular_price": (
        "compareatprice", "variantcompareatprice", "regularprice", "originalprice", "oldprice", "priceold", "wasprice",
        "pricewas", "pricebefore", "previousprice", "strikeprice", "strikethroughprice", "crossedoutprice", "listprice",
        "fullprice", "rrp", "msrp", "uvp", "streichpreis", "alterpreis", "ancienprix", "prixbarre", "precioanterior",
        "cenaregularna", "staracena", "стараяцена", "price",
    ),
    "currency": (
        "currency", "currencycode", "currencyid", "pricecurrency", "currencyiso", "currencysymbol", "isocurrency",
        "curr", "waehrung", "wahrung", "devise", "moneda", "moeda", "valuta", "mena", "waluta", "valyuta", "валюта",
    ),
    "brand": (
        "brand", "brandname", "productbrand", "brands", "vendor", "vendorname", "manufacturer", "manufacturername",
        "merchantbrand", "maker", "designer", "marke", "hersteller", "herstellername", "marque", "fabricant", "marca",
        "fabricante", "produttore", "marka", "producent", "znacka", "vyrobce", "merk", "fabrikant", "varumarke",
        "tillverkare", "maerke", "merke", "бренд", "производитель", "марка", "виробник", "品牌", "ブランド", "make",
    ),
    "category": (
        "producttype", "merchantcategory", "mcat", "category", "categories", "categorypath", "categorytext",
        "categoryname", "categorynames",
        "productcategory", "productcategories", "itemcategory", "merchantcategory", "merchantproductcategorypath",
        "mcat", "breadcrumb", "breadcrumbs", "breadcrumblist", "categorytree", "categoryhierarchy", "fullcategory",
        "categoryfullpath", "maincategory", "primarycategory", "googleproductcategory", "awcat", "cat", "cats",
        "taxonomy",
        "taxonomypath", "department", "section", "productgroup", "subcategory", "subcategoryname", "collection",
        "collections", "type", "kategorie", "kategorien", "warengruppe", "produktgruppe", "produkttyp", "categorie",
        "rubrique", "rayon", "categoria", "categorias", "kategoria", "kategori", "kategorii", "категория", "раздел",
        "категорія", "рубрика", "分类", "カテゴリ", "genre", "parentcategory",
    ),
    "size": (
        "size", "sizes", "dimensions", "dimension", "itemsize", "productsize", "productdimensions", "measurements",
        "grosse", "groesse", "abmessungen", "masse", "taille", "talla", "tamano", "taglia", "dimensioni", "rozmiar",
        "wymiary", "velikost", "rozmer", "maat", "afmetingen", "storlek", "matt", "storrelse", "koko", "beden",
        "размер", "размеры", "розмір",
    ),
    "condition": ("condition", "itemcondition", "zustand", "etat", "estado", "condizione", "stan", "stav", "staat",
                  "skick", "stand", "состояние"),
    "material": (
        "material", "materials", "fabric", "composition", "werkstoff", "materiau",
        "matiere", "composicion", "materiale",
        "materialy", "materiaal", "материал", "матеріал", "состав",
    ),
    "color": (
        "color", "colour", "colors", "colours", "colorname", "colourname",
        "basecolour", "primarycolor", "farbe", "farbton", "farbname", "couleur",
        "coloris", "colore", "cor", "kolor", "barva", "farba", "kleur", "farg",
        "farve", "farge", "vari", "renk", "цвет",
        "колір", "颜色",
    ),
    "availability": (
        "availability", "instock", "stockstatus", "isinstock", "availabilitystatus", "available", "isavailable",
        "verfugbarkeit", "lagerstatus", "disponibilite", "disponibilidad", "disponibilita", "dostepnosc", "наличие",
    ),
    "description": (
        "description", "longdescription", "productdescription", "shortdescription", "bodyhtml", "bodyhtmldescription",
        "body", "content", "postcontent", "summary", "desc", "descriptionhtml", "details", "excerpt", "text",
        "beschreibung", "artikelbeschreibung", "produktbeschreibung", "kurzbeschreibung", "descriptionlongue",
        "descripcion", "descrizione", "descricao", "opis", "popis", "omschrijving", "beschrijving", "beskrivning",
        "beskrivelse", "kuvaus", "aciklama", "описание", "опис", "描述", "説明",
    ),
}  # fmt: skip

MPN = (
    "mpn", "manufacturerpartnumber", "manufacturersku", "manufacturernumber", "partnumber", "vendorcode",
    "herstellernummer", "herstellerartikelnummer", "herstellernr", "herstellerartikelnr",
    "googleshoppingmanufacturerpartnumbermpn", "googleshoppingmpn",
)  # fmt: skip
"""Fields with the number that the manufacturer gave an article."""

SKU = ("ownsku", "sku", "productsku", "skuid")
IDENTIFIERS = (*NAMES[CODE], *NAMES[ID], *MPN)
"""Fields with a text that names one product."""

SALE_STARTS = ("salestarts", "datesalepricestarts", "salepricestartdate", "specialfromdate", "salepriceeffectivedate")
SALE_ENDS = ("saleends", "datesalepriceends", "salepriceenddate", "specialtodate", "salepriceeffectivedate")
"""Fields with the first and the last day of a sale; the last one has both: 2026-12-01/2026-12-24."""

PREFIXES = ("product", "item", "article", "artikel", "produkt", "goods", "offer", "variant", "meta", "og", "data", "p")
"""Words that may be before the name of a field: `product_price` is a price."""

PRICE_WORDS = split_words(
    "brutto netto gross net incl inkl excl exkl inclusive exclusive vat mwst ust tva ttc ht iva btw"
)
"""Words that may be behind the name of a price: `vk_brutto` is a price."""

LANGUAGES = split_words(
    "en de fr es it nl pl cs sk pt sv da no nb fi ru uk tr hu ro el bg hr sl lt lv et ja zh ko ar he fa"
)

SMALL_WORDS = split_words(
    "aw medium thumb thumbs thumbnail thumbnails small icon mini tiny mthumb awthumb preview swatch"
)
"""Words of fields whose pictures are taken only if there are no others, because they show the same in smaller size."""


def is_small_picture_field(name: str) -> bool:
    """Return whether a field has small pictures by its name."""
    return not SMALL_WORDS.isdisjoint(words_of(name))
