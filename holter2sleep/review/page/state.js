// What the page knows: the night, its beats, what is shown and chosen. Everything is asked of the one server.

export const EPOCH_S = 30;
export const USABLE = 1, EDITED = 2, CONFIRMED = 4;  // bits of a beat's flags, as review/view.py sets them
export const state = {
  night: null,
  beats: { time: new Float64Array(), confidence: new Float32Array(), rr: new Float32Array(), label: "", flags: new Uint8Array() },
  start: 0, span: 10,       // seconds shown in the strip
  chosen: null,             // {beat: index} or {episode: object} or {epoch: number}
  range: null,              // [from, to] in seconds
  adding: false,
};

export async function ask(name, options) {
  const answer = await fetch(name, { cache: "no-store", ...options });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({ error: `${answer.status}` }));
    throw Object.assign(new Error(told.error), { status: answer.status });
  }
  return answer;
}

export const post = (name, sent) => ask(name, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(sent),
});

export const fetchNight = async () => (await ask("night")).json();

export async function fetchBeats() {
  const bytes = await (await ask("beats")).arrayBuffer();
  const n = bytes.byteLength / 18;  // 8 + 4 + 4 + 1 + 1 a beat
  return {
    time: new Float64Array(bytes, 0, n),
    confidence: new Float32Array(bytes, 8 * n, n),
    rr: new Float32Array(bytes, 12 * n, n),
    label: new TextDecoder("ascii").decode(new Uint8Array(bytes, 16 * n, n)),
    flags: new Uint8Array(bytes, 17 * n, n),
  };
}

// first index whose time is not before `seconds`
export function firstFrom(time, seconds) {
  let low = 0, high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] < seconds) low = middle + 1; else high = middle;
  }
  return low;
}

export function nearestBeat(seconds) {
  const time = state.beats.time, i = firstFrom(time, seconds);
  if (i === 0) return time.length ? 0 : -1;
  if (i === time.length) return i - 1;
  return time[i] - seconds < seconds - time[i - 1] ? i : i - 1;
}

export const lastEpoch = () => state.night.epochs.stage.length - 1;
export const epochAt = (seconds) => Math.max(0, Math.min(lastEpoch(), Math.floor(seconds / EPOCH_S)));
export const middle = () => state.start + state.span / 2;

export function show(start, span = state.span) {
  const whole = state.night.duration_s;
  state.span = Math.max(1, Math.min(span, whole));
  state.start = Math.max(0, Math.min(start, whole - state.span));
}
