"""Made-up studies for the tests of the report, from the benchmark that times it; and a browser without a screen."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def benchmark():
    """Import benchmarks/report.py, which is no package."""
    name = "report_benchmark"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / "report.py")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def write_study(folder: Path, n_tubes: int, patient: str = "P{:04d}", pictures: int = 1):
    """Write the results of a made-up study up to the report, and the report; returns the study."""
    from hladr.results import write_report

    made = benchmark()
    study = made.synthetic_study(n_tubes, patient=patient)
    made.write_results(study, folder / "results", pictures=[made.noise_picture(k) for k in range(pictures)])
    write_report(study, folder / "results")
    return study


def chromium() -> str:
    """Return a browser's command, or skip."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    return found


def sheets(page: Path, hash_: str, tmp_path: Path) -> int:
    """Print a page of the report and count the sheets of paper."""
    printed, profile = tmp_path / "printed.pdf", tmp_path / "profile"
    command = [chromium(), *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=8000"]
    command += [f"--print-to-pdf={printed}", f"{page.as_uri()}#{hash_}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    shutil.rmtree(profile, ignore_errors=True)
    assert printed.is_file(), done.stderr[-2000:]
    return len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))


PROBE_HEAD = """<script>
window.__errors = [];
window.note = (words) => window.__errors.push(String(words));
addEventListener("error", (e) => { if (!e.target || !e.target.src) note(e.message); }, true);
console.error = note;
</script>"""
PROBE_TAIL = """<script>
(async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const text = (s) => { const e = document.querySelector(s); return e ? e.innerText : null; };
  const press = (key) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const visit = async (hash) => { location.hash = hash; await wait(250); };
  const choose = async (name, value) => {
    const field = document.querySelector(`#tube-filters [name=${name}]`);
    field.value = value;
    field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
    await wait(50);
  };
  const out = {};
  try { await (async () => { %s })(); } catch (e) { note("probe: " + e); }
  out.errors = window.__errors;
  const pre = document.createElement("pre");
  pre.id = "probe";
  pre.textContent = JSON.stringify(out);
  document.body.append(pre);
})();
</script></body>"""


def probe(page: Path, script: str, tmp_path: Path, size: str = "1366,768") -> dict:
    """Open a copy of a page beside it, run a script in it, and return what it put into `out` and the errors."""
    html = page.read_text(encoding="utf-8")
    copy = page.with_name(f"probe-{os.getpid()}.html")  # test processes share a page
    html = html.replace("<head>", "<head>" + PROBE_HEAD, 1)
    copy.write_text(html.replace("</body>", PROBE_TAIL % script, 1), encoding="utf-8")
    profile = tmp_path / "profile"
    command = [chromium(), *FLAGS, f"--user-data-dir={profile}", f"--window-size={size}", "--virtual-time-budget=20000"]
    done = subprocess.run([*command, "--dump-dom", copy.as_uri()], capture_output=True, text=True, timeout=120)
    shutil.rmtree(profile, ignore_errors=True)
    copy.unlink()
    assert '<pre id="probe">' in done.stdout, done.stderr[-2000:]
    return json.loads(unescape(done.stdout.split('<pre id="probe">')[1].split("</pre>")[0]))
