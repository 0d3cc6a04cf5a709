"""Signals without speech: noises, tones and music-like sounds, the same on every run."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    Signal = NDArray[np.float64]
    Maker = Callable[[Generator, float], Signal]

RATE_HZ: Final = 16_000
VARIANTS: Final = 14
SECONDS: Final = (30.0, 20.0, 30.0, 10.0, 30.0, 5.0, 2.0)
PEAKS_DBFS: Final = (-3.0, -12.0, -20.0, -30.0, -45.0)
SILENT_PEAK: Final = 0.01
"""What is quieter stays as it is."""

_TOUCH_TONES_HZ: Final = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))
_SCALE: Final = (0, 2, 4, 5, 7, 9, 11, 12)  # semitones of a major scale


def signals(variants: int = VARIANTS) -> Iterator[tuple[str, int, NDArray[np.float32]]]:
    """Kind, number and samples, float32 of shape (n,) at 16 kHz, of each signal in turn."""
    for kind, make in MAKERS.items():
        for number in range(variants):
            generator = np.random.default_rng([zlib.crc32(kind.encode()), number])
            signal = make(generator, SECONDS[number % len(SECONDS)])
            level = 10.0 ** (PEAKS_DBFS[number % len(PEAKS_DBFS)] / 20.0)
            peak = float(np.max(np.abs(signal)))
            gain = level / peak if peak > SILENT_PEAK else 1.0
            yield kind, number, (gain * signal).astype(np.float32)


def _times(seconds: float) -> Signal:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _sine(hertz: Signal | float, seconds: float) -> Signal:
    """A sine whose frequency may change from sample to sample."""
    steps = np.broadcast_to(np.asarray(hertz, np.float64), _times(seconds).shape)
    return np.sin(2.0 * np.pi * np.cumsum(steps) / RATE_HZ)


def _coloured(generator: Generator, seconds: float, slope: float) -> Signal:
    """Noise whose power falls with frequency to the power of ``slope``."""
    count = len(_times(seconds))
    spectrum = np.fft.rfft(generator.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    return np.fft.irfft(spectrum / np.maximum(hertz, 20.0) ** (slope / 2.0), count)


def _place(signal: Signal, sound: Signal, start_seconds: float) -> None:
    """Add a sound to a signal, as far as there is room."""
    first = round(start_seconds * RATE_HZ)
    room = signal[first : first + len(sound)]
    room += sound[: len(room)]


def _starts(generator: Generator, seconds: float, every_seconds: float, jitter: float) -> Signal:
    steady = np.arange(0.0, seconds, every_seconds)
    return np.clip(steady + generator.normal(0.0, jitter, len(steady)), 0.0, seconds)


def _decay(seconds: float, half_life_seconds: float) -> Signal:
    return 0.5 ** (_times(seconds) / half_life_seconds)


def _silence(generator: Generator, seconds: float) -> Signal:
    """Digital silence, an offset, or dither of some bits."""
    dither = generator.integers(-3, 4, len(_times(seconds))) / 2**15
    return (0.0 * dither, 0.0 * dither + 1e-3, dither)[generator.integers(3)]


def _white(generator: Generator, seconds: float) -> Signal:
    return _coloured(generator, seconds, 0.0)


def _pink(generator: Generator, seconds: float) -> Signal:
    return _coloured(generator, seconds, 1.0)


def _brown(generator: Generator, seconds: float) -> Signal:
    return _coloured(generator, seconds, 2.0)


def _wind(generator: Generator, seconds: float) -> Signal:
    """Brown noise that swells and falls."""
    swell = 1.0 + _sine(generator.uniform(0.1, 0.5), seconds) * generator.uniform(0.3, 1.0)
    return _coloured(generator, seconds, 2.0) * swell


def _engine(generator: Generator, seconds: float) -> Signal:
    """Pulsing noise over a low harmonic tone."""
    hertz = generator.uniform(25.0, 90.0)
    tone = sum((_sine(hertz * k, seconds) / k for k in range(1, 12)), np.zeros(1))
    pulse = 1.0 + 0.8 * _sine(hertz / 2.0, seconds)
    return tone + 5.0 * pulse * _coloured(generator, seconds, 1.0)


def _hum(generator: Generator, seconds: float) -> Signal:
    """Mains hum with harmonics and a little noise."""
    mains = generator.choice([50.0, 60.0])
    tone = sum((_sine(mains * k, seconds) / k for k in (1, 2, 3, 5, 7)), np.zeros(1))
    return tone + generator.uniform(0.0, 0.1) * generator.standard_normal(len(tone))


def _tone(generator: Generator, seconds: float) -> Signal:
    """A steady tone, or one that glides."""
    low, high = np.sort(generator.uniform(80.0, 6000.0, 2))
    gliding = np.geomspace(low, high, len(_times(seconds)))
    return _sine(gliding if generator.integers(2) else float(low), seconds)


def _siren(generator: Generator, seconds: float) -> Signal:
    middle, sway = generator.uniform(500.0, 1200.0), generator.uniform(0.2, 3.0)
    wave = _sine(sway, seconds)
    if generator.integers(2):
        wave = np.sign(wave)  # the two tones of European sirens
    return _sine(middle * 2.0 ** (0.4 * wave), seconds)


def _beeps(generator: Generator, seconds: float) -> Signal:
    """An alarm, a busy line or a ringing one."""
    on_seconds, hertz = generator.uniform(0.1, 1.0), generator.uniform(350.0, 2500.0)
    gate = _sine(0.5 / on_seconds, seconds) > 0.0
    return gate * (_sine(hertz, seconds) + _sine(1.1 * hertz, seconds))


def _touch_tones(generator: Generator, seconds: float) -> Signal:
    """Digits of a telephone keypad."""
    signal = np.zeros(len(_times(seconds)))
    for start in _starts(generator, seconds, generator.uniform(0.15, 0.6), 0.0):
        low, high = (generator.choice(row) for row in _TOUCH_TONES_HZ)
        _place(signal, _sine(float(low), 0.1) + _sine(float(high), 0.1), start)
    return signal


def _clicks(generator: Generator, seconds: float) -> Signal:
    """A clock, a keyboard, or rain: short bursts, steady or at random."""
    signal = 1e-3 * generator.standard_normal(len(_times(seconds)))
    every, jitter = generator.uniform(0.02, 1.0), generator.choice([0.0, 0.05, 1.0])
    for start in _starts(generator, seconds, every, jitter):
        burst = generator.standard_normal(len(_times(0.02))) * _decay(0.02, 0.002)
        _place(signal, generator.uniform(0.3, 1.0) * burst, start)
    return signal


def _drums(generator: Generator, seconds: float) -> Signal:
    """Kick, snare and cymbal in four-four time."""
    signal = np.zeros(len(_times(seconds)))
    beat = 60.0 / generator.uniform(70.0, 160.0)
    kick = _sine(np.geomspace(120.0, 45.0, len(_times(0.2))), 0.2) * _decay(0.2, 0.05)
    for count, start in enumerate(np.arange(0.0, seconds, beat / 2.0)):
        cymbal = np.diff(generator.standard_normal(len(_times(0.08)) + 1)) * _decay(0.08, 0.015)
        _place(signal, 0.15 * cymbal, start)
        snare = generator.standard_normal(len(_times(0.2))) * _decay(0.2, 0.04)
        if count % 4 == 2:
            _place(signal, 0.5 * snare, start)
        if count % 4 == 0:
            _place(signal, kick, start)
    return signal


def _note(hertz: float, seconds: float, half_life_seconds: float) -> Signal:
    """A plucked string: harmonics, the higher the shorter."""
    return sum(
        (_sine(hertz * k, seconds) / k * _decay(seconds, half_life_seconds / k))
        for k in range(1, 8)
        if hertz * k < RATE_HZ / 2
    ) + np.zeros(1)


def _arpeggio(generator: Generator, seconds: float) -> Signal:
    """Plucked notes of a scale, one after the other."""
    signal = np.zeros(len(_times(seconds)))
    root, every = generator.uniform(80.0, 400.0), generator.uniform(0.1, 0.5)
    for start in np.arange(0.0, seconds, every):
        hertz = root * 2.0 ** (generator.choice(_SCALE) / 12.0)
        _place(signal, _note(float(hertz), 1.0, 0.3), start)
    return signal


def _organ(generator: Generator, seconds: float) -> Signal:
    """Held chords with tremolo."""
    signal = np.zeros(len(_times(seconds)))
    root, hold = generator.uniform(100.0, 300.0), generator.uniform(0.5, 3.0)
    for start in np.arange(0.0, seconds, hold):
        base = root * 2.0 ** (generator.choice(_SCALE) / 12.0)
        for step in (0, 4, 7):
            _place(signal, _note(base * 2.0 ** (step / 12.0), hold, 100.0), start)
    return signal * (1.0 + 0.3 * _sine(generator.uniform(3.0, 7.0), seconds))


def _lead(generator: Generator, seconds: float) -> Signal:
    """A melody with vibrato through a resonance, near to a voice but without vowels or words."""
    notes = generator.choice(_SCALE, max(1, round(seconds / 0.4)))
    pitch = np.repeat(notes, -(-len(_times(seconds)) // len(notes)))[: len(_times(seconds))]
    hertz = generator.uniform(150.0, 400.0) * 2.0 ** ((pitch + 0.3 * _sine(5.5, seconds)) / 12.0)
    return sum((_sine(hertz * k, seconds) / k for k in range(1, 7)), np.zeros(1))


def _band(generator: Generator, seconds: float) -> Signal:
    """Drums, plucked notes, chords and a melody together."""
    parts = (_drums, _arpeggio, _organ, _lead)
    played = [part(generator, seconds) for part in parts]
    return sum((part / np.max(np.abs(part)) for part in played), np.zeros(1))


def _modem(generator: Generator, seconds: float) -> Signal:
    """Data as two tones, 300 to 1200 changes a second."""
    baud = int(generator.choice([300, 600, 1200]))
    bits = generator.integers(0, 2, -(-len(_times(seconds)) * baud // RATE_HZ) + 1)
    held = np.repeat(bits, -(-RATE_HZ // baud))[: len(_times(seconds))]
    return _sine(np.where(held > 0, 2225.0, 2025.0), seconds)


def _applause(generator: Generator, seconds: float) -> Signal:
    """Many hands, each at its own pace."""
    signal = np.zeros(len(_times(seconds)))
    for _ in range(int(generator.integers(3, 30))):
        clap = _coloured(generator, 0.03, 0.5) * _decay(0.03, 0.005)
        for start in _starts(generator, seconds, generator.uniform(0.15, 0.4), 0.03):
            _place(signal, clap, start)
    return signal


MAKERS: Final[dict[str, Maker]] = {
    "silence": _silence,
    "white noise": _white,
    "pink noise": _pink,
    "brown noise": _brown,
    "wind": _wind,
    "engine": _engine,
    "hum": _hum,
    "tone": _tone,
    "siren": _siren,
    "beeps": _beeps,
    "touch tones": _touch_tones,
    "modem": _modem,
    "clicks": _clicks,
    "applause": _applause,
    "drums": _drums,
    "plucked": _arpeggio,
    "organ": _organ,
    "lead": _lead,
    "band": _band,
}
