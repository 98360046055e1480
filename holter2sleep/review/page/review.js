// The page: what keys, mouse and buttons do.

import { EPOCH_S, EDITED, CONFIRMED, ask, epochAt, fetchBeats, fetchNight, middle, nearestBeat, post, show, state } from "./state.js";
import { UNCONFIRMED, clock, length, percent } from "./scales.js";
import * as overview from "./overview.js";
import * as strip from "./strip.js";
import { fillEvents, fillFilter, fillLog, step } from "./lists.js";

const by = (id) => document.getElementById(id);
const canvas = by("strip"), whole = by("overview");
const gain = () => Number(by("gain").value);
const AS_STAGE = { w: "W", 1: "N1", 2: "N2", 3: "N3", r: "R" };
const NEAR_PX = 14;  // a click so near a beat means it
const DRAG_PX = 5;

// --- drawing -------------------------------------------------------------------------------------

let asked = false;
function draw() {
  if (asked || !state.night) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    overview.drawOverview(whole);
    strip.drawStrip(canvas, gain());
    by("place").textContent = `${clock(state.start, 1)}, ${length(state.span)} shown`;
    tellChosen();
    strip.fetchPiece(draw);
  });
}

function tellChosen() {
  const words = document.createElement("span"), seen = document.createElement("span");
  const { chosen, range, night, beats } = state;
  let by_ = "";
  if (state.adding) words.textContent = "Click where the beat is; Esc ends adding.";
  else if (range) words.textContent = `Range ${clock(range[0], 1)} to ${clock(range[1], 1)} (${length(range[1] - range[0])}, epochs ${epochAt(range[0])} to ${epochAt(range[1] - 1e-6)})`;
  if (chosen && !state.adding) {
    const also = range ? "; " : "";
    if (chosen.beat !== undefined) {
      const i = chosen.beat, flags = beats.flags[i];
      words.textContent += `${also}Beat ${beats.label[i]}, ${clock(beats.time[i], 2)}, RR ${Math.round(beats.rr[i]) || "unknown"} ms, confidence ${percent(beats.confidence[i])}`;
      by_ = flags & EDITED ? "edited" : flags & CONFIRMED ? "looked at" : UNCONFIRMED;
    } else if (chosen.episode) {
      const e = chosen.episode;
      words.textContent += `${also}${e.kind}, ${clock(e.start_s, 1)} to ${clock(e.end_s, 1)}, ${e.n_beats} beats${e.rate_bpm ? `, ${Math.round(e.rate_bpm)} /min` : ""}`;
      by_ = e.seen || UNCONFIRMED;
    } else {
      const e = chosen.epoch, { stage, confidence, seen: looks } = night.epochs;
      words.textContent += `${also}Epoch ${e}, ${clock(e * EPOCH_S)}: ${stage[e]}, confidence ${percent(confidence[e])}`;
      by_ = looks[e] || UNCONFIRMED;
    }
  }
  if (!words.textContent) words.textContent = "Click a beat, an episode's bar or a stage; drag to mark a range.";
  seen.className = "unconfirmed";
  seen.textContent = by_ ? ` \u2013 ${by_}` : "";
  by("chosen").replaceChildren(words, seen);
}

function fill() {
  const { night } = state;
  by("recording").textContent = night.recording_id;
  const when = night.start ? `${night.start.slice(0, 10) === "1985-01-01" ? "" : night.start.slice(0, 10)} ${night.start.slice(11, 16)}` : "start unknown";
  const lead = night.channel === null ? "beats only" : night.has_waveform ? night.channel : "recording not at hand";
  by("facts").textContent = `${when}, ${length(night.duration_s)}, ${lead}, stages: ${night.scorer}`;
  by("undo").disabled = !night.who || night.undo === null;
  by("redo").disabled = !night.who || night.redo === null;
  by("n-edits").textContent = `(${night.log.length})`;
  for (const tool of document.querySelectorAll("#tools button, #kind")) tool.disabled = !night.who;
  tellState();
  fillFilter(by("filter"));
  fillEvents(by("list"), by("filter").value, go);
  fillLog(by("log"), go);
  draw();
}

function tellState() {
  const { night } = state, running = night.work.state === "running";
  const box = by("state");
  by("recompute").disabled = !night.who || running || !night.is_behind;
  box.classList.toggle("behind", night.is_behind || running);
  if (running) box.textContent = `Recomputing: ${night.work.step} ...`;
  else if (!night.who) box.textContent = "Only looking (start with --who NAME to edit)";
  else if (night.is_behind) box.textContent = `${night.who}: edits saved, numbers and report are older`;
  else if (!night.log.length) box.textContent = `${night.who}: no edits yet`;
  else box.textContent = `${night.who}: numbers and report are those of the log`;
}

