// The whole night on one time line: a click goes there.

import { EPOCH_S, state } from "./state.js";
import { INK, LOST, MARK, RULE, SOFT, beatColour, begin, clock, firstTick, stageColour, timeStep } from "./scales.js";

const LEFT = 96, RIGHT = 10;
const ROWS = ["W", "R", "N1", "L", "NREM", "N2", "N3"];  // AASM order, top to bottom
const WORDS = { W: "Wake", R: "REM", L: "N1+N2" };
const CELL_EPOCHS = 10;  // 5 min, as the report counts ectopic beats

let box = { width: 0 };

export const xOf = (seconds) => LEFT + (box.width - LEFT - RIGHT) * seconds / state.night.duration_s;
export function secondsAt(x) {
  const share = (x - LEFT) / (box.width - LEFT - RIGHT);
  return Math.max(0, Math.min(1, share)) * state.night.duration_s;
}

export function drawOverview(canvas) {
  box = begin(canvas);
  const tracks = [[hypnogram, 74], [rates, 74], [rhythm, 50], [ectopy, 26], [breathing, 24]];
  let top = 4;
  for (const [draw, height] of tracks) {
    lost(top, height);
    draw(top, height);
    top += height + 3;
  }
  axis(top);
  window_(top);
}

function title(words, y) {
  box.pen.fillStyle = SOFT;
  box.pen.fillText(words, 4, y);
}

function bar(from, to, y, height, colour) {
  box.pen.fillStyle = colour;
  box.pen.fillRect(xOf(from), y, Math.max(1.5, xOf(to) - xOf(from)), height);
}

function lost(top, height) {
  const { usable } = state.night.epochs;
  for (const [from, to] of runs(usable, false)) bar(from * EPOCH_S, to * EPOCH_S, top, height, LOST);
}

function* runs(values, wanted) {
  let from = -1;
  for (let i = 0; i <= values.length; i++) {
    if (i < values.length && values[i] === wanted) { if (from < 0) from = i; } else if (from >= 0) { yield [from, i]; from = -1; }
  }
}

function hypnogram(top, height) {
  const { pen } = box, { stage, seen } = state.night.epochs;
  const rows = ROWS.filter((row) => state.night.classes.includes(row) || stage.includes(row));
  const step = height / rows.length, y = (row) => top + step * (rows.indexOf(row) + 0.5);
  rows.forEach((row) => title(WORDS[row] || row, y(row) + 4));
  let last = null;
  for (let from = 0, to; from < stage.length; from = to) {
    for (to = from + 1; to < stage.length && stage[to] === stage[from]; to++);
    if (!rows.includes(stage[from])) { last = null; continue; }
    if (last !== null) {
      pen.fillStyle = "#777";
      pen.fillRect(xOf(from * EPOCH_S) - 0.4, Math.min(last, y(stage[from])), 0.8, Math.abs(last - y(stage[from])));
    }
    last = y(stage[from]);
    bar(from * EPOCH_S, to * EPOCH_S, last - step * 0.3, step * 0.6, stageColour(stage[from]));
  }
  seen.forEach((by, i) => { if (by) bar(i * EPOCH_S, (i + 1) * EPOCH_S, top + height - 2, 2, INK); });
}

