// The header's figures and the tables below. Cells are changed in place, so that nothing flickers.

const STATES = { ready: "ready", restarting: "restarting", open: "failing: paused" };

// `columns`: pairs of a title and its classes.
function fillHead(table, columns) {
  const head = table.tHead;
  if (head.rows.length && head.rows[0].cells.length === columns.length) return;
  head.replaceChildren(element("tr", {}, ...columns.map(([title, kind]) => element("th", { scope: "col", class: kind }, title))));
}

// `rows`: of pairs of a text and its classes; the first of each names its row.
function fillBody(table, rows) {
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, index) => {
    const row = body.rows[index] || body.appendChild(element("tr"));
    while (row.cells.length > cells.length) row.deleteCell(-1);
    cells.forEach(([text, kind], column) => {
      const cell = row.cells[column] || row.appendChild(column ? element("td") : element("th", { scope: "row" }));
      say(cell, text);
      if (cell.className !== kind) cell.className = kind;
    });
  });
}

// Requests a second over the last ten whole seconds.
function rate(status) {
  const rows = status.strip.slice(-10);
  return rows.reduce((sum, row) => sum + row.requests, 0) / Math.max(1, rows.length);
}

function figuresOf(status) {
  const { cache, latency_us: latency } = status;
  const errors = errorRows(status.errors);
  const failed = errors.reduce((sum, [, number]) => sum + number, 0);
  const pace = rate(status);
  const asked = cache ? cache.hits + cache.misses : 0;
  const answered = status.requests > 0 && latency.p50 > 0;
  return [
    ["Requests a second", pace > 0 && pace < 10 ? pace.toFixed(1) : count(pace), `${count(status.requests)} since the start`],
    ["Typical latency", answered ? milliseconds(latency.p50) : MISSING, answered ? `99 of 100 under ${milliseconds(latency.p99)}` : "nothing asked yet"],
    ["Waiting in queues", count(status.queued), isNumber(status.connections) ? `${count(status.connections)} connected` : ""],
    ["From the cache", cache ? (asked ? percent(cache.hits / asked) : MISSING) : "off",
      cache ? `${count(cache.entries)} kept, ${size(cache.bytes)} of ${size(cache.limit_bytes)}` : ""],
    ["Errors", count(failed), errors.slice(0, 2).map(([code, number]) => `${count(number)} ${code}`).join(", ") || "none since the start"],
    ["Running for", span(status.uptime_s), `using ${size(status.memory_bytes)}`],
  ];
}

class Figures {
  constructor(place) {
    this.place = place;
    this.shown = new Map();
  }

  show(status) {
    for (const [name, value, beside] of figuresOf(status)) {
      if (!this.shown.has(name)) {
        const figure = [element("dd"), element("dd")];
        this.shown.set(name, figure);
        this.place.append(element("div", {}, element("dt", {}, name), ...figure));
      }
      const [large, small] = this.shown.get(name);
      say(large, value);
      say(small, beside);
    }
  }
}

function showModels(place, lanes) {
  while (place.children.length > lanes.length) place.lastChild.remove();
  lanes.forEach((lane, index) => {
    const item = place.children[index] || place.appendChild(element("li", {}, element("b"), " ", element("small")));
    const words = [lane.version];
    if (lane.default) words.push("default");
    if (lane.state !== "ready") words.push(STATES[lane.state] || lane.state);
    item.className = lane.state === "ready" ? "" : "troubled";
    say(item.children[0], lane.name);
    say(item.children[1], words.join(", "));
  });
}

const LANE_COLUMNS = [
  ["Model", "text"], ["Version", "text"], ["Answers for", "text"], ["Bars", "text"], ["State", "text"], ["Run by", "text"], ["Waiting", ""],
  ["In work", ""], ["Forecasts", ""], ["Failed", ""], ["Restarts", ""], ["Queue p50", ""], ["Model p50", ""], ["Model p99", ""],
];

function showLanes(table, lanes) {
  fillHead(table, LANE_COLUMNS);
  fillBody(table, lanes.map((lane) => [
    [lane.name, ""], [lane.version, "text"],
    [lane.answers_for.length ? lane.answers_for.join(", ") : lane.default ? "any symbol (default)" : "who names it", "text wrap"],
    [lane.tf ? timeframe(lane.tf) : "any", "text"],
    [STATES[lane.state] || String(lane.state), lane.state === "ready" ? "text" : "text bad"],
    [lane.mode === "inline" ? "the loop" : "a worker", "text"],
    [count(lane.queued), ""], [count(lane.in_flight), ""], [count(lane.requests), ""],
    [count(lane.failed), lane.failed ? "bad" : ""], [count(lane.restarts), ""],
    [latencyCell(lane, lane.queue_p50_us), ""], [latencyCell(lane, lane.infer_p50_us), ""], [latencyCell(lane, lane.infer_p99_us), ""],
  ]));
}

function latencyCell(lane, us) {
  return lane.requests > 0 ? milliseconds(us) : MISSING;
}

// Codes and counts of the errors there were, the most frequent first.
function errorRows(errors) {
  return Object.entries(errors).filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]);
}

function showErrors(table, errors) {
  const rows = errorRows(errors);
  fillHead(table, [["Error", "text"], ["Count", ""], ["What it means", "text"]]);
  fillBody(table, rows.map(([code, number]) => [[code, ""], [count(number), ""], [Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : "", "text wrap"]]));
  return rows.length;
}

function swapsText({ done, refused, last }) {
  if (!done && !refused) return "No model has been exchanged since the start.";
  const words = `Models exchanged while running: ${count(done)} done, ${count(refused)} refused.`;
  return last ? `${words} Last: ${last}` : words;
}