let fading = 0;
function tell(words, good = false) {
  const toast = by("toast");
  toast.textContent = words;
  toast.classList.toggle("said", good);
  toast.hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { toast.hidden = true; }, good ? 2500 : 9000);
}

// --- going ---------------------------------------------------------------------------------------

function go(event) {
  if (state.span > 60) show(event.at, strip.trueSpan(canvas));
  show(event.at - state.span / 2);
  state.chosen = event.chosen || null;
  state.range = event.range || null;
  fillEvents(by("list"), by("filter").value, go);
  draw();
}

function zoomBy(factor, around = middle()) {
  const share = (around - state.start) / state.span, span = Math.max(1, Math.min(state.night.duration_s, state.span * factor));
  show(around - share * span, span);
  draw();
}

function moveBy(seconds) { show(state.start + seconds); draw(); }

function trueScale() { const centre = middle(), span = strip.trueSpan(canvas); show(centre - span / 2, span); draw(); }

function stepBeat(by_) {
  const from = state.chosen && state.chosen.beat !== undefined ? state.chosen.beat : nearestBeat(middle());
  const i = Math.max(0, Math.min(state.beats.time.length - 1, from + by_)), at = state.beats.time[i];
  if (at < state.start + 0.1 * state.span || at > state.start + 0.9 * state.span) show(at - state.span / 2);
  state.chosen = { beat: i };
  draw();
}

// --- editing -------------------------------------------------------------------------------------

let busy = false;
async function edit(what, keep) {
  if (!state.night.who) return tell("Only looking: start holter2sleep review with --who NAME to edit");
  if (busy) return undefined;
  busy = true;
  try {
    const { of } = await (await post("edit", { asked: what, known: state.night.log.length })).json();
    await reload(/^beat|confirm/.test(of), keep);
  } catch (error) {
    if (error.status === 409) await reload(true, keep).catch(() => {});
    tell(error.status ? error.message : "Not saved: the program does not answer. Is it still running?");
  } finally {
    busy = false;
  }
  return undefined;
}

// What was chosen stays so where it is there still: a beat by its time, an episode by its place.
async function reload(withBeats = true, keep = undefined) {
  const [night, beats] = await Promise.all([fetchNight(), withBeats ? fetchBeats() : state.beats]);
  const again = keep || keepChosen();
  Object.assign(state, { night, beats });
  state.chosen = again ? again() : null;
  fill();
}

function keepChosen() {
  const { chosen, beats } = state;
  if (!chosen) return null;
  if (chosen.epoch !== undefined) return () => chosen;
  if (chosen.beat !== undefined) return keepBeat(beats.time[chosen.beat]);
  const { kind, start_s: start } = chosen.episode;
  return () => { const episode = state.night.episodes.find((each) => each.kind === kind && Math.abs(each.start_s - start) < 1); return episode ? { episode } : null; };
}

const keepBeat = (time) => () => { const i = nearestBeat(time); return i >= 0 && Math.abs(state.beats.time[i] - time) < 0.001 ? { beat: i } : null; };

function chosenBeat() {
  if (state.chosen && state.chosen.beat !== undefined) return state.chosen.beat;
  tell("Click a beat first");
  return null;
}

function label(letter) {
  const i = chosenBeat();
  if (i !== null) edit({ kind: "beat_relabel", time_s: state.beats.time[i], label: letter });
}

function remove() {
  if (state.chosen && state.chosen.episode) {
    const { kind, start_s, end_s } = state.chosen.episode;
    edit({ kind: "episode_delete", episode: kind, start_s, end_s }, () => null);
    return;
  }
  const i = chosenBeat();
  if (i !== null) edit({ kind: "beat_delete", time_s: state.beats.time[i] }, () => null);
}

function chosenEpochs() {
  if (state.range) return [epochAt(state.range[0]), epochAt(state.range[1] - 1e-6)];
  const e = state.chosen && state.chosen.epoch !== undefined ? state.chosen.epoch : epochAt(middle());
  return [e, e];
}

function setStage(stage) {
  const [first, last] = chosenEpochs();
  if (!state.range) state.chosen = { epoch: first };
  edit({ kind: "stage", first_epoch: first, last_epoch: last, stage });
}

