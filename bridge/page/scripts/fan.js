// One forecast as a picture: recent closes, and the fan of what may follow.

const FAN = { top: 10, left: 6, bottom: 24, leastBars: 24, tagHeight: 18 };

// The quantile of a level: the model's own, or linear between the two beside it.
function quantile(levels, row, level) {
  const above = levels.findIndex((each) => each >= level - 1e-9);
  if (above < 0) return row[row.length - 1];
  if (above === 0 || Math.abs(levels[above] - level) < 1e-9) return row[above];
  const share = (level - levels[above - 1]) / (levels[above] - levels[above - 1]);
  return row[above - 1] + share * (row[above] - row[above - 1]);
}

// The share of outcomes between the outermost levels: 0.8 of 10% to 90%.
function covered(levels) {
  return levels[levels.length - 1] - levels[0];
}

function fanChart(forecast, digits, width, description) {
  const height = Math.round(Math.min(310, Math.max(190, width * 0.45)));
  const { levels, quantiles } = forecast;
  const horizon = quantiles.length;
  const closes = forecast.closes.slice(-Math.max(FAN.leastBars, 3 * horizon));
  const last = closes[closes.length - 1];
  const scale = priceScale(closes.concat(quantiles.flat()), digits, height);
  const widest = Math.max(...[last, ...scale.ticks].map((value) => widthOf(value.toFixed(digits))));
  const right = width - widest - 14;
  const step = (right - FAN.left) / Math.max(1, closes.length - 1 + horizon);
  const x = (bar) => right - (horizon - bar) * step; // bar 0 is the last close, 1 the next
  const y = scale.y;
  const picture = chart(width, height, description);

  const tag = Math.min(height - FAN.bottom - FAN.tagHeight / 2, Math.max(FAN.tagHeight / 2, y(last)));
  for (const value of scale.ticks) {
    picture.append(rule(FAN.left, y(value), right, y(value), "grid"));
    if (Math.abs(y(value) - tag) > 17) picture.append(label(right + 8, y(value) + 4, value.toFixed(digits)));
  }
  const ahead = [...Array(horizon).keys()];
  for (let band = 0; band < Math.floor(levels.length / 2); band++) {
    const low = ahead.map((h) => [x(h + 1), y(quantiles[h][band])]);
    const high = ahead.map((h) => [x(h + 1), y(quantiles[h][levels.length - 1 - band])]);
    const outline = [[x(0), y(last)], ...low, ...high.reverse()];
    picture.append(shape("path", { d: `${through(outline)}Z`, class: "band" }));
  }
  picture.append(
    rule(x(0), FAN.top, x(0), height - FAN.bottom, "now"),
    rule(x(0), y(last), right, y(last), "last"),
  );
  const median = ahead.map((h) => [x(h + 1), y(quantile(levels, quantiles[h], 0.5))]);
  picture.append(
    shape("path", { d: through([[x(0), y(last)], ...median]), class: "line median" }),
    shape("path", { d: through(closes.map((close, index) => [x(index - closes.length + 1), y(close)])), class: "line close" }),
    shape("circle", { cx: round(x(0)), cy: round(y(last)), r: 3, class: "dot" }),
    shape("rect", { x: right + 3, y: round(tag - FAN.tagHeight / 2), width: width - right - 3, height: FAN.tagHeight, rx: 3, class: "tag" }),
    label(right + 8, tag + 4, last.toFixed(digits), "start", "on-tag"),
  );
  const base = height - 7;
  const back = `${bars(closes.length - 1)} back`, here = "last close";
  if (FAN.left + widthOf(back) + widthOf(here) + 6 < x(0)) picture.append(label(FAN.left, base, back));
  picture.append(label(Math.max(x(0) + 3, FAN.left + widthOf(here)), base, here, "end"), label(right, base, `+${horizon}`, "end"));
  return picture;
}

function priceScale(prices, digits, height) {
  const least = 10 ** -digits;
  let low = Math.min(...prices), high = Math.max(...prices);
  const pad = Math.max((high - low) * 0.05, 2 * least);
  low -= pad;
  high += pad;
  const room = height - FAN.top - FAN.bottom;
  return {
    y: (value) => FAN.top + ((high - value) / (high - low)) * room,
    ticks: ticks(low, high, room / 34, least),
  };
}
