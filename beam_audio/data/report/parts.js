"use strict";
// Everything from the data becomes text or a number. Nothing is ever parsed as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function make(tag, attributes, ...children) {
  const element = tag === "svg" || tag === "path"
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const number = (value, digits = 2) => value === null || value === undefined ? "–"
  : value.toLocaleString("en", { maximumFractionDigits: digits });
const share = (value) => value === null || value === undefined || Number.isNaN(value) ? "–"
  : (100 * value).toFixed(1) + "\u00a0%";
const text = (value) => make("bdi", {}, value === null || value === "" ? "–" : String(value));

function table(caption, columns, rows) {
  const head = make("tr", {}, ...columns.map(([name, kind]) => make("th", { scope: "col", class: kind }, name)));
  const body = rows.map((row) => make("tr", { class: row.class },
    ...row.cells.map((cell, index) => make("td", { class: columns[index][1] }, cell))));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body)));
}

function wave(peaks) {
  const line = peaks.map((peak, at) => `M${at} ${50 - peak / 2}h.8v${Math.max(peak, 1)}h-.8z`).join("");
  return make("svg", { class: "wave", viewBox: `0 0 ${peaks.length} 100`, preserveAspectRatio: "none", role: "img", "aria-label": "Waveform" },
    make("path", { d: line }));
}

function spectrogram(opus) {
  const canvas = make("canvas", { class: "spectrogram", role: "img", "aria-label": "Spectrogram, 0 to 8 kilohertz" });
  const seconds = make("span", {});
  const place = make("div", { class: "sound" }, canvas, make("p", { class: "soft ends" }, make("span", {}, "0 s, 0 to 8 kHz"), seconds));
  samplesOf(opus).then((samples) => {
    drawSpectrogram(canvas, samples);
    seconds.textContent = number(samples.length / SPECTROGRAM.rateHz) + " s";
    place.dataset.drawn = "";
  }, () => place.replaceChildren(make("p", { class: "soft" }, "No spectrogram: this browser does not decode the clip.")));
  return place;
}

// What is there to hear of a segment, or why there is nothing. The player begins at a second of the clip.
function sound(clip, second) {
  if (!clip || !clip.opus) {
    return [make("p", { class: "soft" }, "No audio: " + (clip ? clip.why : "it was not asked for") + ".")];
  }
  const player = make("audio", { controls: true, preload: "metadata", src: "data:audio/ogg;base64," + clip.opus, "aria-label": "Audio of the segment" });
  if (second) player.addEventListener("loadedmetadata", () => { player.currentTime = second; }, { once: true });
  return [wave(clip.peaks), spectrogram(clip.opus), player];
}
