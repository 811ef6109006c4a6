// Bead runs: one card each with line and recoveries, one page each with peaks, and the charts over time.
const Beads = {
  perPage: 24, page: 0, filter: "",

  build(section) { HL.get("beads", (runs) => Beads.draw(section, runs), () => show(section, h("h1", {}, "Beads"), h("p", { class: "gone" }, "The bead runs are in the folder “report” beside this page."))); },

  draw(section, runs) {
    if (!runs.length) { show(section, h("h1", {}, "Beads"), h("p", { class: "muted" }, "There is no bead run in beads.csv.")); return; }
    const order = { failed: 0, review: 1, ok: 2 };
    const kept = runs.filter((r) => !Beads.filter || r.status === Beads.filter || r.lab === Beads.filter).sort((a, b) => order[a.status] - order[b.status] || a.place - b.place);
    const pages = Math.max(Math.ceil(kept.length / Beads.perPage), 1);
    Beads.page = Math.min(Beads.page, pages - 1);
    const some = kept.slice(Beads.page * Beads.perPage, (Beads.page + 1) * Beads.perPage);
    const turn = (by, words, usable) => h("button", { class: "plain", disabled: !usable, onclick: () => { Beads.page += by; Beads.draw(section, runs); } }, words);
    const labs = [...new Set(runs.map((r) => r.lab))].sort();
    show(section, h("h1", {}, "Beads"),
      h("p", { class: "muted" }, "Each line turns PE into antibodies. A good R² says little with four levels: look at the slope and at each level's recovery. ", h("button", { class: "plain", type: "button", onclick: () => document.getElementById("drift").scrollIntoView() }, "Over time ↓")),
      h("div", { class: "filters" }, h("label", {}, "Show", h("select", { onchange: (e) => { Beads.filter = e.target.value; Beads.page = 0; Beads.draw(section, runs); } },
        h("option", { value: "" }, "all bead runs"), ["failed", "review", "ok", ...labs].map((w) => h("option", { value: w, selected: Beads.filter === w }, w))))),
      h("div", { class: "cards beadcards" }, some.map(Beads.card)),
      pages > 1 ? h("div", { class: "pager" }, `${some.length} of ${kept.length} bead runs`, turn(-1, "← Previous", Beads.page > 0), turn(1, "Next →", Beads.page < pages - 1)) : null,
      h("div", { id: "drift" }));
    HL.get("drift", (series) => Beads.drift(document.getElementById("drift"), series), () => {});
  },

  card(run) {
    return h("div", { class: "card", id: "bead-" + run.place }, h("h3", {}, h("a", { href: link("bead", run.bead_id) }, run.bead_id), " ", badge(run.status)),
      h("p", { class: "small muted" }, `${run.lab}, ${run.kit}, lot ${run.lot}${has(run.acquired) ? ", " + run.acquired.slice(0, 10) : ""}; ${counted(run.tubes.length, "tube")}`),
      run.reason ? h("p", { class: "note " + run.status }, sentence(run.reason)) : null, beadLine(run), Beads.levels(run));
  },

  levels(run) {
    return h("div", { class: "levels" }, h("p", { class: "small" }, has(run.slope) ? `slope ${run.slope.toFixed(3)}, R² ${has(run.r_squared) ? run.r_squared.toFixed(4) : "–"}, largest recovery error ${percent(run.max_recovery_error_percent)}` : "no line", has(run.pe_voltage) ? `, PE voltage ${upTo(run.pe_voltage, 1)} V` : ""),
      run.levels.length ? h("table", { class: "small" }, h("thead", {}, h("tr", {}, ["level", "assigned", "PE", "events", "CV", "recovery"].map((w) => h("th", { class: "num" }, w)))),
        h("tbody", {}, run.levels.map((l) => h("tr", {}, h("td", { class: "num" }, l.level), h("td", { class: "num" }, has(l.value) ? whole(l.value) : "blank"), h("td", { class: "num" }, peText(l.pe)), h("td", { class: "num" }, whole(l.events)), h("td", { class: "num" }, percent(l.cv_percent)),
          h("td", { class: "num" }, l.used !== false ? percent(l.recovery_percent) : has(l.pe) ? "not used" : "not found"))))) : null);
  },

  one(section, id) {
    HL.get("beads", (runs) => {
      const run = runs.find((r) => r.bead_id === id);
      if (!run) { show(section, h("h1", {}, "There is no such bead run")); return; }
      const flags = HL.data.meta.flags;
      show(section, 
        h("div", { class: "tubehead" }, h("h1", {}, run.bead_id), badge(run.status), h("span", { class: "muted" }, `${run.lab}, ${run.kit}, lot ${run.lot}${has(run.acquired) ? ", acquired " + moment(run.acquired) : ""}`), h("span", { class: "nav" }, h("a", { class: "chip", href: "#beads" }, "all bead runs"))),
        ...run.findings.map((f) => h("div", { class: "note " + f.status }, h("b", {}, `${SIGNS[f.status]} ${sentence(f.sentence)}. `), adds(f.sentence, (flags[f.code] || [""])[0]), " ", h("b", {}, "What to do: "), (flags[f.code] || ["", ""])[1], " ", h("span", { class: "code" }, f.code))),
        run.picture ? [h("h2", {}, "Peaks"), h("div", { class: "scroll" }, picture(run.picture, (HL.data.beadthumbs || {})[id], `Peaks of ${id}`, "picture"))] : "",
        h("div", { class: "two" }, h("div", {}, h("h2", {}, "Line"), beadLine(run, 560, 360)), h("div", {}, h("h2", {}, "Recovery of each level"), Beads.levels(run),
          run.models.length ? [h("h3", {}, "Other ways to draw the line"), h("table", {}, h("thead", {}, h("tr", {}, h("th", {}, "model"), h("th", { class: "num" }, `what reads ${whole(HL.data.meta.sip)} by the line`))), h("tbody", {}, run.models.map((m) => h("tr", {}, h("td", {}, m.name), h("td", { class: "num" }, whole(m.reads))))))] : null,
          h("h3", {}, "Tubes that use it"), run.tubes.length ? h("p", { class: "chips" }, run.tubes.slice(0, 200).map((t) => h("a", { class: "chip", href: link("tube", t) }, t))) : h("p", { class: "muted" }, "None."))));
    }, () => show(section, h("p", { class: "gone" }, "The bead runs are in the folder “report” beside this page.")));
  },

  // One row of charts for each cytometer and lot; with a laboratory chosen above, its own only.
  drift(place, series) {
    const kept = series.filter((c) => !has(Beads.filter) || SIGNS[Beads.filter] || c.lab === Beads.filter);
    if (!kept.length) return;
    const groups = Map.groupBy ? Map.groupBy(kept, (c) => c.group) : kept.reduce((m, c) => m.set(c.group, [...(m.get(c.group) || []), c]), new Map());
    show(place, h("h2", {}, "Bead runs over time", h("small", {}, "Levey-Jennings charts: each point is a run, the orange lines lie three standard deviations from the mean (none before there are enough runs), an orange point broke a rule")),
      [...groups].map(([name, charts]) => [h("h3", {}, name), h("div", { class: "cards" }, charts.map((c) => h("div", {}, leveyJennings(c.points, { title: c.title, unit: c.unit, width: 262, height: 128 }))))]));
  },
};
HL.pages.beads = { build: Beads.build };
HL.pages.bead = { build: Beads.one, tab: "beads" };
