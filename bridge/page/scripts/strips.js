// The last five minutes, second by second: latency, requests, errors.

const STRIP = { seconds: 300, top: 8, left: 6, bottom: 22, height: 150 };

// What a strip is drawn on: the minutes below, room for the values' labels at the right.
function stripFrame(width, end, description, labels = []) {
  const { top, left, bottom, height, seconds } = STRIP;
  const picture = chart(width, height, description);
  const right = width - (labels.length ? Math.max(...labels.map(widthOf)) + 8 : left);
  const step = (right - left) / seconds;
  const x = (t) => left + (t - end + seconds) * step;
  const first = "5 min ago", taken = x(end - 300) + widthOf(first) + 8;
  for (let minute = 0; minute <= 5; minute++) {
    const at = x(end - 60 * minute);
    picture.append(rule(at, height - bottom, at, height - bottom + 4, "grid"));
    if (minute === 5) picture.append(label(at, height - 5, first));
    else if (minute === 0) picture.append(label(at, height - 5, "now", "end"));
    else if (at - 4 > taken) picture.append(label(at, height - 5, String(minute), "middle"));
  }
  return { picture, x, step, left, right, top, base: height - bottom };
}

function stripGrid(frame, y, text) {
  frame.picture.append(rule(frame.left, y, frame.right, y, "grid"), label(frame.right + 6, y + 4, text));
}

// The second that the latest row ends with.
function stripEnd(status) {
  return status.strip.length ? status.strip[status.strip.length - 1].t + 1 : Math.floor(status.now);
}

function recent(status) {
  const end = stripEnd(status);
  return status.strip.filter((row) => row.t >= end - STRIP.seconds);
}

// Two lines over a logarithmic scale: most seconds take a fraction of a millisecond, a few a hundred.
function latencyStrip(status, width) {
  const rows = recent(status).filter((row) => isNumber(row.p50_us) && row.p50_us > 0);
  const worst = rows.length ? Math.max(...rows.map((row) => row.p99_us)) : 0;
  const description = rows.length
    ? `Latency by second over five minutes: median ${milliseconds(rows[rows.length - 1].p50_us)} in the latest second with requests, worst 99th percentile ${milliseconds(worst)}`
    : "Latency by second: no requests in five minutes";
  if (!rows.length) return silent(stripFrame(width, stripEnd(status), description), "no requests in these minutes");
  const low = Math.floor(Math.log10(Math.min(...rows.map((row) => row.p50_us))) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(worst) - 1e-9));
  const powers = [...Array(high - low + 1).keys()].map((index) => 10 ** (low + index));
  const frame = stripFrame(width, stripEnd(status), description, powers.map(plainMilliseconds));
  const y = (us) => frame.base - ((Math.log10(us) - low) / (high - low)) * (frame.base - frame.top);
  for (const power of powers) stripGrid(frame, y(power), plainMilliseconds(power));
  const stretches = unbroken(rows);
  for (const [name, kind] of [["p99_us", "p99"], ["p50_us", "p50"]]) {
    const paths = stretches.map((stretch) => through(stretch.map((row) => [frame.x(row.t + 0.5), y(row[name])])));
    const alone = paths.filter((path, index) => stretches[index].length === 1).map((path) => `${path}h0`);
    frame.picture.append(
      shape("path", { d: paths.join(""), class: `line ${kind}` }),
      shape("path", { d: alone.join(""), class: `line ${kind} alone` }),
    );
  }
  return frame.picture;
}

// Seconds that follow each other; what an EA asks once an hour stands alone.
function unbroken(rows) {
  const stretches = [];
  rows.forEach((row, index) => {
    if (index && row.t - rows[index - 1].t < 1.5) stretches[stretches.length - 1].push(row);
    else stretches.push([row]);
  });
  return stretches;
}

function plainMilliseconds(us) {
  return us < 1e6 ? `${us / 1000} ms` : `${us / 1e6} s`;
}

// One column a second, from zero; whatever is not zero is at least two pixels high.
function countStrip(status, width, name, noun) {
  const rows = recent(status).filter((row) => row[name] > 0);
  const most = rows.length ? Math.max(...rows.map((row) => row[name])) : 0;
  const total = rows.reduce((sum, row) => sum + row[name], 0);
  const description = `${noun} by second over five minutes: ${count(total)} in all, at most ${count(most)} in a second`;
  if (!rows.length) return silent(stripFrame(width, stripEnd(status), description), `no ${noun.toLowerCase()} in these minutes`);
  const marks = ticks(0, most, 3, 1);
  const frame = stripFrame(width, stripEnd(status), description, marks.map(shortCount));
  const top = Math.max(most, marks[marks.length - 1]);
  const y = (value) => frame.base - (value / top) * (frame.base - frame.top);
  for (const mark of marks) stripGrid(frame, y(mark), shortCount(mark));
  const column = Math.max(1, frame.step);
  const path = rows.map((row) => {
    const height = Math.max(2, frame.base - y(row[name]));
    return `M${round(frame.x(row.t))} ${frame.base}v${round(-height)}h${round(column)}v${round(height)}z`;
  });
  frame.picture.append(shape("path", { d: path.join(""), class: `area ${name}` }));
  return frame.picture;
}

function summed(status, name) {
  const numbers = recent(status).map((row) => row[name]);
  const total = numbers.reduce((sum, each) => sum + each, 0);
  return total ? `${count(total)} in these minutes, at most ${count(Math.max(...numbers))} in one second` : "none in these minutes";
}

function shortCount(value) {
  return value < 10000 ? count(value) : `${value / 1000}k`;
}

function silent(frame, text) {
  frame.picture.append(
    rule(frame.left, frame.base, frame.right, frame.base, "grid"),
    label((frame.left + frame.right) / 2, (frame.top + frame.base) / 2 + 4, text, "middle"),
  );
  return frame.picture;
}

// The three strips; they are drawn anew with every status.
class Strips {
  constructor(place) {
    const key = (kind, text) => element("span", {}, element("i", { class: `key ${kind}` }), text);
    this.drawings = [
      [(status, width) => latencyStrip(status, width), "Latency inside the daemon", null],
      [(status, width) => countStrip(status, width, "requests", "Requests"), "Requests a second", (status) => summed(status, "requests")],
      [(status, width) => countStrip(status, width, "errors", "Errors"), "Errors a second", (status) => summed(status, "errors")],
    ].map(([draw, title, words]) => {
      const figure = element("figure"), beside = element("p");
      place.append(element("div", { class: "strip" }, element("h3", {}, title), beside, figure));
      return { draw, figure, words, beside };
    });
    this.drawings[0].beside.append(key("p50", "half are faster (p50)"), key("p99", "99 of 100 are faster (p99)"));
  }

  show(status) {
    for (const { draw, figure, words, beside } of this.drawings) {
      if (words) say(beside, words(status));
      const width = Math.floor(figure.clientWidth);
      if (width > 0) figure.replaceChildren(draw(status, width));
    }
  }
}
