"use strict";
const hours = (value) => value >= 1 || value === 0 ? number(value) + " h" : number(value * 60, 1) + " min";
// A name such as words_per_second may be broken behind each underscore.
const parted = (name) => make("span", {}, ...name.split("_").flatMap((part, at) => at ? ["_", make("wbr"), part] : [part]));
const person = (segment) => text(`${segment.corrected_by || "a person"} on ${segment.corrected_at}`);
const shade = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

// Summary

function showSummary() {
  $("output").textContent = data.output;
  const rules = data.rules.known ? `judged by the rules ${data.rules.id}`
    : `judged by the rules ${data.rules.id}, which are not at hand: thresholds and verdicts are missing. --rules=FILE names them`;
  const more = data.rules.others.length ? `; some segments by ${data.rules.others.join(", ")}` : "";
  $("about").textContent = `Schema ${data.schema_version}, ${rules}${more}.`;
  const kept = data.decisions.find((each) => each.decision === "keep");
  const facts = [
    ["segments", number(data.total.segments)], ["hours", hours(data.total.hours)],
    ["kept", hours(kept ? kept.hours : 0)], ["corpus WER", share(data.total.wer)],
    ["WER of what is kept", share(kept ? kept.wer : null)],
    ["ledger", data.account.ledger.balances ? "balances" : "DOES NOT BALANCE"],
  ];
  for (const [name, value] of facts) {
    $("summary").append(make("div", {}, make("dt", {}, name), make("dd", {}, value)));
  }
}

// Segments

const byId = new Map(data.segments.map((each) => [each.segment_id, each]));

function fill(select, values) {
  select.append(make("option", { value: "" }, "all"));
  for (const value of values) select.append(make("option", { value: value }, value));
}

function listed() {
  const near = new Map(data.borderline.map((each) => [each.segment_id, each]));
  const ids = $("list").value === "worst" ? data.worst : [...near.keys()];
  const wanted = $("words").value.trim().toLowerCase();
  return ids.map((id) => byId.get(id)).filter((each) => each
    && (!$("decision").value || each.decision === $("decision").value)
    && (!$("reason").value || each.reasons.includes($("reason").value))
    && (!$("language").value || (each.language || "") === $("language").value)
    && (!wanted || [each.text, each.reference_text, each.uri, each.segment_id]
      .some((part) => (part || "").toLowerCase().includes(wanted))))
    .map((each) => ({ segment: each, near: $("list").value === "worst" ? null : near.get(each.segment_id) }));
}

function ranking(segment, near) {
  if (near) return near.reason;
  if (segment.wer !== null) return "WER " + share(segment.wer);
  if (segment.cer !== null) return "CER " + share(segment.cer);
  return "log prob. " + number(segment.values.avg_logprob);
}

function showSegments() {
  const found = listed();
  $("found").textContent = `${found.length} segments`;
  $("shown").replaceChildren(...found.map(({ segment, near }, index) => {
    const inside = make("div", { class: "inside" });
    const details = make("details", {}, make("summary", {},
      make("span", { class: "rank" }, String(index + 1) + "."),
      make("span", { class: segment.decision }, segment.decision),
      make("span", { class: "value" }, ranking(segment, near)),
      make("span", { class: "what", dir: "auto" }, segment.text || "(no text)")), inside);
    details.addEventListener("toggle", () => {
      if (details.open && !inside.childNodes.length) inside.append(...described(segment));
    });
    return make("li", { "data-segment": segment.segment_id }, details);
  }));
}

function difference(steps) {
  const words = [];
  for (const [kind, wanted, heard] of steps) {
    if (kind === "equal") words.push(make("span", {}, wanted));
    if (kind === "delete" || kind === "substitute") {
      words.push(make("del", {}, make("span", { class: "hidden" }, "missing: "), wanted));
    }
    if (kind === "insert" || kind === "substitute") {
      words.push(make("ins", {}, make("span", { class: "hidden" }, "recognised: "), heard));
    }
  }
  return make("p", { dir: "auto", class: "difference" }, ...words.flatMap((word) => [word, " "]));
}

