// Asks for the status every second while somebody looks, and shows it.

const PERIOD_MS = 1050, PATIENCE_MS = 4000, LOST_AFTER_MS = 3000;
const HEALTH = {
  ready: ["Ready", "M4 10.5 8.5 15 16.5 5.5", "%2300704f"],
  degraded: ["Degraded", "M10 2.5 18 17H2ZM10 8v4.2M10 14.6v.1", "%23e69f00"],
  draining: ["Stopping", "M4.5 4.5h11v11h-11Z", "%230072b2"],
  lost: ["No connection", "M5 5 15 15M15 5 5 15", "%235c6166"],
  waiting: ["Connecting", "M4 10h.1M10 10h.1M16 10h.1", "%235c6166"],
};

const place = (id) => document.getElementById(id);
const figures = new Figures(place("figures")), cards = new Cards(place("cards")), strips = new Strips(place("strips"));
let latest = null, answeredAt = 0, asking = false, timer = 0, failures = 0;

function showHealth(health, why) {
  const known = Object.hasOwn(HEALTH, health) ? health : "degraded";
  const [word, mark, colour] = HEALTH[known];
  say(place("why"), why);
  if (document.body.dataset.health === known && place("health-word").textContent === word) return;
  document.body.dataset.health = known;
  say(place("health-word"), word);
  place("health-mark").setAttribute("d", mark);
  document.title = `${word} · eabridge`;
  place("icon").href = `data:image/svg+xml,<svg xmlns='${SVG}' viewBox='0 0 20 20'><rect width='20' height='20' rx='4' fill='${colour}'/>` +
    `<path d='${mark}' fill='none' stroke='white' stroke-width='2.4' stroke-linecap='round' stroke-linejoin='round'/></svg>`;
}

function reason(status) {
  if (status.health === "draining") return "The daemon is stopping: it answers what is waiting and takes nothing new.";
  const troubled = status.lanes.filter((lane) => lane.state !== "ready");
  if (troubled.length) {
    const words = troubled.map((lane) => `${lane.model}: ${STATES[lane.state] || lane.state}`).join("; ");
    return `${words}. ${troubled.length < status.lanes.length ? "The other models answer." : "No model answers at the moment."}`;
  }
  if (status.health !== "ready") return "Something is wrong: see the models and the errors below, and the daemon's log.";
  return "";
}

function show(status) {
  showHealth(status.health, reason(status));
  say(place("server"), `${status.server}, process ${status.pid}`);
  figures.show(status);
  showModels(place("models"), status.lanes);
  place("empty").hidden = status.forecasts.length > 0;
  place("legend").hidden = status.forecasts.length === 0;
  cards.show(status);
  strips.show(status);
  showLanes(place("lanes"), status.lanes);
  say(place("swaps"), swapsText(status.swaps));
  const any = showErrors(place("errors"), status.errors) > 0;
  place("errors-scroll").hidden = !any;
  place("no-errors").hidden = any;
}

function showLost() {
  if (latest) cards.grow(latest.now + (Date.now() - answeredAt) / 1000);
  const since = latest ? new Date(answeredAt).toLocaleTimeString() : null;
  const known = since ? `No answer since ${since} by this device's clock (${span((Date.now() - answeredAt) / 1000)}). Below is what was known then.` : "The daemon does not answer.";
  showHealth("lost", `${known} Is it running? Start it as before, with: eabridge serve --page ${location.host}. This page goes on by itself.`);
}

async function status() {
  const impatience = new AbortController();
  const patience = setTimeout(() => impatience.abort(), PATIENCE_MS);
  try {
    const response = await fetch("status.json", { cache: "no-store", credentials: "omit", signal: impatience.signal });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // the daemon is gone, or too slow
  } finally {
    clearTimeout(patience);
  }
}

async function ask() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  const began = performance.now();
  const found = await status();
  asking = false;
  if (found) {
    latest = found;
    answeredAt = Date.now();
    failures = 0;
    try {
      show(found);
    } catch (error) {
      console.error(error);
      showHealth("degraded", `This page cannot show what the daemon told it (${error.message}): is it of another version? Load it again.`);
    }
  } else if (++failures > 1 || Date.now() - answeredAt > LOST_AFTER_MS) {
    showLost();
  }
  timer = setTimeout(ask, Math.max(200, PERIOD_MS - (performance.now() - began)));
}

let drawnWidth = 0;
new ResizeObserver(([main]) => {
  const width = Math.round(main.contentRect.width);
  if (!latest || width === drawnWidth) return;
  drawnWidth = width;
  requestAnimationFrame(() => {
    cards.draw();
    strips.show(latest);
  });
}).observe(document.querySelector("main"));
document.addEventListener("visibilitychange", ask);
showHealth("waiting", "Waiting for the daemon's first answer.");
ask();