function rates(top, height) {
  const { pen } = box, { time, rr, label, flags } = state.beats;
  title("RR, s", top + 12);
  title("line: mean", top + 27);
  const y = (ms) => top + height * (1 - (Math.min(2000, ms) - 300) / 1700);
  // one dot a pixel and row: 100,000 beats are drawn in a moment
  const drawn = new Set();
  for (let i = 1; i < time.length; i++) {
    if (!(flags[i] & 1) || rr[i] > 5000) continue;
    const x = Math.round(xOf(time[i])), at = Math.round(y(rr[i])), other = label[i] !== "N";
    const cell = x * 1000 + at + (other ? 5e7 : 0);
    if (drawn.has(cell)) continue;
    drawn.add(cell);
    pen.fillStyle = other ? beatColour(label[i]) : "#9aa7b3";
    pen.fillRect(x - (other ? 1 : 0.5), at - (other ? 1 : 0.5), other ? 2.5 : 1, other ? 2.5 : 1);
  }
  const rate = state.night.epochs.heart_rate_bpm;
  pen.strokeStyle = "#1f3b57";
  pen.lineWidth = 1.2;
  pen.beginPath();
  let on = false;
  rate.forEach((bpm, i) => {
    if (bpm === null) { on = false; return; }
    const point = [xOf((i + 0.5) * EPOCH_S), y(60000 / bpm)];
    if (on) pen.lineTo(...point); else pen.moveTo(...point);
    on = true;
  });
  pen.stroke();
  pen.fillStyle = SOFT;
  for (const s of [0.5, 1, 1.5]) {
    pen.fillText(String(s), LEFT - 20, y(1000 * s) + 4);
    pen.fillStyle = RULE; pen.fillRect(LEFT, y(1000 * s), box.width - LEFT - RIGHT, 0.4); pen.fillStyle = SOFT;
  }
}

function rhythm(top, height) {
  const lanes = state.night.palette.lanes, step = height / lanes.length;
  title("rhythm", top + 12);
  lanes.forEach((lane, i) => {
    for (const episode of state.night.episodes) {
      if (lane.kinds.includes(episode.kind)) bar(episode.start_s, episode.end_s, top + i * step, step - 1, lane.colour);
    }
  });
}

function ectopy(top, height) {
  title("V, S per 5 min", top + 15);
  const { time, label, flags } = state.beats, cell = CELL_EPOCHS * EPOCH_S;
  const counts = { V: [], S: [] };
  for (let i = 0; i < time.length; i++) {
    if (counts[label[i]] && flags[i] & 1) { const c = Math.floor(time[i] / cell); counts[label[i]][c] = (counts[label[i]][c] || 0) + 1; }
  }
  const most = Math.max(5, ...Object.values(counts.V), ...Object.values(counts.S));
  ["V", "S"].forEach((letter, k) => counts[letter].forEach((n, c) => {
    const width = (xOf(cell) - xOf(0)) / 2 - 0.5, tall = Math.max(1.5, height * n / most);
    box.pen.fillStyle = beatColour(letter);
    box.pen.fillRect(xOf(c * cell) + k * (width + 0.5), top + height - tall, Math.max(1, width), tall);
  }));
}

function breathing(top, height) {
  title("respir. chance", top + 14);
  state.night.epochs.p_respiratory.forEach((p, i) => {
    if (p) bar(i * EPOCH_S, (i + 1) * EPOCH_S, top + height * (1 - p), height * p, p >= 0.5 ? "#0b7a75" : "#9fcfcb");
  });
}

function axis(top) {
  const { pen, width } = box, step = timeStep(state.night.duration_s, (width - LEFT) / 80);
  for (let at = firstTick(0, step); at <= state.night.duration_s; at += step) {
    pen.fillStyle = RULE;
    pen.fillRect(xOf(at), 2, 0.6, top);
    pen.fillStyle = SOFT;
    pen.textAlign = "center";
    pen.fillText(clock(at).slice(0, -3), Math.min(xOf(at), width - 18), top + 10);
  }
  pen.textAlign = "left";
  for (const at of [state.night.lights.off_s, state.night.lights.on_s]) {
    pen.strokeStyle = SOFT;
    pen.setLineDash([3, 3]);
    pen.beginPath(); pen.moveTo(xOf(at), 2); pen.lineTo(xOf(at), top); pen.stroke();
    pen.setLineDash([]);
  }
}

function window_(top) {
  const { pen } = box;
  if (state.range) {
    pen.fillStyle = "rgba(0, 114, 178, 0.18)";
    pen.fillRect(xOf(state.range[0]), 0, Math.max(2, xOf(state.range[1]) - xOf(state.range[0])), top);
  }
  const from = xOf(state.start), wide = Math.max(2, xOf(state.start + state.span) - from);
  pen.fillStyle = "rgba(18, 66, 122, 0.10)";
  pen.fillRect(from, 0, wide, top);
  pen.strokeStyle = MARK;
  pen.lineWidth = 1.4;
  pen.strokeRect(from, 0.7, wide, top);
}
