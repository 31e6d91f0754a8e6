"""Look: how target images differ from renders whatever is in them, by blur, colours and noise.

It is read off power spectra, which do not depend on where things are: a Gaussian blur multiplies a spectrum
by a Gaussian, a gain by a constant, and white noise adds one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.optimize import least_squares
from scipy.signal.windows import tukey

Array = npt.NDArray[np.float64]
Images = npt.NDArray[np.uint8]

COMPARED = 400  # images of each side that are looked at
CHUNK = 500  # images that are dressed at a time
BANDS = np.linspace(0.02, 0.5, 17)  # edges, in cycles per pixel; a small image lacks some of the bands
COARSE, MIDDLE, FINE = (0.0, 0.5), (0.19, 0.38), (0.82, 1.0)  # parts of the bands
TAPER = 0.2  # share of a side along which images fade out: what crosses an edge is not sharp there
FAINT = 0.1  # power that is as good as none, in squared grey levels
# A target looks otherwise if half of its images lie this far outside what 98 % of the renders cover, as a
# share of what they cover. On the suite's experiments targets of one look came to 0.0 at most, blurred,
# recoloured and noisy ones to 0.8 at least.
OUTSIDE = 0.125
LEAST = {"level": 4.0, "detail": 0.1, "sharpness": 0.1, "colour": 0.05}  # taken for a cover of 0.25 at least
# Mean error of the log spectrum up to which a look explains it: changed looks came to 0.12 at most, another
# object in place of the true ones to 0.38.
EXPLAINED = 0.3
# Noise shows where a target varies least, less what black and white cut off: at most so many times as much as
# what is seen there, and as rounding hides, in grey levels. What is sharper than renders only seems noisier.
SHOWN, HIDDEN = 4.0, 2.0


@dataclass(frozen=True)
class Look:
    """What renders must undergo to look like the target.

    Attributes:
        gain: Factor on each channel's contrast.
        offset: Added to each channel, in grey levels.
        blur: Standard deviation of a Gaussian blur, in pixels.
        noise: Standard deviation of white noise, in grey levels.
    """

    gain: tuple[float, ...]
    offset: tuple[float, ...]
    blur: float
    noise: float

    def __str__(self) -> str:
        gain = "/".join(f"{g:.2f}" for g in self.gain)
        offset = "/".join(f"{o:+.0f}" for o in self.offset)
        return f"blur {self.blur:.1f} px, noise {self.noise:.0f}, contrast x {gain}, level {offset}"

    def dress(self, images: Images, rng: np.random.Generator) -> Images:
        """Renders as they would look: (n, H, W, 3)."""
        dressed = np.empty_like(images)
        for first in range(0, len(images), CHUNK):
            part = slice(first, first + CHUNK)
            dressed[part] = self._applied(images[part], rng).clip(0, 255).round()
        return dressed

    def at_level_of(self, target: Images, renders: Images) -> Look:
        """With the offset that gives renders the target's median in each channel."""
        made = self._applied(renders, np.random.default_rng(0))
        levels = [np.median(images, axis=(0, 1, 2)) for images in (target, made)]
        return replace(self, offset=tuple((self.offset + levels[0] - levels[1]).tolist()))

    def _applied(self, images: Images, rng: np.random.Generator) -> npt.NDArray[np.floating]:
        soft = gaussian_filter(images.astype(np.float32), (0, self.blur, self.blur, 0))
        grain = rng.standard_normal(soft.shape, np.float32)
        return soft * self.gain + self.offset + grain * self.noise


@dataclass(frozen=True)
class _Portrait:
    """Levels and spectra of images.

    Attributes:
        level: (n, 3) medians of the channels.
        power: (n, 3, bands) what varies about them.
    """

    level: Array
    power: Array

    @property
    def descriptors(self) -> dict[str, Array]:
        """(n, k) by kind: what renders of one look have in common, whatever is in them."""
        amplitude = {
            name: 0.5 * np.log(self._part(band).mean((1, 2)) + 1)
            for name, band in (("fine", FINE), ("middle", MIDDLE))
        }
        channels = 0.5 * np.log(self._part(COARSE).sum(2) + 1)
        return {
            "level": self.level,
            "detail": amplitude["fine"][:, None],
            "sharpness": (amplitude["fine"] - amplitude["middle"])[:, None],
            "colour": channels - channels[:, 1:2],
        }

    def _part(self, ends: tuple[float, float]) -> Array:
        first, last = (round(end * self.power.shape[2]) for end in ends)
        return self.power[:, :, min(first, last - 1) : last]


