"use strict";

// A local file opens at the second; other addresses only say where that is.
function place(hit) {
  const address = `${hit.uri}#t=${hit.at_seconds}`;
  if (!hit.uri.startsWith("/")) return text(address);
  const link = `file://${hit.uri.split("/").map(encodeURIComponent).join("/")}#t=${hit.at_seconds}`;
  return make("a", { href: link }, text(address));
}

function marked(hit) {
  const parts = [];
  let at = 0;
  for (const [start, end] of hit.marks) {
    parts.push(hit.text.slice(at, start), make("mark", {}, hit.text.slice(start, end)));
    at = end;
  }
  return make("p", { dir: "auto", class: "said" }, ...parts, hit.text.slice(at));
}

function shown(hit) {
  return make("li", { "data-segment": hit.segment_id }, marked(hit),
    make("p", { class: "file" }, place(hit)),
    make("p", { class: "soft" }, make("span", { class: hit.decision }, hit.decision),
      ` · ${number(hit.start_seconds, 2)} to ${number(hit.end_seconds, 2)} s of the recording · score ${number(hit.score)} · segment `,
      make("code", {}, hit.segment_id)),
    ...sound(hit.clip, hit.at_seconds - hit.clip_seconds));
}

// What was asked for: words, a voice, or both.
function asked() {
  const said = ["Where ", make("bdi", {}, data.words), " was said"];
  const like = ["by somebody who sounds like ", make("bdi", {}, data.like)];
  if (!data.like) return said;
  return data.words ? [...said, " ", ...like] : ["What was said ", ...like];
}

$("asked").replaceChildren(...asked());
$("output").textContent = data.output;
$("found").textContent = `${number(data.hits.length)} of ${number(data.total)} segments, best first`;
$("shown").replaceChildren(...data.hits.map(shown));
