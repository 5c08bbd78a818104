// A card for the last forecast of each symbol, timeframe and model.

const SAME_TIME_S = 60; // forecasts of one minute keep their places, so that no card jumps about

class Card {
  constructor(forecast) {
    this.forecast = null;
    this.width = 0;
    this.title = element("h3");
    this.age = element("p", { class: "age" });
    this.model = element("p", { class: "card-model" });
    this.bar = element("p", { class: "card-model" });
    this.figure = element("figure");
    this.facts = element("dl", { class: "facts" });
    this.values = new Map();
    this.table = element("table", {}, element("thead"), element("tbody"));
    this.details = element("details", {}, element("summary", {}, "Prices by bar"),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Prices by bar" }, this.table));
    this.details.addEventListener("toggle", () => this.list());
    this.node = element("article", { class: "card" },
      element("div", { class: "card-top" }, this.title, this.age), this.model, this.bar, this.figure, this.facts, this.details);
    this.title.append(forecast.symbol || "no symbol", " ", element("span", {}, timeframe(forecast.tf)));
  }

  // A new status: the age grows, and the rest is drawn where the forecast is another one.
  show(forecast, now) {
    const old = this.forecast;
    this.forecast = forecast;
    this.grow(now);
    if (old && old.time === forecast.time && old.asked_at === forecast.asked_at) return;
    this.digits = digitsOf(forecast.closes);
    this.write();
    this.width = 0;
    this.list();
  }

  grow(now) {
    const age = now - this.forecast.asked_at;
    say(this.age, age < 1 ? "just now" : `${span(age)} ago`);
  }

  write() {
    const { closes, levels, quantiles, up, model, time, server_us: us, cached } = this.forecast;
    const horizon = quantiles.length, end = quantiles[horizon - 1];
    const last = closes[closes.length - 1], median = quantile(levels, end, 0.5);
    const show = (value) => price(value, this.digits);
    say(this.model, model);
    say(this.bar, `bar of ${brokerTime(time)}, broker time`);
    this.fact("Last close", show(last));
    this.fact(`Median in ${bars(horizon)}`, show(median), signed(median - last, this.digits));
    this.fact(`${percent(covered(levels), 0)} range in ${bars(horizon)}`, `${show(end[0])} to ${show(end[end.length - 1])}`, "", "wide");
    this.fact("Rise in 1 bar", percent(up[0]), "probability");
    if (horizon > 1) this.fact(`Rise in ${bars(horizon)}`, percent(up[horizon - 1]), "probability");
    this.fact("Answered in", milliseconds(us), cached ? "from the cache" : "by the model", "wide");
  }

  fact(name, text, beside = "", kind = "") {
    let value = this.values.get(name);
    if (!value) {
      value = element("dd");
      this.facts.append(element("div", { class: kind }, element("dt", {}, name), value));
      this.values.set(name, value);
    }
    value.replaceChildren(text, ...(beside ? [" ", element("small", {}, beside)] : []));
  }

  draw() {
    const width = Math.floor(this.figure.clientWidth);
    if (width < 1 || width === this.width) return;
    this.width = width;
    const { symbol, tf, levels, quantiles, closes } = this.forecast;
    const end = quantiles[quantiles.length - 1], show = (value) => price(value, this.digits);
    const description = `${symbol} ${timeframe(tf)}: last close ${show(closes[closes.length - 1])}; in ` +
      `${bars(quantiles.length)} the close is expected between ${show(end[0])} and ${show(end[end.length - 1])} ` +
      `with ${percent(covered(levels), 0)} probability, median ${show(quantile(levels, end, 0.5))}`;
    this.figure.replaceChildren(fanChart(this.forecast, this.digits, width, description));
  }

  list() {
    if (!this.details.open) return;
    const { levels, quantiles, up } = this.forecast;
    fillHead(this.table, [["Bar", ""], ...levels.map((level) => [percent(level, 0), ""]), ["Rise", ""]]);
    fillBody(this.table, quantiles.map((row, h) => [
      [`+${h + 1}`, ""], ...row.map((value) => [price(value, this.digits), ""]), [percent(up[h]), ""],
    ]));
  }
}

class Cards {
  constructor(place) {
    this.place = place;
    this.cards = new Map();
  }

  show(status) {
    const present = new Map();
    for (const forecast of newestFirst(status.forecasts)) {
      if (!isDrawable(forecast)) continue;
      const key = JSON.stringify([forecast.symbol, forecast.tf, forecast.model]);
      const card = this.cards.get(key) || new Card(forecast);
      card.show(forecast, status.now);
      present.set(key, card);
    }
    for (const [key, card] of this.cards) if (!present.has(key)) card.node.remove();
    this.cards = present;
    [...present.values()].forEach((card, index) => {
      if (this.place.children[index] !== card.node) this.place.insertBefore(card.node, this.place.children[index] || null);
    });
    this.draw();
  }

  grow(now) {
    for (const card of this.cards.values()) card.grow(now);
  }

  draw() {
    for (const card of this.cards.values()) card.draw();
  }
}

function newestFirst(forecasts) {
  const minute = (forecast) => Math.floor(forecast.asked_at / SAME_TIME_S);
  const name = (forecast) => `${forecast.symbol} ${String(forecast.tf).padStart(9, "0")} ${forecast.model}`;
  return [...forecasts].sort((a, b) => minute(b) - minute(a) || (name(a) < name(b) ? -1 : 1));
}

function isDrawable({ closes, levels, quantiles, up }) {
  return closes.length > 0 && closes.every(isNumber) && levels.length > 0 && quantiles.length > 0 &&
    up.length === quantiles.length && quantiles.every((row) => row.length === levels.length && row.every(isNumber));
}
