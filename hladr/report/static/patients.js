// Courses: AB/C and ferritin of each patient over the days of draw, small on the overview and large on a page of their own.
const Patients = {
  perPage: 24, page: 0, filters: {},

  all() { return (Patients.rows ||= records(HL.data.patients)); },

  build(section) {
    const choose = (name, label, options) => h("label", {}, label, h("select", { name, onchange: Patients.refilter }, h("option", { value: "" }, "all"), options.map(([v, w]) => h("option", { value: v, selected: Patients.filters[name] === v }, w))));
    show(section, h("h1", {}, "Patients"), h("p", { class: "muted" }, "AB/C and ferritin over the days of draw. Orange: the limit of the call; blue dots: the limit of reversal. Open circle: under review; bar with two ends: a range; arrow: known only to lie above or below; ×: no value; green line: the day of reversal."),
      h("form", { class: "filters", onsubmit: (e) => e.preventDefault() }, h("label", {}, "Patient", h("input", { type: "search", name: "text", value: Patients.filters.text, oninput: Patients.refilter })),
        choose("call", "Baseline call", ["MALS", "SIP", "unclassified", "indeterminate"].map((w) => [w, w])),
        choose("reversal", "Reversal", [["attained", "attained"], ["not_attained", "not attained"], ["not_applicable", "not applicable"]])),
      h("div", { id: "patient-cards" }));
    Patients.draw();
  },

  refilter(event) { Patients.filters[event.target.name] = event.target.value; Patients.page = 0; Patients.draw(); },

  draw() {
    const f = Patients.filters, kept = Patients.all().filter((p) => (!f.text || p.id.toLowerCase().includes(f.text.toLowerCase())) && (!f.call || p.baseline === f.call) && (!f.reversal || p.reversal === f.reversal));
    const pages = Math.max(Math.ceil(kept.length / Patients.perPage), 1);
    Patients.page = Math.min(Patients.page, pages - 1);
    const some = kept.slice(Patients.page * Patients.perPage, (Patients.page + 1) * Patients.perPage);
    const cards = some.map((p) => h("a", { class: "card", href: link("patient", p.id) }, h("h3", {}, p.id), h("p", { class: "small muted" }, Patients.verdict(p)), h("div", { class: "course" }, "…")));
    const turn = (by, words, usable) => h("button", { class: "plain", disabled: !usable, onclick: () => { Patients.page += by; Patients.draw(); scrollTo(0, 0); } }, words);
    show(document.getElementById("patient-cards"), h("div", { class: "cards" }, cards),
      h("div", { class: "pager" }, `${whole(some.length)} of ${counted(kept.length, "patient")}`, pages > 1 ? [turn(-1, "← Previous", Patients.page > 0), turn(1, "Next →", Patients.page < pages - 1)] : null));
    some.forEach((p, k) => HL.get(p.block, (block) => cards[k].querySelector(".course").replaceChildren(...Patients.charts(p, block[p.id], false)), () => cards[k].querySelector(".course").replaceChildren("The course is in the folder “report” beside this page.")));
  },

  verdict: (p) => `baseline ${p.baseline}; reversal ${String(p.reversal).replace("_", " ")}${has(p.reversal_day) ? " on day " + p.reversal_day : ""}`,

  charts(p, draws, big) {
    const { meta } = HL.data, days = draws.map((d) => d.day), ends = [Math.min(...days, meta.baseline_day), Math.max(...days, meta.baseline_day + 1)];
    const size = big ? { width: 620, height: 270, big } : { width: 290, height: 112 };
    // every day of draw is a tick, as far as the numbers do not run into each other
    const far = (a, b) => ((b - a) / (ends[1] - ends[0])) * (size.width - 60) >= 17;
    const dayTicks = [...new Set(days)].reduce((kept, d) => (kept.length && !far(kept[kept.length - 1], d) ? kept : [...kept, d]), []);
    const abc = draws.filter((d) => has(d.abc) || d.tube).map((d) => ({ day: d.day, value: d.abc, low: has(d.abc) ? d.low : null, high: has(d.abc) ? d.high : null, doubt: d.status !== "ok", words: has(d.abc) ? `${abcText(d.abc)} AB/C, ${d.call}` : `no AB/C, ${d.call}` }));
    const ferritin = draws.filter((d) => has(d.f) || has(d.f_low) || has(d.f_high)).map((d) => ({ day: d.day, value: d.f, low: has(d.f) ? null : d.f_low, high: has(d.f) ? null : d.f_high, words: ferritinText(d) }));
    const baseline = draws.find((d) => d.day === meta.baseline_day);
    const fall = p.baseline === "MALS" && baseline && has(baseline.f) ? [{ value: baseline.f * meta.ferritin_share, name: `${upTo(100 * meta.ferritin_share, 0)} % of baseline`, className: "limit2" }] : [];
    const common = { ...size, days: ends, dayTicks };
    // the day of reversal stands on the chart of the marker that decided it
    const mark = (call) => (p.baseline === call && has(p.reversal_day) ? { day: p.reversal_day, words: `reversal, day ${p.reversal_day}` } : null);
    return [
      abc.length ? courseChart(abc, { ...common, unit: "AB/C (antibodies per cell)", mark: mark("SIP"), limits: [{ value: meta.sip, name: `SIP below ${whole(meta.sip)}` }, { value: meta.reversal, name: `reversal above ${whole(meta.reversal)}`, className: "limit2" }] }) : h("p", { class: "small muted" }, "No AB/C."),
      ferritin.length ? courseChart(ferritin, { ...common, unit: "ferritin (ng/mL)", mark: mark("MALS"), limits: [{ value: meta.mals, name: `MALS above ${whole(meta.mals)}` }, ...fall] }) : h("p", { class: "small muted" }, "No ferritin."),
    ];
  },

  one(section, id) {
    const p = Patients.all().find((x) => x.id === id);
    Tubes.all();
    if (!p) { show(section, h("h1", {}, "There is no such patient")); return; }
    const draw = (block) => {
      const draws = block[id];
      show(section, h("div", { class: "tubehead" }, h("h1", {}, `Patient ${id}`), h("span", { class: "muted" }, Patients.verdict(p)), h("span", { class: "nav" }, h("a", { class: "chip", href: "#patients" }, "all patients"))),
        h("p", {}, p.reason), h("div", { class: "two courses" }, Patients.charts(p, draws, true).map((c) => h("div", {}, c))),
        h("h2", {}, "Draws"), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["Day", "Status", "Call", "AB/C", "95 % interval", "Ferritin, ng/mL", "Probability of the call", "Why", "Tubes"].map((w, k) => h("th", { class: k === 0 || k === 3 || k === 6 ? "num" : "" }, w)))),
          h("tbody", {}, draws.map((d) => h("tr", {}, h("td", { class: "num" }, d.day), h("td", {}, badge(d.status)), h("td", {}, d.call, d.borderline ? [" ", h("span", { class: "st review" }, "borderline")] : null), h("td", { class: "num" }, abcText(d.abc)), h("td", { class: "nowrap" }, has(d.low) ? `${whole(d.low)} to ${whole(d.high)}` : "–"),
            h("td", {}, ferritinText(d)), h("td", { class: "num" }, d.call === "MALS" ? "100 %" : chance(d.p)), h("td", { class: "reason" }, d.reason), h("td", { class: "nowrap" }, (d.tube || "").split(";").filter(has).map((t) => [tubeLink(t), " ", (Tubes.byId.get(t) || {}).gate === "override" ? [badge("plain", "reviewer’s gate"), " "] : null])))))),
        h("p", { class: "small muted" }, `Probability of the call: that AB/C lies on the side of ${whole(HL.data.meta.sip)} on which the call puts it, given its 95 % interval; 100 % where ferritin alone decides.`)));
    };
    HL.get(p.block, draw, () => show(section, h("p", { class: "gone" }, "The course is in the folder “report” beside this page.")));
  },
};
function ferritinText(d) {
  const write = (v) => besides(v, [HL.data.meta.mals], 1);
  if (has(d.f)) return write(d.f);
  if (has(d.f_low) && has(d.f_high)) return `${write(d.f_low)} to ${write(d.f_high)}`;
  if (has(d.f_low)) return `above ${write(d.f_low)}`;
  return has(d.f_high) ? `below ${write(d.f_high)}` : "–";
}
HL.pages.patients = { build: Patients.build };
HL.pages.patient = { build: Patients.one, tab: "patients" };
