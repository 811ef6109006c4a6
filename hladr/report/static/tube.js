// One tube: what it is worth, why, what to do; its gates; the histogram that becomes AB/C; what else could be true.
const signed = (v) => { const r = Math.round(v * 10) / 10; return r === 0 ? "0 %" : (r > 0 ? "+" : "−") + percent(Math.abs(r)); };
const Tube = {
  id: null,

  build(section, id) {
    Tubes.all();
    Tube.id = id;
    const t = Tubes.byId.get(id);
    if (!t) { show(section, h("h1", {}, "There is no such tube"), h("p", {}, h("a", { href: "#tubes" }, "All tubes"))); return; }
    show(section, Tube.head(t), h("p", { class: "muted" }, "Loading …"));
    HL.get(t.block, (block) => { if (Tube.id === id) show(section, Tube.head(t), ...Tube.body(t, block[id])); },
      () => show(section, Tube.head(t), ...Tube.body(t, null)));
    const next = Tubes.neighbour(id, 1);
    if (next) { HL.get(next.block, () => {}); if (next.picture && !HL.alone) new Image().src = "report/" + next.picture; }
  },

  head(t) {
    const go = (target, words, key) => h("a", { class: "chip", href: target ? link("tube", target.id) : null, "aria-disabled": !target, style: target ? null : "opacity:.4" }, words, " ", h("kbd", {}, key));
    return h("div", {}, h("div", { class: "tubehead" }, h("h1", {}, t.id), badge(t.status), Tubes.badges(t),
      h("span", { class: "muted" }, t.role === "patient" ? ["patient ", h("a", { href: link("patient", t.patient) }, t.patient), `, day ${t.day}`] : `${t.role}, day ${t.day}`, `, ${t.lab}`, has(t.acquired) ? `, acquired ${moment(t.acquired)}` : ""),
      h("span", { class: "nav" }, go(Tubes.neighbour(t.id, -1), "← previous", "k"), go(Tubes.neighbour(t.id, 1), "next →", "j"), go(Tubes.neighbour(t.id, 1, Tubes.doubtful), "next doubtful", "d"), h("a", { class: "chip", href: "#tubes" }, "all tubes ", h("kbd", {}, "u")))));
  },

  body(t, d) {
    const meta = HL.data.meta, value = (name, words, unit) => h("div", {}, h("span", {}, name), h("b", {}, words), unit ? h("em", {}, unit) : null);
    const parts = [h("div", { class: "value" },
      value("AB/C", abcText(t.abc), has(t.abc) ? "antibodies per cell" : ""), has(t.low) ? value("95 % interval", `${whole(t.low)} to ${whole(t.high)}`) : null,
      value("monocytes", whole(t.n_mono), has(t.pct) ? `${percent(t.pct)} of leukocytes` : ""), t.role === "patient" ? value("call of the draw", t.call || "–", t.borderline ? "borderline" : "") : null,
      has(t.risk) ? value(`chance that the ${t.limit === meta.sip ? "call" : "reversal"} is wrong`, chance(t.risk), `limit ${whole(t.limit)}`) : null,
      t.role === "patient" && has(t.abc) ? h("div", {}, h("span", {}, "where it lies"), intervalBar(t.abc, t.low, t.high, 240)) : null)];
    parts.push(Tube.release(t, d));
    if (!d) return [...parts, h("div", { class: "gone" }, "The details of this tube are in the folder “report” beside this page.")];
    for (const f of d.findings) {
      const [meaning, remedy] = meta.flags[f.code] || ["", ""];
      parts.push(h("div", { class: "note " + f.status }, h("b", {}, `${SIGNS[f.status]} ${sentence(f.sentence)}. `), adds(f.sentence, meaning), " ", t.release === "superseded" ? null : [h("b", {}, "What to do: "), remedy, " "], h("span", { class: "code" }, f.code)));
    }
    if (t.reported) parts.push(h("div", { class: "note" }, h("b", {}, "The laboratory reported this number. "), "There is no file behind it: no gates, no interval, and nothing here could be checked."));
    if (d.override) parts.push(h("div", { class: "note" }, h("b", {}, t.gate === "override" ? "The gate was drawn by a reviewer. " : "A reviewer drew a gate for this tube. "), `${d.override.reviewer}, ${d.override.date}: ${d.override.reason}`));
    const drawn = t.picture || (HL.data.thumbs || {})[t.id];
    if (!t.reported) parts.push(h("h2", {}, "Gates", !drawn ? null : h("small", {}, t.gate === "override" ? "the automatic gate beside the reviewer's, which counts (blue); dotted: the automatic gate" : "solid: the gate that counts; dashed: slightly tighter and wider")),
      h("div", { class: "scroll" }, picture(t.picture, (HL.data.thumbs || {})[t.id], `Gates of tube ${t.id}`, "picture")));
    if (d.override) parts.push(Tube.bothGates(d.override, t.gate === "override"));
    const gates = d.gates.length ? h("table", {}, h("thead", {}, h("tr", {}, ["Gate", "inside", "events", "share"].map((w, k) => h("th", { class: k > 1 ? "num" : "" }, w)))),
      h("tbody", {}, d.gates.map((g) => h("tr", {}, h("td", {}, g.name), h("td", { class: "muted" }, g.parent), h("td", { class: "num" }, whole(g.events)), h("td", { class: "num" }, percent(g.percent)))))) : null;
    const alternatives = d.alternatives.length > 1 ? h("table", {}, h("thead", {}, h("tr", {}, ["AB/C if …", "AB/C", "change", ""].map((w, k) => h("th", { class: k === 1 || k === 2 ? "num" : "" }, w)))),
      h("tbody", {}, d.alternatives.map((a) => h("tr", {}, h("td", {}, a.name), h("td", { class: "num" }, abcText(a.abc)), h("td", { class: "num muted" }, has(a.change) ? signed(a.change) : ""),
        h("td", {}, a.other_side ? h("span", { class: "st review" }, `▲ other side of ${whole(a.other_side)}`) : ""))))) : null;
    parts.push(h("div", { class: "two wide-left" },
      h("div", {}, d.hist ? [h("h2", {}, "PE of the monocytes"), peHistogram(d.hist)] : null),
      h("div", {}, alternatives ? [h("h2", {}, "What else AB/C could be"), alternatives] : null, gates ? [h("h2", {}, "Events"), gates] : null)));
    if (d.settings.length) parts.push(h("h2", {}, "Settings against the beads’", h("small", {}, d.bead ? ["bead run ", h("a", { href: link("bead", d.bead) }, d.bead)] : "no bead run is named")),
      h("table", {}, h("thead", {}, h("tr", {}, ["", "tube", "beads", ""].map((w) => h("th", {}, w)))), h("tbody", {}, d.settings.filter((x) => !x.between).map((x) => h("tr", {}, h("td", { class: "muted" }, x.name), h("td", {}, has(x.tube) ? x.tube : "not stated"), h("td", {}, has(x.beads) ? x.beads : "not stated"),
        h("td", {}, x.same === false ? (x.name.startsWith("compensation") ? "differ, no mismatch" : badge("failed", "differ")) : x.same === true ? badge("ok", "same") : ""))))),
      d.settings.filter((x) => x.between).map((x) => h("p", { id: "apart" }, sentence(x.between) + ".")));
    if (d.notes.length) parts.push(h("h2", {}, "Odd about the file, but resolved", h("small", {}, "nothing to do; for the auditor")), h("ul", { id: "file-notes" }, d.notes.map((words) => h("li", {}, sentence(words) + "."))));
    parts.push(h("h2", {}, "Files"), h("p", {}, d.gatingml ? h("a", { href: d.gatingml }, "Gates as GatingML 2.0") : "No gates were written.", d.gatingml_automatic ? [" · ", h("a", { href: d.gatingml_automatic }, "the automatic ones")] : null, d.bead ? [" · ", h("a", { href: link("bead", d.bead) }, "Calibration")] : null, " · ", h("a", { href: "quantification.csv" }, "quantification.csv")));
    return parts;
  },

  // What the automatic gate would give, what the reviewer's gives, and who drew it, when and why.
  bothGates(o, counts) {
    const write = { count: whole, percent, abc: abcText, pe: peText };
    const row = (name, ours, theirs, change) => h("tr", {}, h("td", { class: "muted" }, name), h("td", {}, ours), h("td", {}, theirs), h("td", { class: "muted" }, change || ""));
    return h("table", { id: "both-gates" }, h("thead", {}, h("tr", {}, ["", "Automatic gate", "Reviewer’s gate", "change"].map((w) => h("th", {}, w)))), h("tbody", {},
      row("counts", "no", counts ? "yes" : "no: it cannot be used"),
      o.gates.map((g) => row(g.name, write[g.kind](g.automatic), write[g.kind](g.reviewer), has(g.automatic) && has(g.reviewer) && g.automatic ? signed(100 * (g.reviewer / g.automatic - 1)) : "")),
      row("drawn by", o.gates.length ? "hladr" : "none was found", o.reviewer), row("on", "", o.date), row("because", "", o.reason)));
  },

  release(t, d) {
    const said = d && d.decision ? `${d.decision.reviewer}, ${d.decision.date}` : "a reviewer";
    if (t.release === "superseded") return h("div", { class: "note review" }, h("b", {}, "▲ Replaced by ", tubeLink(t.by), ". Do not release."));
    if (t.release === "held") return h("div", { class: "note review" }, h("b", {}, "▲ Held. "), `Do not release: held by ${said}.`);
    if (t.release === "released") return h("div", { class: "note ok" }, h("b", {}, "✓ Released "), `by ${said}.`);
    if (t.release === "control") return h("div", { class: "note" }, h("b", {}, t.role === "control" ? "Control tube. " : `Tube with the role ${t.role}. `), "No call is made of it, and there is nothing to release.");
    if (t.status === "failed") return h("div", { class: "note failed" }, h("b", {}, "✕ Not to be released. "), "There is no value.");
    if (t.status === "review") return h("div", { class: "note review" }, h("b", {}, "▲ Look first. "), "There is a value; a person decides and enters it in releases.csv.");
    return h("div", { class: "note ok" }, h("b", {}, "✓ May be released. "), t.borderline ? "The call is borderline: state the interval with it." : "");
  },

  key(event) {
    const open = (t) => { if (t) location.hash = link("tube", t.id); };
    if (event.key === "j" || event.key === "ArrowRight") open(Tubes.neighbour(Tube.id, 1));
    else if (event.key === "k" || event.key === "ArrowLeft") open(Tubes.neighbour(Tube.id, -1));
    else if (event.key === "d") open(Tubes.neighbour(Tube.id, 1, Tubes.doubtful));
    else if (event.key === "u" || event.key === "Escape") { Tubes.picked = Tube.id; location.hash = "#tubes"; }
    else return false;
    return true;
  },
};
HL.pages.tube = { build: Tube.build, key: Tube.key, tab: "tubes" };