function described(segment) {
  const parts = sound(segment.clip);
  if (segment.differences) {
    parts.push(make("p", { class: "soft" }, "Reference against recognised text, as they were compared (",
      make("del", {}, "in the reference only"), " ", make("ins", {}, "recognised only"), "):"), difference(segment.differences));
  }
  if (segment.reference_text !== null) parts.push(make("p", {}, "Reference: ", text(segment.reference_text), ...(segment.reference_origin === "correction" ? [" (from ", person(segment), ")"] : [])));
  parts.push(make("p", {}, "Recognised: ", text(segment.text)));
  parts.push(make("p", { class: "file" }, text(segment.uri), `, ${number(segment.start_seconds, 3)} to ${number(segment.end_seconds, 3)} s, segment `,
    make("code", {}, segment.segment_id)));
  const metadata = Object.entries(segment.metadata);
  if (metadata.length) {
    parts.push(make("p", { class: "soft" }, ...metadata.flatMap(([key, value], at) => [at ? "; " : "", text(key), ": ", text(value)])));
  }
  parts.push(make("p", {}, `Decision: ${segment.decision}. Reasons: ${segment.reasons.join(", ") || "none"}.`));
  if (segment.rules_decision) parts.push(make("p", {}, "Decided by ", person(segment), `; the rules decided ${segment.rules_decision} (${segment.rules_reasons.join(", ") || "no reason"}).`));
  if (segment.verdicts.length) {
    parts.push(table("Verdict of each rule", [["rule"], ["decision"], ["condition and value", "long"], ["applies"]],
      [...segment.verdicts].sort((a, b) => b.applies - a.applies).map((rule) => ({ class: rule.applies ? "holds" : null, cells: [
        parted(rule.reason), rule.decision, [...scopes(rule), ...rule.conditions.map(condition)].join(" and "), rule.applies ? "yes" : "no"] }))));
  }
  return parts;
}

function scopes(rule) {
  return [["language", rule.languages], ["file", rule.sources]].filter(([, allowed]) => allowed.length)
    .map(([name, allowed]) => `${name} is one of ${allowed.join(", ")}`);
}

function condition(each) {
  const value = each.value === null ? "missing" : typeof each.value === "number" ? number(each.value, 4) : String(each.value);
  return `${each.column} ${each.comparison} ${each.bound} (${value})`;
}

// Sweep

let sweepPlot = null;

function sums(sweep) {
  const kept = [], errors = [], wer = [], values = [];
  const total = { seconds: sweep.missing.seconds, errors: sweep.missing.errors, words: sweep.missing.words };
  const order = sweep.seconds.map((_, at) => at);
  if (sweep.comparison === "below") order.reverse();
  for (const at of order) {
    total.seconds += sweep.seconds[at]; total.errors += sweep.errors[at]; total.words += sweep.words[at];
    values[at] = Number((sweep.start + at * sweep.step).toPrecision(10));
    kept[at] = total.seconds / 3600; wer[at] = total.words ? total.errors / total.words : null; errors[at] = total.errors;
  }
  return { values, kept, wer };
}

function sweepName(sweep) {
  const which = sweep.reason ? `${sweep.decision}: ${sweep.reason}` : "no rule yet";
  return `${sweep.measure} ${sweep.comparison} … (${which}${sweep.bound === null ? "" : ", now " + sweep.bound})`;
}

function axis(scale, side, label) {
  return { scale, side, label, labelSize: 20, size: 56, stroke: shade("soft"), font: "12px system-ui", labelFont: "12px system-ui",
    grid: { show: side === 3, stroke: shade("line"), width: 1 }, ticks: { stroke: shade("line"), width: 1 } };
}

