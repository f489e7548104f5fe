"""Rendered images: a stand-in for photographs that labels itself.

The package draws every item of the taxonomy in each of its materials, on varied grounds under varied light.
Geometry is in `bottles`, `cans`, `packs`, `rigid`, `sheets` and `soft`, material looks in `textures`, grounds and
camera in `scene`. It does not split the images, and it never mixes them with photographs: every row says `rendered`.
"""

from releaf.corpus.rendering.render import render_image, render_images

__all__ = ["render_image", "render_images"]
