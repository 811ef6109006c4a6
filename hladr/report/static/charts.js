// Small charts as inline SVG, drawn from values; they compute nothing but positions.
const logPlace = (low, high, from, to) => (v) => from + (Math.log(v / low) / Math.log(high / low)) * (to - from);
const linPlace = (low, high, from, to) => (v) => from + ((v - low) / (high - low || 1)) * (to - from);
const svg = (width, height, words, ...children) =>
  s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": words }, ...children);
const text = (x, y, words, anchor = "middle", className = "") => s("text", { x, y, "text-anchor": anchor, class: className }, words);
const line = (x1, y1, x2, y2, className, extra) => s("line", { x1, y1, x2, y2, class: className, ...extra });
const poly = (points, attributes) => s("path", { d: points.map(([x, y], k) => (k ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join(""), ...attributes });
const UP = { 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", "-": "⁻" };
const power = (k) => "10" + String(k).split("").map((c) => UP[c] || c).join("");

function logTicks(low, high, steps = [1, 2, 5]) {
  const ticks = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k++)
    for (const m of steps) { const v = m * 10 ** k; if (v >= low * 0.999 && v <= high * 1.001) ticks.push(v); }
  return ticks;
}

// Two to five round numbers between two ends, and the digits that tell them apart.
function linTicks(low, high) {
  const rough = (high - low) / 3, size = 10 ** Math.floor(Math.log10(rough)), step = size * [5, 2, 1].find((m) => m * size <= rough * 1.0001);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  return { ticks, digits: Math.min(Math.max(-Math.floor(Math.log10(step * 1.0001)), 0), 9) };
}

// The interval of AB/C on one fixed logarithmic scale, with the two limits: comparable from row to row.
function intervalBar(abc, low, high, width = 170, decides = true) {
  const { sip, reversal } = HL.data.meta;
  if (!has(abc) || abc <= 0) return h("span", { class: "muted" }, "–");
  const least = sip / 4, most = reversal * 4, height = 20;
  const place = logPlace(least, most, 4, width - 4);
  const at = (v) => place(Math.min(Math.max(v, least), most));
  const parts = [line(4, 10, width - 4, 10, "", { stroke: "#d5dde1" })];
  if (decides) parts.push(line(place(sip), 2, place(sip), 18, "limit"), line(place(reversal), 2, place(reversal), 18, "limit2"));
  if (has(low)) parts.push(line(at(low), 10, Math.max(at(high), at(low) + 1), 10, "", { stroke: "#0b5a75", "stroke-width": 9, opacity: 0.35 }));
  parts.push(s("circle", { cx: at(abc), cy: 10, r: 2.6, fill: "#0b5a75" }));
  const said = `${abcText(abc)} antibodies per cell` + (has(low) ? `, 95 % interval ${whole(low)} to ${whole(high)}` : "") + (decides ? `; limits ${whole(sip)} and ${whole(reversal)}` : "");
  return svg(width, height, said, s("title", {}, said), ...parts);
}

// Monocyte PE: PE below, the AB/C that it means above, the limits as lines. All words stand outside the frame, the
// names of the lines as a key above it, so that none crosses a bar or another word.
function peHistogram(hist, width = 720, height = 320) {
  const left = 62, right = width - 14, top = 58, bottom = height - 46;
  const place = linPlace(hist.positions[0], hist.positions[hist.positions.length - 1], left, right);
  const most = Math.max(...hist.counts, 1), tall = linPlace(0, most, bottom, top + 4);
  const outline = [[place(hist.positions[0]), bottom]];
  hist.counts.forEach((n, k) => outline.push([place(hist.positions[k]), tall(n)], [place(hist.positions[k + 1]), tall(n)]));
  outline.push([place(hist.positions[hist.positions.length - 1]), bottom]);
  const parts = [poly(outline, { fill: "#b4cdd8", stroke: "#0b5a75", "stroke-width": 1 }), line(left, bottom, right, bottom, "axis"), line(left, bottom, left, top, "axis")];
  for (const [position, name] of apart(hist.ticks, place, (name) => 7 * name.length + 6)) {
    const x = place(position);
    if (x >= left - 1 && x <= right + 1) parts.push(line(x, bottom, x, bottom + (name ? 6 : 3), "axis"), name ? text(x, bottom + 19, name) : null);
  }
  parts.push(text((left + right) / 2, height - 6, `compensated PE (${hist.channel}), linear units on an asinh scale`), text(left - 6, tall(most) + 4, whole(most), "end", "m"), text(left - 6, bottom, "0", "end", "m"),
    s("text", { transform: `translate(14 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle", class: "m" }, "monocytes"));
  const scale = hist.abc_ticks || [];
  for (const [position, name] of apart(scale, place, (name) => 7 * name.length + 6)) {
    const x = place(position);
    if (x >= left - 1 && x <= right + 1) parts.push(line(x, top - 6, x, top - (name ? 12 : 9), "axis"), name ? text(x, top - 16, name) : null);
  }
  if (scale.length) parts.push(line(left, top - 6, right, top - 6, "axis"), text(right, 12, "AB/C by the bead line", "end", "m"));
  const marks = (hist.limits || []).map(([position, name], k) => ({ x: place(position), name, kind: k ? "limit2" : "limit" }));
  if (has(hist.median)) marks.unshift({ x: place(hist.median), name: hist.statistic || "median", kind: "median" });
  let key = left;
  for (const mark of marks.filter((m) => m.x > left && m.x < right)) {
    parts.push(line(mark.x, top - 6, mark.x, bottom, mark.kind), line(key, 8, key + 20, 8, mark.kind), text(key + 25, 12, mark.name, "start"));
    key += 25 + 6 * mark.name.length + 16;
  }
  return svg(width, height, "Histogram of the monocytes' PE", ...parts);
}
// Ticks from left to right; a name that would run into the one before it is left out, its tick stays.
function apart(ticks, place, wide) {
  let end = -Infinity;
  return [...ticks].sort((a, b) => a[0] - b[0]).map(([position, name]) => {
    if (!name || place(position) - wide(name) / 2 < end) return [position, ""];
    end = place(position) + wide(name) / 2;
    return [position, name];
  });
}

// Bead peaks on the line, log10 against log10.
function beadLine(run, width = 380, height = 260) {
  const levels = run.levels.filter((l) => l.pe > 0 && l.value > 0);
  if (levels.length < 2) return h("div", { class: "gone" }, "No line: too few bead levels were found.");
  const left = 52, right = width - 12, top = 12, bottom = height - 42;
  const pes = levels.map((l) => l.pe), values = levels.map((l) => l.value);
  const x0 = Math.min(...pes) / 2, x1 = Math.max(...pes) * 2, y0 = Math.min(...values) / 2, y1 = Math.max(...values) * 2;
  const px = logPlace(x0, x1, left, right), py = logPlace(y0, y1, bottom, top);
  const parts = [s("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "axis" })];
  for (const v of logTicks(x0, x1)) parts.push(line(px(v), bottom, px(v), bottom + (decade(v) ? 6 : 3), "axis"), decade(v) ? text(px(v), bottom + 18, power(Math.round(Math.log10(v)))) : null);
  for (const v of logTicks(y0, y1)) parts.push(line(left, py(v), left - (decade(v) ? 6 : 3), py(v), "axis"), decade(v) ? text(left - 8, py(v) + 4, power(Math.round(Math.log10(v))), "end") : null);
  if (has(run.slope)) {
    const at = (pe) => 10 ** (run.intercept + run.slope * Math.log10(pe));
    parts.push(poly([x0, x1].map((pe) => [px(pe), Math.min(Math.max(py(at(pe)), top), bottom)]), { class: "data" }));
  }
  for (const l of levels) parts.push(s("circle", { cx: px(l.pe), cy: py(l.value), r: 4.5, fill: l.used === false ? "#fff" : "#d55e00", stroke: "#d55e00", "stroke-width": 1.5 }, s("title", {}, `level ${l.level}: ${whole(l.value)} at PE ${upTo(l.pe, 1)}`)));
  parts.push(text((left + right) / 2, height - 6, "PE, linear units"), s("text", { transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, run.unit || "PE molecules per bead"));
  return svg(width, height, `Calibration line of ${run.bead_id}`, ...parts);
}
const decade = (v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9;

// One marker of a patient over the days of draw, on a logarithmic scale.
function courseChart(points, options) {
  const { width = 290, height = 120, limits = [], days, unit } = options;
  const left = 46, right = width - 10, top = 16, bottom = height - (options.big ? 36 : 24);
  const ends = points.flatMap((p) => [p.value, p.low, p.high]).filter((v) => has(v) && v > 0);
  const reach = [...ends, ...limits.map((l) => l.value)];
  const y0 = Math.min(...reach) / 1.4, y1 = Math.max(...reach) * 1.4;
  const px = linPlace(days[0], days[1], left + 6, right - 6), py = logPlace(y0, y1, bottom, top);
  const parts = [line(left, bottom, right, bottom, "axis"), line(left, bottom, left, top, "axis"), text(left, 10, unit, "start", "m")];
  const ticks = logTicks(y0, y1, [1]).length > 1 ? logTicks(y0, y1, [1]) : logTicks(y0, y1, [1, 2, 5]);
  for (const v of ticks) parts.push(line(left - 4, py(v), left, py(v), "axis"), text(left - 6, py(v) + 4, whole(v), "end", "m"));
  for (const day of options.dayTicks) parts.push(line(px(day), bottom, px(day), bottom + 4, "axis"), text(px(day), bottom + 15, day, "middle", "m"));
  limits.forEach((l) => parts.push(line(left, py(l.value), right, py(l.value), l.className || "limit"), options.big ? null : s("title", {}, l.name)));
  if (options.mark) parts.push(line(px(options.mark.day), top, px(options.mark.day), bottom, "mark"), options.big ? text(px(options.mark.day) + 4, top + 8, options.mark.words, "start", "halo") : s("title", {}, options.mark.words));
  const exact = points.filter((p) => has(p.value) && p.value > 0);
  parts.push(poly(exact.map((p) => [px(p.day), py(p.value)]), { class: "data", opacity: 0.55 }));
  // names over the line, on a white rim, and under the points: neither hides the other
  if (options.big) limits.forEach((l) => parts.push(text(right - 2, py(l.value) - 4, l.name, "end", "m halo")));
  for (const p of points) {
    const x = px(p.day), where = `day ${p.day}: ${p.words}`;
    if (has(p.low) && has(p.high) && p.low > 0 && p.high > p.low) parts.push(line(x, py(p.low), x, py(p.high), "", { stroke: "#0b5a75", "stroke-width": 3, opacity: 0.4 }));
    if (has(p.value) && p.value > 0) parts.push(s("circle", { cx: x, cy: py(p.value), r: 3.6, fill: p.doubt ? "#fff" : "#0b5a75", stroke: "#0b5a75", "stroke-width": 1.6 }, s("title", {}, where)));
    else if (has(p.low) && has(p.high) && p.low > 0) parts.push(s("path", { d: `M${x - 4} ${py(p.low) + 2}h8M${x} ${py(p.low) + 2}V${py(p.high) - 2}M${x - 4} ${py(p.high) - 2}h8`, class: "data" }, s("title", {}, where)));
    else if (has(p.low) && p.low > 0) parts.push(s("path", { d: `M${x} ${py(p.low)}v-12m-4 5l4 -5l4 5M${x - 4} ${py(p.low)}h8`, class: "data" }, s("title", {}, where)));
    else if (has(p.high) && p.high > 0) parts.push(s("path", { d: `M${x} ${py(p.high)}v12m-4 -5l4 5l4 -5M${x - 4} ${py(p.high)}h8`, class: "data" }, s("title", {}, where)));
    else parts.push(text(x, bottom - 4, "×", "middle", "m"));
  }
  if (options.big) parts.push(text((left + right) / 2, height - 2, "study day", "middle", "m"));
  return svg(width, height, `${unit} by day`, ...parts);
}

// Levey-Jennings: one bead figure per run in the order of time, with its mean and its 2 and 3 sd lines.
function leveyJennings(points, options) {
  const { width = 560, height = 190, title, unit } = options;
  const left = 64, right = width - 14, top = 22, bottom = height - 34;
  const values = points.flatMap((p) => [p.value, p.low, p.high, p.centre]).filter(has);
  const spread = Math.max(Math.max(...values) - Math.min(...values), Math.abs(values[0]) * 1e-3, 1e-9);
  // what is never negative has no axis below 0
  const least = Math.min(...values), y0 = least >= 0 ? Math.max(least - 0.12 * spread, 0) : least - 0.12 * spread, y1 = Math.max(...values) + 0.12 * spread;
  const px = points.length > 1 ? linPlace(0, points.length - 1, left + 14, right - 14) : () => (left + right) / 2, py = linPlace(y0, y1, bottom, top);
  const parts = [line(left, bottom, right, bottom, "axis"), line(left, bottom, left, top, "axis"), text(left, 12, `${title}${unit ? ", " + unit : ""}`, "start", "m")];
  const step = (key, className, extra) => {
    const known = points.map((p, k) => [k, p[key]]).filter(([, v]) => has(v));
    if (known.length) parts.push(poly(known.length > 1 ? known.map(([k, v]) => [px(k), py(v)]) : [[left, py(known[0][1])], [right, py(known[0][1])]], { class: className, fill: "none", ...extra }));
  };
  step("centre", "", { stroke: "#6b7a82" }); step("low", "limit"); step("high", "limit");
  parts.push(poly(points.map((p, k) => [px(k), py(p.value)]), { class: "data" }));
  const r = Math.min(4, Math.max((right - left) / (2.5 * points.length), 1.5));
  points.forEach((p, k) => parts.push(s("circle", { cx: px(k), cy: py(p.value), r, fill: p.alarm ? "#d55e00" : "#0b5a75" }, s("title", {}, `${p.name}: ${upTo(p.value, 3)}${p.alarm ? " – " + p.alarm : ""}`))));
  const { ticks, digits } = linTicks(y0, y1);
  for (const v of ticks) parts.push(line(left - 3, py(v), left, py(v), "axis"), text(left - 6, py(v) + 4, v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }), "end", "m"));
  if (points.length) parts.push(text(px(0), bottom + 16, points[0].when || points[0].name, "start", "m"), points.length > 1 ? text(px(points.length - 1), bottom + 16, points[points.length - 1].when || points[points.length - 1].name, "end", "m") : null);
  return svg(width, height, title, ...parts);
}
