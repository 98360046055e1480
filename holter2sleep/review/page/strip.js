// The signal of a stretch with its grid, beats and intervals; where there is no waveform, the intervals alone.

import { CONFIRMED, EDITED, EPOCH_S, USABLE, ask, firstFrom, state } from "./state.js";
import { INK, MARK, MM_PER_S, PX_PER_MM, SOFT, beatColour, begin, clock, firstTick, stageColour, timeStep } from "./scales.js";

const FINE = "#f3d3d3", COARSE = "#e3a5a5";  // 1 mm and 5 mm, as in the report
const TOP = 46, FOOT = 34;  // letters and intervals; stages and clock
const POINTS = 8000;  // as review/pieces.py gives at most: samples for a minute, else smallest and largest
const LEAST_ZOOM = 0.5;  // of the heights, where the time is compressed further

let box = { width: 1, height: 1 }, piece = null, wanted = 0, failed = 0;

export const xOf = (seconds) => box.width * (seconds - state.start) / state.span;
export const secondsAt = (x) => state.start + state.span * x / box.width;
export const trueSpan = (canvas) => canvas.getBoundingClientRect().width / (MM_PER_S * PX_PER_MM);
export const isTrue = () => zoom() >= LEAST_ZOOM;
// how many times as large as on paper
export const zoom = () => box.width / (state.span * MM_PER_S * PX_PER_MM);

// Fetch what is shown and as much on either side, unless it is there.
export async function fetchPiece(redraw) {
  if (!state.night.has_waveform) return;
  if (piece && piece.from <= state.start && piece.to >= Math.min(state.start + state.span, state.night.duration_s)
      && piece.span <= state.span * 1.5 && piece.span >= state.span / 1.5) return;
  const mine = ++wanted, from = Math.max(0, state.start - state.span), to = Math.min(state.night.duration_s, state.start + 2 * state.span);
  const span = state.span;
  try {
    const answer = await ask(`ecg?start_s=${from}&end_s=${to}&points=${POINTS}`);
    const values = new Float32Array(await answer.arrayBuffer());
    if (mine !== wanted) return;
    const head = (name) => Number(answer.headers.get(name));
    piece = { from, to, span, start: head("X-Start-S"), step: head("X-Step-S"), width: head("X-Width"), values };
    failed = 0;
    redraw();
  } catch (error) {
    if (error.status === 503 && failed++ < 60) setTimeout(() => fetchPiece(redraw), 250);
  }
}

export function drawStrip(canvas, gain) {
  box = begin(canvas);
  ranges();
  if (state.night.has_waveform) {
    if (isTrue()) grid(gain);
    lead(gain);
  } else {
    intervals();
  }
  names();
  stages();
  axis();
  beats();
}

const mmPx = () => PX_PER_MM * Math.max(zoom(), LEAST_ZOOM);

function grid(gain) {
  const { pen, width, height } = box, mm = mmPx(), bottom = height - FOOT;
  const first = Math.floor(state.start * MM_PER_S), last = Math.ceil((state.start + state.span) * MM_PER_S);
  const line = (x, y, w, h, strong) => { pen.fillStyle = strong ? COARSE : FINE; pen.fillRect(x, y, w, h); };
  for (const strong of [false, true]) {
    if (!strong && mm < 2.2) continue;
    for (let i = first; i <= last; i++) if ((i % 5 === 0) === strong) line(xOf(i / MM_PER_S), TOP, 0.7, bottom - TOP, strong);
    for (let i = 0, y; (y = baseline() + i * mm) < bottom; i++) if ((i % 5 === 0) === strong) line(0, y, width, 0.7, strong);
    for (let i = 1, y; (y = baseline() - i * mm) > TOP; i++) if ((i % 5 === 0) === strong) line(0, y, width, 0.7, strong);
  }
  const top = baseline() - gain * mm;
  pen.strokeStyle = INK;  // 1 mV, 0.2 s
  pen.lineWidth = 1.1;
  pen.beginPath();
  pen.moveTo(4, baseline()); pen.lineTo(8, baseline()); pen.lineTo(8, top); pen.lineTo(8 + 5 * mm, top); pen.lineTo(8 + 5 * mm, baseline()); pen.lineTo(12 + 5 * mm, baseline());
  pen.stroke();
}

const baseline = () => TOP + 0.62 * (box.height - FOOT - TOP);

function shown() {
  const first = Math.max(0, Math.floor((state.start - piece.start) / piece.step));
  const n = piece.values.length / piece.width;
  return [first, Math.min(n, Math.ceil((state.start + state.span - piece.start) / piece.step) + 1)];
}

