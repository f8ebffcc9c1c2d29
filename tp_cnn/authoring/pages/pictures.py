"""The pictures of a notebook, which anybody may have put there, as addresses that a page holds."""

import base64
import io
from dataclasses import dataclass

from markupsafe import Markup

MOST_PIXELS = 25_000_000
LARGEST = 15_000_000  # bytes
WIDEST = 1000  # pixels: 300 dots an inch in a column of the printed report
LARGE_PNG = 100_000  # bytes; above, a photograph is smaller as JPEG


@dataclass(frozen=True)
class Picture:
    """A PNG or a JPEG that a browser can show."""

    kind: str  # "png" or "jpeg"
    content: bytes
    width: int
    height: int

    @property
    def address(self) -> str:
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode()}"


def read(encoded: object) -> Picture | None:
    """The picture that ``encoded`` holds in base64, as it is; None if none of a sensible size."""
    from PIL import Image

    if not isinstance(encoded, str) or len(encoded) > 2 * LARGEST:
        return None
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as image:  # reads the size
            if image.width * image.height > MOST_PIXELS:
                return None
            image.verify()
            return Picture(image.format.lower(), content, image.width, image.height)
    except Exception:  # Pillow stumbles in many ways on what is no picture
        return None


def shrunk(encoded: object, widest: int) -> Picture | None:
    """The same on white, as figures may have no background, and at most ``widest`` pixels wide."""
    from PIL import Image

    picture = read(encoded)
    if picture is None:
        return None
    try:
        image = Image.open(io.BytesIO(picture.content)).convert("RGBA")
    except Exception:  # damaged behind a sound beginning
        return None
    if image.width > widest:
        image = image.resize((widest, max(1, round(image.height * widest / image.width))))
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    kind, content = "png", _compress(image, "PNG", optimize=True)
    if len(content) > LARGE_PNG:
        kind, content = "jpeg", _compress(image, "JPEG", quality=85)
    return Picture(kind, content, *image.size)


def element(encoded: object) -> Markup:
    """The picture, shrunk to the print of the report, as an element; "" if it cannot be read."""
    picture = shrunk(encoded, WIDEST)
    if picture is None:
        return Markup("")
    size = picture.width, picture.height
    return Markup('<img src="{}" width="{}" height="{}" alt="">').format(picture.address, *size)


def _compress(image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
