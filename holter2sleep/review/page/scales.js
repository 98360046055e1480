// Clock, canvases and the words for what nobody has looked at.

import { state } from "./state.js";

export const UNCONFIRMED = "automatic, unconfirmed";
export const INK = "#1a1a1a", SOFT = "#5c5c5c", RULE = "#c4c4c4", MARK = "#12427a", LOST = "#e3e3e3";
export const PX_PER_MM = 96 / 25.4;  // CSS: 96 px are an inch
export const MM_PER_S = 25;

// Local time, which the page never converts: the start is read as if it were UTC.
export function clock(seconds, digits = 0) {
  const begin = state.night.start ? Date.parse(`${state.night.start}Z`) : 0;
  const ms = begin + Math.round(seconds * 1000);
  const text = new Date(ms).toISOString();
  if (state.night.start) return text.slice(11, 19 + (digits ? digits + 1 : 0));
  const hours = Math.floor(seconds / 3600);
  return `${hours}${text.slice(13, 19 + (digits ? digits + 1 : 0))}`;
}

export function length(seconds) {
  if (seconds < 100) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 5400) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

// A canvas in CSS pixels, sharp on any screen.
export function begin(canvas) {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const width = Math.round(box.width), height = Math.round(box.height);
  if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
    canvas.width = width * ratio;
    canvas.height = height * ratio;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = '11px "DejaVu Sans", Verdana, sans-serif';
  pen.textBaseline = "alphabetic";
  pen.textAlign = "left";
  return { pen, width, height };
}

// Round steps of time with not too many in a width.
export function timeStep(span, most) {
  const steps = [0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400];
  return steps.find((step) => span / step <= most) || 21600;
}

// The first round clock time from a second on, in steps.
export function firstTick(seconds, step) {
  const offset = state.night.start ? (Date.parse(`${state.night.start}Z`) / 1000) % 86400 : 0;
  return Math.ceil((seconds + offset) / step) * step - offset;
}

export const beatColour = (letter) => state.night.palette.beats[letter] || INK;
export const stageColour = (stage) => state.night.palette.stages[stage] || RULE;
export const percent = (share) => (share === null || Number.isNaN(share) ? "unknown" : `${Math.round(100 * share)} %`);