function level(first, last) {
  const some = [], step = Math.max(1, Math.floor((last - first) / 400));
  for (let i = first; i < last; i += step) if (!Number.isNaN(piece.values[i * piece.width])) some.push(piece.values[i * piece.width]);
  some.sort((a, b) => a - b);
  return some.length ? some[some.length >> 1] : 0;
}

function lead(gain) {
  const { pen, height, width } = box;
  if (!piece || piece.to < state.start || piece.from > state.start + state.span) return;
  const [first, last] = shown(), zero = level(first, last), px = gain * mmPx(), bottom = height - FOOT;
  const y = (mv) => Math.max(TOP, Math.min(bottom, baseline() - (mv - zero) * px));
  pen.strokeStyle = INK;
  pen.lineWidth = 1.1;
  pen.lineJoin = "round";
  pen.beginPath();
  let on = false;
  for (let i = first; i < last; i++) {
    const x = xOf(piece.start + i * piece.step), low = piece.values[i * piece.width];
    if (Number.isNaN(low)) { on = false; continue; }
    if (on) pen.lineTo(x, y(low)); else pen.moveTo(x, y(low));
    if (piece.width === 2) pen.lineTo(x, y(piece.values[i * 2 + 1]));
    on = true;
  }
  pen.stroke();
  pen.fillStyle = SOFT;
  pen.textAlign = "right";
  const scale = isTrue() ? `25 mm/s, ${gain} mm/mV, x ${zoom().toFixed(2)}` : "time compressed: heights and widths not in proportion";
  pen.fillText(state.night.relative ? `${scale}; relative units` : scale, width - 6, bottom - 5);
  pen.textAlign = "left";
}

// RR intervals as a line of dots: of a night of beats alone there is nothing else to see
function intervals() {
  const { pen, height } = box, bottom = height - FOOT, { time, rr, label } = state.beats;
  const y = (ms) => bottom - (bottom - TOP) * (Math.min(ms, 2500) / 2500);
  pen.fillStyle = SOFT;
  for (const s of [0.5, 1, 1.5, 2]) { pen.fillText(`${s} s`, 4, y(1000 * s) - 2); pen.fillRect(0, y(1000 * s), box.width, 0.3); }
  for (let i = Math.max(1, firstFrom(time, state.start)); i < time.length && time[i] <= state.start + state.span; i++) {
    pen.fillStyle = beatColour(label[i]);
    pen.fillRect(xOf(time[i]) - 0.5, y(rr[i]), 1, bottom - y(rr[i]));
    pen.fillRect(xOf(time[i]) - 2, y(rr[i]) - 2, 4, 4);
  }
}

function ranges() {
  const { pen, height } = box, whole = height - FOOT - TOP;
  const fill = (from, to, colour) => { pen.fillStyle = colour; pen.fillRect(xOf(from), TOP, Math.max(1, xOf(to) - xOf(from)), whole); };
  const { usable } = state.night.epochs, first = Math.floor(state.start / EPOCH_S);
  for (let e = first; e < usable.length && e * EPOCH_S < state.start + state.span; e++) if (!usable[e]) fill(e * EPOCH_S, (e + 1) * EPOCH_S, "#efefef");
  for (const episode of shownOf(state.night.episodes)) {
    const chosen = state.chosen && state.chosen.episode === episode;
    fill(episode.start_s, episode.end_s, chosen ? "rgba(0, 114, 178, 0.20)" : "rgba(120, 120, 120, 0.07)");
  }
  for (const note of shownOf(state.night.notes)) fill(note.start_s, note.end_s, "rgba(183, 159, 0, 0.13)");
  if (state.range) fill(...state.range, "rgba(0, 114, 178, 0.18)");
}

const shownOf = (things) => things.filter((each) => each.end_s >= state.start && each.start_s <= state.start + state.span);

// What episodes and notes are called, each on a line of its own
function names() {
  const { pen, height } = box;
  const write = (words, from, y, colour) => {
    const x = Math.max(4, xOf(from));
    pen.fillStyle = "rgba(255, 255, 255, 0.85)";
    pen.fillRect(x - 2, y - 10, pen.measureText(words).width + 4, 13);
    pen.fillStyle = colour;
    pen.fillText(words, x, y);
  };
  shownOf(state.night.episodes).forEach((episode, i) => {
    const lane = state.night.palette.lanes.find((each) => each.kinds.includes(episode.kind)), y = TOP + 3 + (i % 5) * 17;
    pen.fillStyle = lane ? lane.colour : SOFT;
    pen.fillRect(xOf(episode.start_s), y, Math.max(2, xOf(episode.end_s) - xOf(episode.start_s)), 3);
    if (state.span < 600) write(`${episode.kind}${episode.seen ? " \u2713" : ""}`, episode.start_s, y + 14, lane ? lane.colour : SOFT);
  });
  for (const note of shownOf(state.night.notes)) write(note.text.slice(0, 80), note.start_s, height - FOOT - 22, "#6b5d00");
}