function addEpisode() {
  if (!state.range) return tell("Drag over the signal, or over the night, to mark the range first");
  const [start_s, end_s] = state.range;
  return edit({ kind: "episode_add", episode: by("kind").value, start_s, end_s }, () => null).then(() => { state.range = null; draw(); });
}

function changeEpisode() {
  if (!state.chosen || !state.chosen.episode) return tell("Choose an episode first, by its bar or in the list");
  const { kind, start_s, end_s } = state.chosen.episode, [from, to] = state.range || [start_s, end_s];
  return edit({ kind: "episode_change", episode: kind, start_s, end_s, new_episode: by("kind").value, new_start_s: from, new_end_s: to }, () => null);
}

function confirmChosen() {
  const { chosen, beats } = state;
  if (chosen && chosen.beat !== undefined) return edit({ kind: "confirm", time_s: beats.time[chosen.beat] });
  if (chosen && chosen.episode) return edit({ kind: "confirm", episode: chosen.episode.kind, start_s: chosen.episode.start_s, end_s: chosen.episode.end_s });
  const [first, last] = chosenEpochs();
  return edit({ kind: "confirm", first_epoch: first, last_epoch: last });
}

function note() {
  const [from, to] = state.range || [state.start, Math.min(state.start + state.span, state.night.duration_s)];
  by("note-place").textContent = `${clock(from, 1)} to ${clock(to, 1)}`;
  by("note-text").value = "";
  by("note").returnValue = "";
  by("note").showModal();
  by("note").addEventListener("close", () => {
    if (by("note").returnValue === "save") edit({ kind: "note", start_s: from, end_s: to, text: by("note-text").value });
  }, { once: true });
}

function setAdding(on) {
  state.adding = on;
  canvas.classList.toggle("adding", on);
  by("add").classList.toggle("on", on);
  draw();
}

function addBeat(seconds) {
  const time = strip.snapped(seconds);
  setAdding(false);
  edit({ kind: "beat_add", time_s: time, label: "N" }, keepBeat(time));
}

const undo = () => state.night.undo !== null && edit({ kind: "undo", number: state.night.undo });
const redo = () => state.night.redo !== null && edit({ kind: "undo", number: state.night.redo });

async function recompute() {
  try {
    await post("recompute", {});
    state.night.work = { state: "running", step: "begin", error: "" };
    tellState();
    await follow();
  } catch (error) {
    tell(error.message);
  }
}

async function follow() {
  try {
    for (;;) {
      await new Promise((done) => { setTimeout(done, 400); });
      state.night.work = await (await ask("work")).json();
      tellState();
      if (state.night.work.state !== "running") break;
    }
    const { error } = state.night.work;
    await reload();
    if (error) tell(error); else tell("Recomputed: tables and report follow the log", true);
  } catch (error) {
    tell(error.message);
  }
}

// --- mouse, wheel, fingers -----------------------------------------------------------------------

function onDrag(where, secondsAt, clicked) {
  let from = null;
  where.addEventListener("pointerdown", (event) => {
    if (!state.night || event.button > 0) return;
    from = event.offsetX;
    where.setPointerCapture(event.pointerId);
  });
  where.addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.offsetX - from) < DRAG_PX) return;
    const ends = [secondsAt(from), secondsAt(event.offsetX)].sort((a, b) => a - b);
    state.range = ends.map((each) => Math.max(0, Math.min(state.night.duration_s, each)));
    draw();
  });
  where.addEventListener("pointerup", (event) => {
    if (from !== null && Math.abs(event.offsetX - from) < DRAG_PX) clicked(event.offsetX, event.offsetY);
    from = null;
  });
  where.addEventListener("pointercancel", () => { from = null; });
}

function clickedStrip(x, y) {
  const seconds = strip.secondsAt(x);
  if (state.adding) return addBeat(seconds);
  state.range = null;
  const i = nearestBeat(seconds), height = canvas.getBoundingClientRect().height;
  if (y > height - 34) state.chosen = { epoch: epochAt(seconds) };
  else if (i >= 0 && Math.abs(strip.xOf(state.beats.time[i]) - x) <= NEAR_PX) state.chosen = { beat: i };
  else {
    const inside = state.night.episodes.filter((each) => each.start_s <= seconds && seconds <= each.end_s);
    const shortest = inside.sort((a, b) => (a.end_s - a.start_s) - (b.end_s - b.start_s))[0];
    state.chosen = shortest ? { episode: shortest } : null;
  }
  fillEvents(by("list"), by("filter").value, go);
  return draw();
}

