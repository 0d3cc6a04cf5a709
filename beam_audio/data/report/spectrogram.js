"use strict";
// A clip as a picture of its frequencies over time. It is drawn here from the clip that the page plays, so it adds nothing to the page.

const SPECTROGRAM = { rateHz: 16000, window: 512, bands: 128, columns: 640, rangeDb: 60 };

// Squared amplitudes of the frequencies of a window; real and imaginary parts are changed in place.
function powers(real, imaginary) {
  const size = real.length;
  for (let at = 1, to = 0; at < size; at++) {
    let bit = size >> 1;
    for (; to & bit; bit >>= 1) to ^= bit;
    to ^= bit;
    if (at < to) [real[at], real[to]] = [real[to], real[at]];
  }
  for (let half = 1; half < size; half *= 2) {
    for (let step = 0; step < half; step++) {
      const cosine = Math.cos(Math.PI * step / half), sine = -Math.sin(Math.PI * step / half);
      for (let at = step; at < size; at += 2 * half) {
        const re = real[at + half] * cosine - imaginary[at + half] * sine;
        const im = real[at + half] * sine + imaginary[at + half] * cosine;
        real[at + half] = real[at] - re; imaginary[at + half] = imaginary[at] - im;
        real[at] += re; imaginary[at] += im;
      }
    }
  }
  return real.slice(0, size / 2).map((value, at) => value * value + imaginary[at] * imaginary[at]);
}

// Power of each band in each column, from low to high; high frequencies are raised, as in the ear.
function bandPowers(samples, columns) {
  const { window: size, bands } = SPECTROGRAM;
  return Array.from({ length: columns }, (_, column) => {
    const first = Math.round((column + 0.5) * samples.length / columns - size / 2);
    const real = Float64Array.from({ length: size }, (_, at) => {
      const rise = (samples[first + at] || 0) - 0.9 * (samples[first + at - 1] || 0);
      return rise * (0.5 - 0.5 * Math.cos(2 * Math.PI * at / size));
    });
    const all = powers(real, new Float64Array(size));
    const each = all.length / bands;
    return Array.from({ length: bands }, (_, band) => Math.max(...all.subarray(band * each, (band + 1) * each)));
  });
}

// Ink on nothing: the louder, the more ink. The style turns the ink round on a dark page.
function drawSpectrogram(canvas, samples) {
  const { bands, columns, rangeDb } = SPECTROGRAM;
  const found = bandPowers(samples, columns);
  const loudest = Math.max(1e-12, ...found.map((column) => Math.max(...column)));
  canvas.width = columns; canvas.height = bands;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, bands);
  found.forEach((column, x) => column.forEach((power, band) => {
    const level = 1 + 10 * Math.log10(power / loudest + 1e-12) / rangeDb;
    picture.data[4 * ((bands - 1 - band) * columns + x) + 3] = 255 * Math.max(0, level);
  }));
  context.putImageData(picture, 0, 0);
}

async function samplesOf(opus) {
  const bytes = Uint8Array.from(atob(opus), (char) => char.charCodeAt(0));
  const decoded = await new OfflineAudioContext(1, 1, SPECTROGRAM.rateHz).decodeAudioData(bytes.buffer);
  return decoded.getChannelData(0);
}
