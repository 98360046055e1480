// The events to look at, the least certain first, and the log of edits.

import { CONFIRMED, EDITED, EPOCH_S, USABLE, state } from "./state.js";
import { UNCONFIRMED, clock, length, percent } from "./scales.js";

const MOST_ROWS = 400;
const WORST = 100;  // of beats and of epochs, in the list of what is least certain
export const FILTERS = [
  ["worst", "Least certain beats and epochs"],
  ["beats:V", "Beats V"], ["beats:S", "Beats S"], ["beats:FQ", "Beats F and Q"],
  ["epochs", "Least certain epochs"],
  ["notes", "Notes"],
];
const HIDDEN = ["SURGE", "CVHR", "RESP"];  // hundreds a night: listed by their own names only

let events = [], at = -1;
let gone = false;  // what was chosen is in the list no more: the next one has taken its place
let sorted = { beats: null, order: [] };

const byWhom = (flags) => (flags & EDITED ? "edited" : flags & CONFIRMED ? "looked at" : UNCONFIRMED);

function beatEvent(i) {
  const { time, label, confidence, flags } = state.beats;
  return { at: time[i], chosen: { beat: i }, sure: confidence[i], head: `${label[i]}  beat`, seen: byWhom(flags[i]) };
}

function epochEvent(e) {
  const { stage, confidence, seen } = state.night.epochs;
  return { at: e * EPOCH_S, chosen: { epoch: e }, sure: confidence[e], head: `${stage[e]}  epoch ${e}`, seen: seen[e] || UNCONFIRMED };
}

function episodeEvent(episode) {
  return {
    at: episode.start_s, chosen: { episode }, sure: episode.confidence, seen: episode.seen || UNCONFIRMED,
    head: `${episode.kind}  ${length(episode.end_s - episode.start_s)}, ${episode.n_beats} beats`,
  };
}

function worstBeats() {
  const { time, confidence, flags } = state.beats;
  if (sorted.beats !== state.beats) {
    const order = Array.from(time.keys()).filter((i) => flags[i] & USABLE && !(flags[i] & (EDITED | CONFIRMED)) && !Number.isNaN(confidence[i]));
    sorted = { beats: state.beats, order: order.sort((a, b) => confidence[a] - confidence[b]).slice(0, WORST) };
  }
  return sorted.order.map(beatEvent);
}

function worstEpochs() {
  const { confidence, usable, seen } = state.night.epochs;
  const order = Array.from(confidence.keys()).filter((e) => usable[e] && confidence[e] !== null && !seen[e]);
  return order.sort((a, b) => confidence[a] - confidence[b]).slice(0, WORST).map(epochEvent);
}

function found(name) {
  if (name === "worst") return [...worstBeats(), ...worstEpochs()].sort((a, b) => a.sure - b.sure);
  if (name === "epochs") return worstEpochs();
  if (name === "notes") return state.night.notes.map((note) => ({ at: note.start_s, head: "note", seen: note.text, range: [note.start_s, note.end_s] }));
  if (name === "rhythm") return state.night.episodes.filter((each) => !HIDDEN.includes(each.kind)).map(episodeEvent);
  const [what, which] = name.split(":");
  if (what === "kind") return state.night.episodes.filter((each) => each.kind === which).map(episodeEvent);
  const rows = [];
  for (let i = 0; i < state.beats.label.length; i++) if (which.includes(state.beats.label[i])) rows.push(beatEvent(i));
  return rows;
}

export function fillFilter(select) {
  const kept = select.value || "worst", kinds = {};
  for (const { kind } of state.night.episodes) kinds[kind] = (kinds[kind] || 0) + 1;
  const names = [...FILTERS.slice(0, 1), ["rhythm", "Rhythm episodes"], ...FILTERS.slice(1), ...Object.keys(kinds).sort().map((kind) => [`kind:${kind}`, `Episodes ${kind} (${kinds[kind]})`])];
  select.replaceChildren(...names.map(([value, words]) => new Option(words, value)));
  select.value = names.some(([value]) => value === kept) ? kept : "worst";
}

function row(head, small, ...classes) {
  const item = document.createElement("li"), under = document.createElement("span");
  item.textContent = head;
  under.className = "small";
  under.textContent = small;
  item.classList.add(...classes.filter(Boolean));
  item.append(under);
  return item;
}

export function fillEvents(list, name, go) {
  events = found(name);
  const same = (event) => state.chosen && event.chosen && ["beat", "epoch", "episode"].some((key) => event.chosen[key] !== undefined && event.chosen[key] === state.chosen[key]);
  const kept = events.findIndex(same);
  gone = kept < 0 && at >= 0 && state.chosen !== null;
  if (kept >= 0) at = kept;
  const rows = events.slice(0, MOST_ROWS).map((event, i) => {
    const sure = event.sure === undefined || event.sure === null || Number.isNaN(event.sure) ? "" : `, ${percent(event.sure)} sure`;
    const item = row(`${clock(event.at)}  ${event.head}${sure}`, event.seen, i === kept && "now");
    item.addEventListener("click", () => { at = i; go(event); });
    return item;
  });
  if (events.length > MOST_ROWS) rows.push(row(`${events.length - MOST_ROWS} more`, "Next goes on through them"));
  if (!events.length) rows.push(row("none", ""));
  list.replaceChildren(...rows);
  if (kept >= 0 && kept < MOST_ROWS) rows[kept].scrollIntoView({ block: "nearest" });
}

export function step(by, go) {
  if (!events.length) return;
  at = Math.max(0, Math.min(events.length - 1, gone && by > 0 ? at : at + by));
  go(events[at]);
}

export function fillLog(list, go) {
  const rows = [...state.night.log].reverse().slice(0, MOST_ROWS).map((edit) => {
    const item = row(`${edit.number}  ${edit.what}: ${edit.before} \u2192 ${edit.after}`, `${edit.who}, ${edit.when} UTC${edit.holds ? "" : ", undone"}`, !edit.holds && "undone");
    if (edit.at_s !== null) item.addEventListener("click", () => go({ at: edit.at_s }));
    return item;
  });
  list.replaceChildren(...(rows.length ? rows : [row("nobody has edited this night", UNCONFIRMED)]));
}
