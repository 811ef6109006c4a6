"""Files of the report: written only where they changed; JSON that is safe inside a page; pictures."""

import base64
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..atomic import replacing, write_bytes

EMBEDDED_SIZES = ((1300, 45), (1150, 30), (900, 30), (700, 30))  # pixels wide, WebP quality
EMBEDDED_LEAST = 7000  # bytes: no gate picture is readable below


def safe_json(value: object) -> str:
    """Write JSON that may stand inside a script element: no `<`, `>` or `&`, and no line separators."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def block(name: str, value: object) -> str:
    """Write a data block as the call that `core.js` understands."""
    return f"HL.put({safe_json(name)},{safe_json(value)});\n"


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file, unless it holds just that already; returns whether it was written."""
    data = text.encode("utf-8")
    try:
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
    except OSError:
        pass
    write_bytes(path, data)
    return True


def place_picture(source: Path, target: Path) -> bool:
    """Put a picture into the report's folder, as a hard link where the file system can; returns whether it was placed.

    A picture that changed is another file: batches are written anew, never in place.
    """
    try:
        there = target.stat()
        here = source.stat()
        if (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
            return False
        if there.st_size == here.st_size and target.read_bytes() == source.read_bytes():
            return False
    except OSError:
        pass
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
    return True


def remove_others(folder: Path, wanted: set[str]) -> None:
    """Remove what an earlier report left in a folder."""
    for path in folder.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()


def embedded_picture(source: Path, width: int, quality: int) -> str:
    """Make a smaller copy of a picture as a data URI, for a page that travels alone."""
    from PIL import Image

    with Image.open(source) as image:
        picture = image.convert("RGB")
    if picture.width > width:
        picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def embedded_pictures(sources: Mapping[str, Path], budget: int) -> dict[str, str]:
    """Embed pictures as large as all of them fit into `budget` bytes; none where even the smallest do not.

    The size is chosen on every tenth picture, so that each is encoded once.
    """
    some = list(sources.values())[::10]
    for width, quality in EMBEDDED_SIZES:
        if len(sources) * EMBEDDED_LEAST > budget:
            break
        sample = sum(len(embedded_picture(path, width, quality)) for path in some)
        if sample / max(len(some), 1) * len(sources) < 0.93 * budget:
            made = {name: embedded_picture(path, width, quality) for name, path in sources.items()}
            if sum(map(len, made.values())) <= budget:
                return made
    return {}
