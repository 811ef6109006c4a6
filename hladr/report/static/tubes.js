// The table of tubes: sort, filter, page, walk with keys. Its order is also the order of "next" and "previous".
const Tubes = {
  perPage: 100, page: 0, sort: "rank", down: false, picked: null, filters: {},

  columns: [
    ["rank", "Order", "order in which to look: what endangers a decision most comes first"],
    ["status", "Status"], ["id", "Tube"], ["patient", "Patient"], ["day", "Day"], ["lab", "Laboratory"], ["acquired", "Acquired"],
    ["abc", "AB/C", "antibodies per cell"], ["", "95 % interval"], ["risk", "Chance that the call is wrong", "chance that the true value lies on the other side of the limit on which the call, or the reversal, hangs"],
    ["call", "Call of the draw"], ["flags", "Why"],
    ["doubt", "Gate doubt", "expected share of foreign events inside the gate, plus that of the monocytes outside it"],
  ],

  all() {
    if (!Tubes.rows) { Tubes.rows = records(HL.data.tubes); Tubes.byId = new Map(Tubes.rows.map((t) => [t.id, t])); }
    return Tubes.rows;
  },

  shown() {
    const f = Tubes.filters, words = (f.text || "").toLowerCase();
    const keep = Tubes.all().filter((t) =>
      (!words || `${t.id} ${t.patient} ${t.bead || ""}`.toLowerCase().includes(words)) &&
      (!f.status || (f.status === "doubtful" ? Tubes.doubtful(t) : f.status === "borderline" ? t.borderline : t.status === f.status)) &&
      (!f.release || (Tubes.states[f.release] || [f.release]).includes(t.release)) && (!f.gate || t.gate === f.gate) && (!f.lab || t.lab === f.lab) &&
      (!f.flag || (t.flags || "").split(";").includes(f.flag)) && (!f.call || t.call === f.call) &&
      (!f.from || (t.acquired || "") >= f.from) && (!f.to || (has(t.acquired) && t.acquired.slice(0, 10) <= f.to)) &&
      (!has(f.least) || (has(t.abc) && t.abc >= Number(f.least))) && (!has(f.most) || (has(t.abc) && t.abc <= Number(f.most))));
    const key = Tubes.sort, order = { failed: 0, review: 1, ok: 2 };
    const value = (t) => (key === "status" ? order[t.status] : t[key]);
    const compare = (a, b) => {
      const [u, v] = [value(a), value(b)];
      if (has(u) !== has(v)) return has(u) ? -1 : 1;
      const side = typeof u === "number" ? u - v : String(u ?? "").localeCompare(String(v ?? ""), "en", { numeric: true });
      return (Tubes.down ? -side : side) || a.rank - b.rank;
    };
    return keep.sort(compare);
  },

  // What may be done with a tube's value; a filter may stand for several states. The boxes of the first page count these.
  states: { may: ["may", "released"], aside: ["held", "superseded", "control"] },
  stateWords: { may: "may be released", released: "… by a reviewer", look: "look first", no: "no value", held: "held by a reviewer", superseded: "replaced", control: "control", aside: "held, replaced or control" },

  doubtful: (t) => t.release !== "superseded" && (t.status !== "ok" || t.borderline || t.release === "held"),

  build(section) {
    const choose = (name, label, options, words = {}) => h("label", {}, label, h("select", { name, onchange: Tubes.refilter },
      h("option", { value: "" }, "all"), options.map((o) => h("option", { value: o, selected: Tubes.filters[name] === o }, words[o] || o))));
    const type = (name, label, kind = "text", extra = {}) => h("label", {}, label, h("input", { name, type: kind, value: Tubes.filters[name], oninput: Tubes.refilter, ...extra }));
    const distinct = (values) => [...new Set(values)].filter(has).sort();
    const rows = Tubes.all();
    show(section, 
      h("h1", {}, "Tubes"),
      h("p", { class: "muted" }, "Ranked by the risk to a decision: failed tubes whose draw has no call, then the chance that AB/C lies on the other side of the limit that decides, with the doubt of gate and beads counted in. To audit the gates, sort by their doubt."),
      h("form", { class: "filters", id: "tube-filters", onsubmit: (e) => e.preventDefault() },
        type("text", "Tube, patient or bead run", "search", { placeholder: "press / to search", id: "tube-search" }),
        choose("status", "Status", ["ok", "review", "failed", "doubtful", "borderline"], { doubtful: "all that are doubtful", borderline: "call is borderline" }),
        choose("release", "Release", Object.keys(Tubes.stateWords), Tubes.stateWords), choose("gate", "Gate", ["automatic", "override"], { override: "reviewer’s gate" }), choose("lab", "Laboratory", distinct(rows.map((t) => t.lab))),
        choose("flag", "Code", distinct(rows.flatMap((t) => (t.flags || "").split(";")))), choose("call", "Call", distinct(rows.map((t) => t.call))),
        h("span", { class: "pair" }, type("from", "Acquired from", "date"), type("to", "to", "date")),
        h("span", { class: "pair" }, type("least", "AB/C from", "number", { class: "short", min: 0 }), type("most", "to", "number", { class: "short", min: 0 })),
        h("button", { class: "plain", type: "button", onclick: () => { Tubes.filters = {}; Tubes.page = 0; Tubes.build(section); } }, "Clear")),
      h("div", { id: "tube-table" }),
      h("p", { class: "keys" }, h("kbd", {}, "j"), " ", h("kbd", {}, "k"), " next and previous row · ", h("kbd", {}, "Enter"), " open · ", h("kbd", {}, "d"), " next doubtful · ", h("kbd", {}, "/"), " search"));
    Tubes.draw();
  },

  refilter(event) {
    Tubes.filters[event.target.name] = event.target.value;
    Tubes.page = 0; Tubes.picked = null;
    Tubes.draw();
  },

  draw() {
    const rows = Tubes.shown(), pages = Math.max(Math.ceil(rows.length / Tubes.perPage), 1);
    Tubes.page = Math.min(Tubes.page, pages - 1);
    const some = rows.slice(Tubes.page * Tubes.perPage, (Tubes.page + 1) * Tubes.perPage);
    const head = Tubes.columns.map(([key, name, title]) => {
      const sorted = key && key === Tubes.sort;
      return h("th", { class: [["abc", "risk", "day", "rank"].includes(key) ? "num" : "", key === "acquired" || name === "95 % interval" ? "roomy" : "", key === "doubt" ? "gates" : ""].join(" "), title, "aria-sort": sorted ? (Tubes.down ? "descending" : "ascending") : null },
        key ? h("button", { type: "button", "data-sort": key, onclick: () => { Tubes.down = key === Tubes.sort ? !Tubes.down : key === "doubt"; Tubes.sort = key; Tubes.draw(); } }, name + (sorted ? (Tubes.down ? " ↓" : " ↑") : "")) : name);
    });
    const step = (by, words, usable) => h("button", { class: "plain", type: "button", disabled: !usable, onclick: () => { Tubes.page += by; Tubes.draw(); scrollTo(0, 0); } }, words);
    show(document.getElementById("tube-table"), 
      h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, some.map(Tubes.row)))),
      h("div", { class: "pager" }, h("span", { id: "tube-count" }, rows.length ? `${whole(Tubes.page * Tubes.perPage + 1)} to ${whole(Tubes.page * Tubes.perPage + some.length)} of ${counted(rows.length, "tube")}` : "No tube matches."),
        pages > 1 ? [step(-1, "← Previous", Tubes.page > 0), step(1, "Next →", Tubes.page < pages - 1)] : null));
    Tubes.mark();
  },

  row(t) {
    return h("tr", { class: "go", "data-id": t.id, onclick: (e) => { if (e.target.tagName !== "A") location.hash = link("tube", t.id); } },
      h("td", { class: "num muted" }, t.rank), h("td", {}, badge(t.status), Tubes.badges(t)), h("td", { class: "id", title: t.id }, tubeLink(t.id)),
      h("td", { class: "id", title: t.patient }, t.role === "patient" ? h("a", { href: link("patient", t.patient) }, t.patient) : [t.patient, " ", h("span", { class: "muted" }, t.role)]), h("td", { class: "num" }, t.day), h("td", {}, t.lab),
      h("td", { class: "nowrap roomy" }, has(t.acquired) ? t.acquired.slice(0, 10) : "–"), h("td", { class: "num" }, abcText(t.abc)), h("td", { class: "roomy" }, intervalBar(t.abc, t.low, t.high, 130, t.role === "patient")),
      h("td", { class: "num" }, chance(t.risk)), h("td", {}, t.call || "–", t.borderline ? h("span", { class: "st review", title: "the interval of AB/C touches the limit that decides" }, "borderline") : null),
      h("td", { class: "why" }, t.why ? h("div", {}, t.why) : null, h("div", { class: "code" }, (t.flags || "").split(";").filter(has).map((c) => [h("span", { title: (HL.data.meta.flags[c] || [""])[0] }, c), " "]))),
      h("td", { class: "gates" }, h("div", {}, h("span", {}, has(t.doubt) ? t.doubt.toFixed(1) + " %" : "–"), t.picture || t.thumb ? h("a", { href: link("tube", t.id), class: "thumb", tabindex: "-1", "aria-hidden": true }, thumbnail(t)) : null)));
  },

  badges(t) {
    const words = { held: "held", released: "released", superseded: "replaced" }[t.release];
    return [words ? [" ", h("span", { class: "st plain", title: t.by ? `by ${t.by}` : null }, words)] : null, t.gate === "override" ? [" ", badge("plain", "reviewer’s gate")] : null, t.reported ? [" ", h("span", { class: "st plain", title: "a number that the laboratory reported; there is no file" }, "reported")] : null];
  },

  mark() {
    document.querySelectorAll("#tube-table tr.pick").forEach((row) => row.classList.remove("pick"));
    const row = [...document.querySelectorAll("#tube-table tr[data-id]")].find((r) => r.dataset.id === Tubes.picked);
    if (row) { row.classList.add("pick"); row.scrollIntoView({ block: "nearest" }); }
  },

  // The neighbour of a tube in the order of the table; `wanted` says which tubes count.
  neighbour(id, by, wanted = () => true) {
    const rows = Tubes.shown();
    let k = rows.findIndex((t) => t.id === id);
    if (k < 0) k = by > 0 ? -1 : rows.length;
    for (k += by; k >= 0 && k < rows.length; k += by) if (wanted(rows[k])) return rows[k];
    return null;
  },

  key(event) {
    const walk = (t) => {
      if (!t) return;
      Tubes.picked = t.id;
      const page = Math.floor(Tubes.shown().indexOf(t) / Tubes.perPage);
      if (page !== Tubes.page) { Tubes.page = page; Tubes.draw(); } else Tubes.mark();
    };
    if (event.key === "j" || event.key === "ArrowDown") walk(Tubes.neighbour(Tubes.picked, 1));
    else if (event.key === "k" || event.key === "ArrowUp") walk(Tubes.neighbour(Tubes.picked, -1));
    else if (event.key === "d") walk(Tubes.neighbour(Tubes.picked, 1, Tubes.doubtful));
    else if (event.key === "Enter" && Tubes.picked) location.hash = link("tube", Tubes.picked);
    else if (event.key === "/") document.getElementById("tube-search").focus();
    else return false;
    return true;
  },
};

// The panel with the monocytes, cut out of the tube's picture: the last but one of its four or five.
function thumbnail(t, side = 64) {
  const { cell, left, top, size, height } = HL.data.meta.picture, scale = side / size;
  const image = picture(t.picture, (HL.data.thumbs || {})[t.id], "", "");
  image.addEventListener("load", () => {
    const panels = Math.round((image.naturalWidth / image.naturalHeight) * (height / cell));
    image.setAttribute("style", `width:${panels * cell * scale}px;left:${-((panels - 2) * cell + left) * scale}px;top:${-top * scale}px`);
  });
  return image;
}

HL.pages.tubes = { build: Tubes.build, key: Tubes.key };
