"""What Pillow raises for damaged bytes: importing and classifying pictures treat the same exceptions as damage."""

from __future__ import annotations

import struct
import zlib

# Each was seen when 100,000 damaged files were opened, or stands in the readers' source. None of them means anything
# else where only the bytes vary.
PICTURE_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
)