function line(plot, value, color) {
  const x = plot.valToPos(value, "x", true);
  plot.ctx.save();
  plot.ctx.setLineDash([]);
  plot.ctx.strokeStyle = color; plot.ctx.lineWidth = 2 * devicePixelRatio;
  plot.ctx.beginPath(); plot.ctx.moveTo(x, plot.bbox.top); plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height); plot.ctx.stroke();
  plot.ctx.restore();
}

function showSweep() {
  const sweep = data.sweeps[$("moved").selectedIndex];
  if (!sweep) { $("swept").textContent = "There is no measure to move a threshold on."; return; }
  const { values, kept, wer } = sums(sweep);
  const slider = $("bound");
  slider.max = values.length - 1;
  const now = sweep.bound === null ? (sweep.comparison === "above" ? values.length - 1 : 0)
    : Math.max(0, Math.min(values.length - 1, Math.round((sweep.bound - sweep.start) / sweep.step)));
  slider.value = now;
  const tell = () => {
    const at = Number(slider.value);
    const rule = `${sweep.measure} ${sweep.comparison} ${values[at]}`;
    slider.setAttribute("aria-valuetext", rule);
    $("bound-label").textContent = `Held back: ${rule}`;
    const moved = kept[at] - kept[now];
    $("swept").textContent = `${hours(kept[at])} kept, corpus WER ${share(wer[at])}. `
      + (sweep.bound === null ? "" : `Now at ${sweep.bound}: ${hours(kept[now])}, ${share(wer[now])}. `)
      + (moved ? `That is ${hours(Math.abs(moved))} ${moved > 0 ? "more" : "less"} than now.` : "");
    if (sweepPlot) sweepPlot.redraw(false);
  };
  slider.oninput = tell;
  if (sweepPlot) sweepPlot.destroy();
  const place = $("sweep-plot");
  place.replaceChildren();
  sweepPlot = new uPlot({
    width: place.clientWidth, height: 260, cursor: { show: false }, legend: { show: false },
    scales: { x: { time: false }, hours: { range: [0, Math.max(...kept) * 1.05 || 1] }, wer: {} },
    axes: [{ ...axis("x", 2, sweep.measure), size: 40 }, axis("hours", 3, "hours kept"),
      { ...axis("wer", 1, "corpus WER"), values: (_, ticks) => ticks.map((each) => number(100 * each, 1) + " %"), size: 64 }],
    series: [{}, { scale: "hours", stroke: shade("hours"), width: 2, points: { show: false } },
      { scale: "wer", stroke: shade("errors"), width: 2, dash: [6, 4], points: { show: false } }],
    hooks: { draw: [(plot) => {
      line(plot, values[now], shade("line"));
      line(plot, values[Number(slider.value)], shade("bound"));
    }] },
  }, [values, kept, wer], place);
  tell();
}

// Distributions

const plots = [];