function stages() {
  const { pen, height } = box, { stage, seen, confidence } = state.night.epochs;
  for (let e = Math.floor(state.start / EPOCH_S); e < stage.length && e * EPOCH_S < state.start + state.span; e++) {
    const x = xOf(e * EPOCH_S), wide = xOf((e + 1) * EPOCH_S) - x, chosen = state.chosen && state.chosen.epoch === e;
    pen.fillStyle = stageColour(stage[e]);
    pen.fillRect(x, height - FOOT + 2, wide, 5);
    if (chosen) { pen.strokeStyle = MARK; pen.lineWidth = 2; pen.strokeRect(Math.max(1, x), height - FOOT + 1, Math.min(wide, box.width - 2), 17); }
    if (wide < 26) continue;
    pen.fillStyle = INK;
    const doubt = seen[e] || confidence[e] === null ? "" : ` ${Math.round(100 * confidence[e])} %`;
    pen.fillText(`${stage[e]}${doubt}${seen[e] ? " \u2713" : ""}`, Math.max(4, x + 3), height - FOOT + 17);
    pen.fillStyle = SOFT;
    pen.fillRect(x, height - FOOT, 1, 18);
  }
}

function axis() {
  const { pen, width, height } = box, step = timeStep(state.span, width / 110);
  pen.fillStyle = SOFT;
  pen.textAlign = "center";
  for (let at = firstTick(state.start, step); at <= state.start + state.span; at += step) {
    pen.fillRect(xOf(at), height - 14, 1, 4);
    if (xOf(at) > 30 && xOf(at) < width - 30) pen.fillText(clock(at, step < 1 ? 1 : 0), xOf(at), height - 2);
  }
  pen.textAlign = "left";
}

function beats() {
  const { pen, height } = box, { time, rr, label, flags } = state.beats;
  const first = firstFrom(time, state.start), last = firstFrom(time, state.start + state.span);
  const apart = box.width / Math.max(1, last - first);
  pen.textAlign = "center";
  for (let i = first; i < last; i++) {
    const x = xOf(time[i]), chosen = state.chosen && state.chosen.beat === i, letter = label[i];
    if (apart < 9 && letter === "N" && !chosen && !(flags[i] & (EDITED | CONFIRMED))) continue;
    if (apart < 3 && !chosen) { pen.fillStyle = beatColour(letter); pen.fillRect(x, 14, 1, 12); continue; }
    pen.fillStyle = flags[i] & USABLE ? beatColour(letter) : "#8a8a8a";
    if (chosen) { pen.fillStyle = "rgba(18, 66, 122, 0.16)"; pen.fillRect(x - 5, TOP, 10, height - FOOT - TOP); pen.fillStyle = MARK; pen.fillRect(x - 9, 10, 18, 19); pen.fillStyle = "#fff"; }
    pen.font = 'bold 13px "DejaVu Sans", Verdana, sans-serif';
    pen.fillText(letter, x, 24);
    pen.strokeStyle = chosen ? MARK : beatColour(letter);
    pen.lineWidth = 1.2;
    if (flags[i] & EDITED) pen.strokeRect(x - 9, 10, 18, 19);
    if (flags[i] & CONFIRMED) pen.strokeRect(x - 6, 27, 12, 0.4);
    pen.font = '11px "DejaVu Sans", Verdana, sans-serif';
    if (i > 0 && apart > 34 && rr[i] < 10000) {
      pen.fillStyle = SOFT;
      pen.fillText(String(Math.round(rr[i])), xOf((time[i] + time[i - 1]) / 2), 41);
    }
  }
  pen.textAlign = "left";
}

// The tallest deflection within 60 ms of a second: a finger does not hit an R wave.
export function snapped(seconds) {
  if (!piece || piece.width !== 1) return seconds;
  const at = Math.round((seconds - piece.start) / piece.step), reach = Math.round(0.06 / piece.step);
  const near = piece.values.subarray(Math.max(0, at - 4 * reach), at + 4 * reach), sorted = Array.from(near).sort((a, b) => a - b);
  const zero = sorted[sorted.length >> 1] || 0;
  let best = at, most = -1;
  for (let i = Math.max(0, at - reach); i <= at + reach && i < piece.values.length; i++) {
    const tall = Math.abs(piece.values[i] - zero);
    if (tall > most) { most = tall; best = i; }
  }
  return piece.start + best * piece.step;
}