onDrag(canvas, strip.secondsAt, clickedStrip);
onDrag(whole, overview.secondsAt, (x) => { state.range = null; show(overview.secondsAt(x) - state.span / 2); draw(); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.ctrlKey || event.shiftKey) zoomBy(Math.exp((event.deltaY || event.deltaX) / 400), strip.secondsAt(event.offsetX));
  else moveBy(state.span * (event.deltaY + event.deltaX) / 900);
}, { passive: false });

// --- keys and buttons ----------------------------------------------------------------------------

const KEYS = {
  ArrowLeft: () => moveBy(-state.span / 4), ArrowRight: () => moveBy(state.span / 4),
  PageUp: () => moveBy(-state.span), PageDown: () => moveBy(state.span),
  Home: () => moveBy(-state.night.duration_s), End: () => moveBy(state.night.duration_s),
  "+": () => zoomBy(0.67), "=": () => zoomBy(0.67), "-": () => zoomBy(1.5), 0: trueScale,
  j: () => step(1, go), k: () => step(-1, go), "]": () => stepBeat(1), "[": () => stepBeat(-1),
  n: () => label("N"), s: () => label("S"), v: () => label("V"), f: () => label("F"), q: () => label("Q"),
  Delete: remove, Backspace: remove, a: () => setAdding(!state.adding), e: addEpisode, c: confirmChosen, m: note,
  "?": () => by("keys").showModal(),
  Escape: () => { state.chosen = null; state.range = null; setAdding(false); },
};
for (const key of Object.keys(AS_STAGE)) KEYS[key] = () => setStage(AS_STAGE[key]);

document.addEventListener("keydown", (event) => {
  if (!state.night || document.querySelector("dialog[open]") || /SELECT|TEXTAREA|INPUT/.test(event.target.tagName)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const doIt = event.ctrlKey || event.metaKey ? { z: event.shiftKey ? redo : undo, y: redo }[key] : event.altKey ? null : KEYS[key];
  if (!doIt) return;
  event.preventDefault();
  doIt();
});

const BUTTONS = {
  undo, redo, recompute, back: KEYS.ArrowLeft, on: KEYS.ArrowRight, out: KEYS["-"], in: KEYS["+"], true: trueScale,
  next: KEYS.j, previous: KEYS.k, help: KEYS["?"],
  end: async () => { await post("end", {}).catch(() => {}); document.body.textContent = "Ended. Every edit is in edits.jsonl; this page can be closed."; },
};
for (const [id, does] of Object.entries(BUTTONS)) by(id).addEventListener("click", () => state.night && does());
const TOOLS = { delete: remove, add: KEYS.a, episode: addEpisode, change: changeEpisode, confirm: confirmChosen, note };
for (const tool of document.querySelectorAll("[data-do]")) tool.addEventListener("click", () => TOOLS[tool.dataset.do]());
by("gain").addEventListener("change", draw);
by("filter").addEventListener("change", () => fillEvents(by("list"), by("filter").value, go));
for (const name of ["gain", "filter", "kind"]) by(name).addEventListener("change", () => by(name).blur());  // keys are the page's again
window.addEventListener("resize", draw);
window.addEventListener("focus", () => state.night && !busy && reload().catch(() => {}));

function makeTools() {
  const button = (text, title, does) => {
    const made = document.createElement("button");
    made.textContent = text;
    made.title = title;
    made.addEventListener("click", does);
    return made;
  };
  by("labels").replaceChildren(...state.night.labels.map((letter) => button(letter, `Key ${letter}`, () => label(letter))));
  by("stages").replaceChildren(...Object.entries(AS_STAGE).sort((a, b) => state.night.stages.indexOf(a[1]) - state.night.stages.indexOf(b[1]))
    .map(([key, stage]) => button(stage, `Key ${key.toUpperCase()}`, () => setStage(stage))));
  by("kind").replaceChildren(...state.night.kinds.map((kind) => new Option(kind, kind)));
}

async function begin() {
  try {
    [state.night, state.beats] = await Promise.all([fetchNight(), fetchBeats()]);
    makeTools();
    show(0, strip.trueSpan(canvas));
    fill();
    if (state.night.lacks_waveform) tell("The recording is not at its place: intervals are shown in place of the waveform (--recording FILE)");
    if (state.night.work.state === "running") follow();
    document.body.dataset.ready = "yes";
  } catch (error) {
    tell(error.message);
  }
}
begin();
