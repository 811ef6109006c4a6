"use strict";
// What every page needs: data blocks, elements, numbers as people read them, routes.
const HL = {
  data: {}, waiting: {}, pages: {},

  // A block arrives either inside report.html or from a script of the report's folder; `put` takes both.
  put(name, value) {
    HL.data[name] = value;
    (HL.waiting[name] || []).forEach((call) => call(value));
    delete HL.waiting[name];
  },

  // Scripts load from a file share without a server, where fetch() may not.
  get(name, done, absent) {
    if (name in HL.data) { done(HL.data[name]); return; }
    if (HL.waiting[name]) { HL.waiting[name].push(done); return; }
    HL.waiting[name] = [done];
    const script = document.createElement("script");
    script.src = "report/data/" + name + ".js";
    script.onerror = () => { delete HL.waiting[name]; script.remove(); if (absent) absent(); };
    document.head.append(script);
  },
};

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}
// Put new content into a place; lists may be nested.
const show = (place, ...children) => { place.replaceChildren(); fill(place, {}, children); };
// Texts go in as text nodes: nothing in a patient id can become markup.
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const has = (v) => v !== null && v !== undefined && v !== "";
const whole = (v) => (has(v) ? Math.round(v).toLocaleString("en-US") : "–");
const upTo = (v, digits) => (has(v) ? Number(v).toLocaleString("en-US", { maximumFractionDigits: digits }) : "–");
// A value is never rounded onto the limit that it is compared with.
function besides(v, limits, digits = 0) {
  if (!has(v)) return "–";
  for (; digits < 6; digits++) {
    const shown = Number(v).toFixed(digits);
    if (!limits.some((limit) => Number(shown) === limit && v !== limit)) break;
  }
  return Number(v).toLocaleString("en-US", { maximumFractionDigits: digits });
}
const abcText = (v) => besides(v, [HL.data.meta.sip, HL.data.meta.reversal]);
const moment = (v) => v.replace("T", " ").replace(/(:\d\d):\d\d(\.\d+)?/, "$1");  // without seconds, with an offset that is stated
// As many digits in every row of a column: 2.0 % above 0.8 %.
const fixed = (v, digits) => (has(v) ? Number(v).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "–");
const percent = (v, digits = 1) => (has(v) ? fixed(v, digits) + " %" : "–");
// A chance is never rounded to none, nor to certainty.
const chance = (p) => (!has(p) ? "–" : p < 0.001 ? "< 0.1 %" : p > 0.999 ? "> 99.9 %" : percent(100 * p));
// PE in four digits below 1,000, in whole units above.
const peText = (v) => (has(v) ? (Math.abs(v) < 1000 ? Number(v.toPrecision(4)) : Math.round(v)).toLocaleString("en-US") : "–");
const counted = (n, what) => `${whole(n)} ${what}${n === 1 ? "" : "s"}`;

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
// What a code means in general, unless it only repeats what was found.
const adds = (found, meaning) => (meaning.toLowerCase().startsWith(found.toLowerCase()) ? null : meaning);
const SIGNS = { ok: "✓", review: "▲", failed: "✕" };
const WORDS = { ok: "ok", review: "review", failed: "failed" };
const badge = (status, words) => h("span", { class: "st " + (SIGNS[status] ? status : "plain") },
  (SIGNS[status] ? SIGNS[status] + " " : "") + (words || WORDS[status] || status));

const link = (page, id) => "#" + page + (id === undefined ? "" : "=" + encodeURIComponent(id));
const tubeLink = (id) => h("a", { href: link("tube", id) }, id);

function records(table) {
  return table.rows.map((row) => Object.fromEntries(table.columns.map((name, k) => [name, row[k]])));
}

// A picture of the report's folder, or the smaller one inside the page where only the page was copied.
function picture(path, embedded, words, className) {
  if (!path && !embedded) return h("div", { class: "gone" }, "There is no picture: the file could not be gated or drawn.");
  const image = h("img", { class: className, alt: words, loading: "lazy", src: path && !HL.alone ? "report/" + path : embedded });
  image.addEventListener("error", () => {
    if (embedded && image.getAttribute("src") !== embedded) { HL.alone = true; image.src = embedded; }
    else image.replaceWith(h("div", { class: "gone" }, "The picture is in the folder “report” beside this page."));
  });
  return image;
}
