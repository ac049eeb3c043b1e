"""The records that the HTTP service sends and the client reads: products with pictures, images and pages."""

from pydantic import Field

from swatchbook.domain.records.items import ImageState, ItemState, Role
from swatchbook_base.geometry import Box
from swatchbook_base.records.images import Analysis, PlacementState
from swatchbook_base.records.pages import LostPicture, SkippedPicture, Unassigned
from swatchbook_base.records.products import Evidence, PictureRole, Product
from swatchbook_base.records.record import Record


class ProductPicture(Record):
    """A picture of a product: an image that a link connects to it. `score` is that of the best such link."""

    id: str = Field(description="Image id; the picture is at `/images/{id}/file`.")
    file: str = Field(description="Key in the file store.")
    score: float
    page: int = Field(description="Page of the placement with the best link.")
    caption: str | None
    width: int | None = Field(description="Pixels.")
    height: int | None
    role: PictureRole | None = Field(default=None, description="What it shows of the product.")


class ProductDetails(Product):
    """A product with its document, and its pictures: best link first, each once."""

    document_id: str
    document: str = Field(description="Name of the document.")
    owner: str
    pictures: tuple[ProductPicture, ...]
    look_at: tuple[str, ...] = Field(default=(), description="Why a person should look at it; empty without a reason.")


class LinkedPicture(Record):
    """A placement that is linked to a product, with the score and the reasons of the link. `bbox` is in points."""

    placement: str
    image: str
    page: int
    bbox: Box
    path: str | None
    caption: str | None
    shown: bool  # a file of it can be read, so there is a thumbnail
    why_no_picture: str | None
    score: float
    role: PictureRole | None
    shared: bool
    evidence: tuple[Evidence, ...]


class PlacedImage(Record):
    """A place of an image on a page. `bbox` is in points from the top left corner; `reason`: why it is not shown."""

    id: str
    page: int
    bbox: Box
    kind: str
    state: PlacementState
    reason: str | None
    caption: str | None


class DocumentImage(Record):
    """An image of a document. `state` is the one in the account; of images that are shown nowhere, the placement's."""

    id: str = Field(description="Image id; the picture is at `/images/{id}/file`.")
    state: ImageState | PlacementState
    width: int | None = Field(description="Pixels.")
    height: int | None
    quality: float | None
    needs_review: bool
    analysis: Analysis | None = Field(description="The analysis in use.")
    placements: tuple[PlacedImage, ...]


class PageDetails(Record):
    """A page of a document. Width and height are points; null if the page could not be read."""

    number: int
    label: str | None = Field(default=None, description="The number that people read on it, if it is another one.")
    width: float | None
    height: float | None
    kind: str = Field(description="`product`, `entity`, `skipped`, or `lost` if it could not be read.")
    reason: str | None
    failure_kind: str | None
    pictures: tuple[SkippedPicture, ...] = Field(default=(), description="That are seen on a skipped page.")
    lost_pictures: tuple[LostPicture, ...] = Field(
        default=(), description="Parts of the page that look like pictures and have no placement."
    )
    unassigned: Unassigned | None = Field(
        default=None, description="Short texts and pictures next to the page's products that belong to none of them."
    )
    rejected: tuple[Evidence, ...] = Field(default=(), description="Texts that were nearly names of products, and why.")
    unsure: bool = Field(default=False, description="It looks like products, and needs a vision model or a person.")


class ImagePlace(Record):
    """A place where an image is shown."""

    document_id: str
    document: str
    page: int
    path: str | None
    caption: str | None


class RoleState(Record):
    """The item of one (role, tag) of an image; `next_retry_at` in Unix seconds."""

    role: Role
    tag: str
    state: ItemState
    kind: str | None
    error: str | None
    attempts: int
    next_retry_at: float | None


class ImageDetails(Record):
    """An image of one owner. `file` is its key in the file store; sizes are pixels."""

    id: str
    owner: str
    content_key: str
    file: str | None
    width: int | None
    height: int | None
    text: str | None
    state: ImageState
    published: bool
    places: tuple[ImagePlace, ...]
    roles: tuple[RoleState, ...]