def find_look(target: Images, renders: Images) -> Look | None:
    """The look that the target has and the renders have not.

    Light cannot be told from contrast: where the grammar lets light vary, the two are shared out by chance.

    Args:
        target: (M, H, W, 3) target images.
        renders: (n, H, W, 3) renders of scenes like the target's, or of many kinds of scenes.

    Returns:
        ``None`` if both look alike, or if no blur, colours and noise explain how they differ.
    """
    target, renders = _some(target), _some(renders)
    theirs, ours = _portrait(target), _portrait(renders)
    wanted = theirs.descriptors
    if not any(_outside(wanted[name], own, LEAST[name]) for name, own in ours.descriptors.items()):
        return None
    look = _fitted(theirs, ours, _frequencies(*renders.shape[1:3]))
    if look is None or look.noise > SHOWN * _evenest(target) + HIDDEN:
        return None
    return look.at_level_of(target, renders)


def _evenest(images: Images) -> float:
    """How much neighbouring pixels differ where images vary least, as a standard deviation of grey levels."""
    green = images[..., 1].astype(np.float64)
    mean, square = (uniform_filter(each, 3, axes=(1, 2)) for each in (green, green**2))
    return float(np.quantile((square - mean**2).clip(min=0), 0.1) ** 0.5)


def _some(images: Images) -> Images:
    return images[:: -(-len(images) // COMPARED)]


def _portrait(images: Images) -> _Portrait:
    height, width = images.shape[1:3]
    window = np.outer(tukey(height, TAPER), tukey(width, TAPER))
    rings = _rings(_frequencies(height, width))
    level = np.median(images, axis=(1, 2)).astype(np.float64)
    power = np.zeros((*level.shape, len(rings)))
    for channel in range(level.shape[1]):
        varying = (images[..., channel] - level[:, channel, None, None]) * window
        spectrum = np.abs(np.fft.fft2(varying)) ** 2 / np.square(window).sum()
        for i, ring in enumerate(rings):
            power[:, channel, i] = spectrum[:, ring].mean(1)
    return _Portrait(level, power)


def _frequencies(height: int, width: int) -> Array:
    return np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])


def _rings(frequencies: Array) -> list[npt.NDArray[np.bool_]]:
    band = np.digitize(frequencies, BANDS)
    return [band == number for number in range(1, len(BANDS)) if (band == number).any()]


def _outside(target: Array, renders: Array, least: float) -> bool:
    low, high = np.quantile(renders, (0.01, 0.99), axis=0)
    middle = np.median(target, axis=0)
    beyond = np.maximum(low - middle, middle - high)
    return bool((beyond > OUTSIDE * np.maximum(high - low, 4 * least)).any())


def _fitted(target: _Portrait, renders: _Portrait, frequencies: Array) -> Look | None:
    middles = np.array([frequencies[ring].mean() for ring in _rings(frequencies)])
    wanted, own = np.log(target.power.mean(0) + FAINT), renders.power.mean(0)

    def errors(found: Array) -> Array:
        gain, blur, noise = np.exp(2 * found[:3]), found[3], found[4]
        made = gain[:, None] * own * np.exp(-np.square(2 * np.pi * blur * middles)) + noise**2
        return (np.log(made + FAINT) - wanted).ravel()

    starts = [(0.0, 0.0, 0.0, blur, noise) for blur in (0.3, 1.0, 2.0) for noise in (1.0, 10.0)]
    fits = [least_squares(errors, start, loss="soft_l1", f_scale=0.3) for start in starts]
    best = min(fits, key=lambda fit: fit.cost)
    if np.sqrt(2 * best.cost / len(best.fun)) > EXPLAINED:
        return None
    blur, noise = np.abs(best.x[3:])
    return Look(tuple(np.exp(best.x[:3]).tolist()), (0.0, 0.0, 0.0), float(blur), float(noise))
