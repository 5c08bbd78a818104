// Numbers and times in words, as a trader writes them.
"use strict";

const MISSING = "–";
const TIMEFRAMES = [["MN", 2592000], ["W", 604800], ["D", 86400], ["H", 3600], ["M", 60]];
const MEANINGS = {
  bad_message: "something that is no request of an EA's; perhaps another program uses this port",
  bad_version: "an EA built with another version of the library",
  unknown_op: "an EA built with another version of the library",
  bad_field: "a request with a field that is missing or wrong",
  short_window: "fewer bars than the model reads: let the terminal load more history",
  bad_values: "prices that cannot be, such as zero or a high below its low",
  unknown_model: "an EA asks for a model that is not served",
  wrong_timeframe: "an EA is on a chart of another timeframe than its model",
  too_large: "a message over the size limit",
  busy: "too much was waiting, or one client asked too much: the EA was told to try again",
  expired: "the EA's time limit ran out before its turn",
  draining: "asked while the daemon was stopping",
  model_failed: "the model failed: the daemon's log says why",
  internal: "a defect of the daemon: its log says where",
};

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

// 12,345, or a dash where there is no number.
function count(value) {
  return isNumber(value) ? Math.round(value).toLocaleString("en-US") : MISSING;
}

function percent(share, digits = 1) {
  return isNumber(share) ? `${(100 * share).toFixed(digits)}%` : MISSING;
}

// Microseconds with three significant digits: 0.42 ms, 12.8 ms, 1.28 s.
function milliseconds(us) {
  if (!isNumber(us)) return MISSING;
  const [value, unit] = us < 1e6 ? [us / 1000, "ms"] : [us / 1e6, "s"];
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

function size(bytes) {
  if (!isNumber(bytes)) return MISSING;
  if (bytes < 1e6) return `${Math.round(bytes / 1000)} kB`;
  return bytes < 1e10 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

// A span of time in its two largest units.
function span(seconds) {
  if (!isNumber(seconds)) return MISSING;
  const whole = Math.max(0, Math.floor(seconds));
  const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  if (d) return h ? `${d} d ${h} h` : `${d} d`;
  if (h) return m ? `${h} h ${m} min` : `${h} h`;
  return m ? (m < 10 && s ? `${m} min ${s} s` : `${m} min`) : `${s} s`;
}

// The broker's clock as it reads, whatever zone this browser is in.
function brokerTime(seconds) {
  const moment = new Date(seconds * 1000);
  return isNaN(moment) ? String(seconds) : moment.toISOString().slice(0, 16).replace("T", " ");
}

// 3600 as H1, as MetaTrader writes it.
function timeframe(seconds) {
  for (const [name, unit] of TIMEFRAMES) {
    if (seconds >= unit && seconds % unit === 0) return `${name}${seconds / unit}`;
  }
  return seconds ? `${seconds} s` : "any";
}

// The symbol's decimals: as many as its closes need to be written as they are. Prices that come
// from no feed have no end of them; then as many as show a tenth of a pip of such a price.
function digitsOf(closes) {
  const prices = closes.filter((close) => isNumber(close) && close > 0);
  const largest = Math.max(...prices);
  if (!prices.length) return 5;
  for (let digits = 0; digits <= 8; digits++) {
    if (prices.every((close) => Math.abs(Number(close.toFixed(digits)) - close) <= close * 1e-12)) return digits;
  }
  return Math.min(12, Math.max(0, 5 - Math.floor(Math.log10(largest))));
}

function price(value, digits) {
  return isNumber(value) ? value.toFixed(digits) : MISSING;
}

function signed(value, digits) {
  const text = price(Math.abs(value), digits);
  if (Number(text) === 0) return `±${text}`;
  return value < 0 ? `−${text}` : `+${text}`;
}

function bars(number) {
  return number === 1 ? "1 bar" : `${number} bars`;
}
