// Routes and keys. A page is the part of the address behind #, so that "back" works and a tube can be linked to.
function route() {
  const [name, ...rest] = location.hash.slice(1).split("=");
  const page = document.getElementById("page-" + name) ? name : "today";
  let id = rest.join("=");
  try { id = decodeURIComponent(id); } catch { /* a broken address shows the page without its id */ }
  document.querySelectorAll("main > section").forEach((section) => { section.hidden = section.id !== "page-" + page; });
  const tab = (HL.pages[page] && HL.pages[page].tab) || page;
  document.querySelectorAll("nav.tabs a").forEach((a) => { if (a.hash === "#" + tab) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current"); });
  HL.page = page;
  const section = document.getElementById("page-" + page);
  if (HL.pages[page]) HL.pages[page].build(section, id);
  document.title = `${id || (document.querySelector("nav.tabs a[aria-current]") || {}).textContent || "Today"} – ${HL.data.meta.study}`;
  scrollTo(0, 0);
}
addEventListener("hashchange", route);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key === "Enter" && /^(A|BUTTON)$/.test(event.target.tagName)) return;
  const page = HL.pages[HL.page];
  if (page && page.key && page.key(event)) event.preventDefault();
});
// On the first page, values stand in the page itself; their little charts are drawn from attributes.
document.querySelectorAll("iv-bar").forEach((place) => {
  const [abc, low, high] = place.dataset.v.split(",").map((v) => (v === "" ? null : Number(v)));
  place.replaceChildren(intervalBar(abc, low, high, 150));
});
document.querySelectorAll("[data-thumb]").forEach((place) => { Tubes.all(); place.replaceChildren(thumbnail(Tubes.byId.get(place.dataset.thumb))); });
document.querySelectorAll("[data-filter]").forEach((a) => a.addEventListener("click", () => { Tubes.filters = JSON.parse(a.dataset.filter); if (a.dataset.worst) { Tubes.sort = a.dataset.worst; Tubes.down = true; } Tubes.page = 0; Tubes.picked = null; }));
document.querySelectorAll("[data-copy]").forEach((button) => button.addEventListener("click", () => {
  const chosen = getSelection();
  chosen.selectAllChildren(document.getElementById(button.dataset.copy));
  button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
}));
// The address names the page, so that a jump within it must not change it.
document.querySelector("a.skip").addEventListener("click", (event) => { event.preventDefault(); document.querySelector("main").focus(); });
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
document.querySelectorAll("lab-strip").forEach((place) => HL.labs(place));
route();