function distribution(measure) {
  const values = measure.keep.map((_, at) => measure.start + (at + 0.5) * measure.step);
  const stacked = [measure.keep, measure.keep.map((each, at) => each + measure.review[at])];
  stacked.push(stacked[1].map((each, at) => each + measure.drop[at]));
  const [keep, review, drop] = stacked;
  const limits = measure.thresholds.map((each) => `${each.reason} (${each.decision}) ${each.comparison} ${each.bound}`);
  const place = make("div", { class: "plot", role: "img", "aria-label":
    `Distribution of ${measure.name}: median ${number(measure.median, 4)}, from ${number(measure.lowest, 4)} to ${number(measure.highest, 4)}` });
  $("plots").append(make("figure", {}, make("figcaption", {}, make("b", {}, measure.name), make("br"),
    `median ${number(measure.median, 4)}, from ${number(measure.lowest, 4)} to ${number(measure.highest, 4)}, missing in ${number(measure.missing)}`),
    place, make("figcaption", {}, limits.join("; "))));
  const bars = (name) => ({ stroke: shade(name), fill: shade(name), width: 0, points: { show: false },
    paths: uPlot.paths.bars({ size: [1, 100], gap: 1 }) });
  plots.push(new uPlot({
    width: place.clientWidth, height: 150, cursor: { show: false }, legend: { show: false },
    scales: { x: { time: false, range: [measure.start, measure.start + measure.keep.length * measure.step] },
      y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
    axes: [{ ...axis("x", 2), label: undefined, size: 28 }, { ...axis("y", 3), label: undefined, size: 48,
      values: (_, ticks) => ticks.map((each) => each >= 1000 ? number(each / 1000, 1) + "k" : number(each)) }],
    series: [{}, bars("drop"), bars("review"), bars("keep")],
    hooks: { draw: [(plot) => measure.thresholds.forEach((each) => line(plot, each.bound, shade("bound")))] },
  }, [values, drop, review, keep], place));
}

function drawPlots() {
  while (plots.length) plots.pop().destroy();
  $("plots").replaceChildren();
  data.measures.forEach(distribution);
  showSweep();
}

function resizePlots() {
  if (sweepPlot) sweepPlot.setSize({ width: $("sweep-plot").clientWidth, height: 260 });
  for (const plot of plots) plot.setSize({ width: plot.root.parentNode.clientWidth, height: 150 });
}

// Tables

const FIGURES = [["segments", "number"], ["hours", "number"], ["WER", "number"], ["reference words", "number"]];
const figures = (row) => [number(row.segments), number(row.hours, 3), share(row.wer), number(row.reference_words)];

function showGroups() {
  const group = data.groups[$("key").selectedIndex];
  if (!group) return;
  const name = (row) => row.others !== null ? `${number(row.others)} other values`
    : row.value === null ? make("i", {}, "none") : text(row.value);
  $("values").replaceChildren(table(`By ${group.key}`,
    [[group.key, "long"], ...FIGURES, ["hours kept", "number"], ["to review", "number"], ["dropped", "number"]],
    group.values.map((row) => ({ cells: [name(row), ...figures(row), number(row.hours_keep, 3), number(row.hours_review, 3), number(row.hours_drop, 3)] }))));
}

// What was heard beside words; nothing where nobody listened for it

function showHeard() {
  const { sounds, events, people, overlap } = data.heard;
  if (!sounds.length && !events.length && !people.length) return;
  for (const each of document.querySelectorAll("#heard, a[href='#heard']")) each.hidden = false;
  const whole = sounds.reduce((sum, row) => sum + row.hours, 0);
  if (sounds.length) {
    $("sounds").append(table("What sounds in segments", [["sort"], ["segments", "number"], ["hours", "number"], ["share", "number"]],
      sounds.map((row) => ({ cells: [row.sort, number(row.segments), number(row.hours, 3), share(row.hours / whole)] }))));
  }
  if (people.length) {
    $("people").append(table(`People: ${overlap.persons === null ? "" : number(overlap.persons) + " told apart over all recordings; "}`
      + `several at once for ${number(overlap.seconds, 1)} s, in ${number(overlap.segments)} segments`,
      [["people in a recording", "number"], ["recordings", "number"], ["hours", "number"]],
      people.map((row) => ({ cells: [number(row.people), number(row.recordings), number(row.hours, 3)] }))));
  }
  if (events.length) {
    $("events").append(table("Events that sound longest", [["event", "long"], ["segments", "number"], ["hours", "number"]],
      events.map((row) => ({ cells: [text(row.label), number(row.segments), number(row.hours, 3)] }))));
  }
}

function showTables() {
  $("decisions").append(table("By decision", [["decision"], ...FIGURES],
    data.decisions.map((row) => ({ cells: [row.decision, ...figures(row)] }))));
  $("reasons").append(table("By reason", [["reason"], ["decision"], ...FIGURES],
    data.reasons.map((row) => ({ cells: [parted(row.reason), row.decision, ...figures(row)] }))));
  const { ledger, failed, runs, stages } = data.account;
  const destinations = Object.entries(ledger.hours).map(([name, value]) => ({ cells: [name, number(value, 4)] }));
  $("ledger").append(table(`Ledger: ${ledger.balances ? "balances" : "DOES NOT BALANCE"}. ${number(ledger.inputs)} inputs, ${number(ledger.recordings)} recordings, `
    + `${number(ledger.missing)} missing, ${number(ledger.unbalanced)} unbalanced`, [["what became of it"], ["hours", "number"]], destinations));
  $("failures").append(ledger.failures.length ? table("Failures by stage", [["unit"], ["stage"], ["error"], ["count", "number"]],
    ledger.failures.map((row) => ({ cells: [row.unit, row.stage, row.error_type, number(row.count)] }))) : make("p", {}, "There are no failures."));
  if (failed.length) {
    $("failures").append(make("details", {}, make("summary", { class: "plain" }, `Messages of the last failures (${failed.length})`),
      table("Failures", [["stage"], ["error"], ["file", "long"], ["message", "long"]],
        failed.map((row) => ({ cells: [row.stage, row.error_type, text(row.uri), text(row.message)] })))));
  }
  $("runs").append(table("Runs", [["run"], ["model"], ["rules", "long"], ["on"], ["hours decoded", "number"], ["seconds", "number"], ["× real time", "number"]],
    runs.map((row) => ({ cells: [text(row.run_id), text(row.model_id), text(row.rules), text(row.providers.join(", ")),
      number(row.hours, 3), number(row.wall_seconds, 1), number(row.times_real_time, 1)] }))));
  $("stages").append(table(`Seconds by stage, all threads together, for ${number(stages.decoded_hours, 3)} hours in ${number(stages.units)} ${stages.units === 1 ? "unit" : "units"}`,
    [["stage"], ["seconds", "number"]], Object.entries(stages.seconds).map(([name, value]) => ({ cells: [name, number(value, 1)] }))));
}

// Another output

function showAgainst() {
  const other = data.against;
  if (!other) return;
  $("against").hidden = false;
  const both = (name, value) => ({ cells: [name, value(other.before), value(other.now)] });
  $("against-body").append(
    make("p", {}, "Before is ", text(other.output), `. ${number(other.common)} segments are in both, cut at the same places; `
      + `${number(other.only_before)} are only there and ${number(other.only_now)} only here.`),
    table("Over the segments in both", [[""], ["before", "number"], ["now", "number"]], [
      both("corpus WER", (each) => share(each.wer)), both("hours kept", (each) => number(each.hours_keep, 3)),
      both("hours to review", (each) => number(each.hours_review, 3)), both("hours dropped", (each) => number(each.hours_drop, 3))]),
    table("Decisions that moved", [["before"], ["now"], ["segments", "number"], ["hours", "number"], ["WER before", "number"], ["WER now", "number"]],
      other.moved.map((row) => ({ cells: [row.before, row.now, number(row.segments), number(row.hours, 3), share(row.wer_before), share(row.wer_now)] }))),
    table("Texts that moved most", [["segment"], ["WER before", "number"], ["WER now", "number"], ["text before", "long"], ["text now", "long"]],
      other.texts.map((row) => ({ cells: [make("code", {}, row.segment_id), share(row.wer_before), share(row.wer_now), text(row.text_before), text(row.text_now)] }))));
}

showSummary();
showAgainst();
fill($("decision"), ["keep", "review", "drop"]);
fill($("reason"), [...new Set(data.segments.flatMap((each) => each.reasons))].sort());
fill($("language"), [...new Set(data.segments.map((each) => each.language || ""))].filter(Boolean).sort());
$("filters").addEventListener("input", showSegments);
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
showSegments();
data.sweeps.forEach((each) => $("moved").append(make("option", {}, sweepName(each))));
$("moved").selectedIndex = Math.max(0, data.sweeps.findIndex((each) => each.measure === "wer" && each.reason));
$("moved").addEventListener("input", showSweep);
data.groups.forEach((each) => $("key").append(make("option", {}, each.key)));
$("key").addEventListener("input", showGroups);
showGroups();
showHeard();
showTables();
drawPlots();
let width = innerWidth;
addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; resizePlots(); } });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPlots);
