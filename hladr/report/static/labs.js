// AB/C of each laboratory as a strip of points on one logarithmic axis.
HL.labs = (place) => {
  const groups = HL.data.labs.filter((g) => g.values.length), { sip, reversal } = HL.data.meta;
  if (!groups.length) { place.replaceChildren(h("p", { class: "muted" }, "No values.")); return; }
  const values = groups.flatMap((g) => g.values), low = Math.min(...values, sip) / 1.3, high = Math.max(...values, reversal) * 1.3;
  const row = 46, left = 130, right = 1080, top = 22, bottom = top + row * groups.length, px = logPlace(low, high, left, right);
  const parts = [line(left, bottom, right, bottom, "axis")];
  for (const v of logTicks(low, high)) parts.push(line(px(v), bottom, px(v), bottom + 5, "axis"), text(px(v), bottom + 18, whole(v), "middle", "m"));
  [[sip, "limit"], [reversal, "limit2"]].forEach(([v, name]) => parts.push(line(px(v), top - 4, px(v), bottom, name), text(px(v), top - 8, whole(v), "middle", "m")));
  groups.forEach((g, k) => {
    const y = top + row * k + row / 2;
    parts.push(text(left - 12, y + 4, g.lab.length > 20 ? g.lab.slice(0, 19) + "…" : g.lab, "end"));
    g.values.forEach((v, n) => parts.push(s("circle", { cx: px(v), cy: y + (((n * 7) % 13) - 6) * 1.9, r: 3, fill: "#0b5a75", opacity: 0.55 })));
    parts.push(line(px(g.median), y - 17, px(g.median), y + 17, "", { stroke: "#1d2b33", "stroke-width": 3 }));
  });
  parts.push(text((left + right) / 2, bottom + 36, "antibodies per cell (AB/C)"));
  place.replaceChildren(svg(1100, bottom + 44, "AB/C by laboratory", ...parts));
};
