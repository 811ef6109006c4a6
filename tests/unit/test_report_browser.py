"""The report in a real browser without a screen: every page opens without an error, filters and keys work."""

import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report_support import chromium, probe, sheets, write_study


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    chromium()
    folder = tmp_path_factory.mktemp("browser")
    write_study(folder, 130, patient="P<b>{:03d}</b>")  # more than fits into one page of the table or of the file
    return folder / "results" / "report.html"


def test_every_page_opens(report, tmp_path):
    found = probe(
        report,
        """
        const patient = "patient=" + encodeURIComponent("P<b>003</b>");
        for (const hash of ["today", "tubes", "beads", "patients", "labs", "methods", "tube=S00012", "tube=S00005",
                            "bead=B-athens-000", patient, "tube=nobody", "%E0%A4%A"]) {
          await visit(hash);
          const shown = [...document.querySelectorAll("main > section")].filter((s) => !s.hidden);
          out[hash] = [shown.map((s) => s.id).join(), shown.map((s) => s.innerText).join()];
        }
        out.wide = document.documentElement.scrollWidth;
        out.broken = [...document.images].filter((i) => i.complete && !i.naturalWidth).length;
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert found["broken"] == 0
    assert found["wide"] <= 1366
    pages = {
        "today": "What to fix first",
        "tubes": "100 of 130 tubes",
        "beads": "slope",
        "patients": "antibodies per cell",
    }
    pages |= {"labs": "Median slope", "methods": "MIFlowCyt"}
    for page, words in pages.items():
        assert found[page][0] == f"page-{page}"
        assert words in found[page][1]
    assert "May be released" in found["tube=S00012"][1]
    assert "What else AB/C could be" in found["tube=S00012"][1]
    assert "Export" not in found["tube=S00012"][1]
    assert "Copy or export the file again" in found["tube=S00005"][1]
    assert "Recovery of each level" in found["bead=B-athens-000"][1]
    assert "Patient P<b>003</b>" in found["patient=P%3Cb%3E003%3C%2Fb%3E"][1]
    assert "There is no such tube" in found["tube=nobody"][1]
    assert found["%E0%A4%A"][0] == "page-today"
    assert not any(
        "object HTML" in words or "undefined" in words or "NaN" in words for _, words in list(found.values())[:12]
    )


def test_an_override_is_shown_beside_the_automatic_gate(report, tmp_path):
    found = probe(
        report,
        """
        await visit("tube=S00013");
        out.both = [...document.querySelectorAll("#both-gates tr")].map((r) => [...r.cells].map((c) => c.innerText));
        out.notes = text("#file-notes");
        await visit("tubes"); await choose("gate", "override");
        const rows = [...document.querySelectorAll("#tube-table tr[data-id]")];
        out.override = rows.map((r) => [r.dataset.id, r.cells[1].innerText]);
        await choose("gate", "");
        await visit("today"); out.counted = text("#overrides");
        await visit("tube=S00012");
        out.none = document.querySelector("#both-gates") || document.querySelector("#file-notes");
        """,
        tmp_path,
    )
    assert found["errors"] == []
    both = {row[0]: row[1:] for row in found["both"]}
    assert both[""][:2] == ["Automatic gate", "Reviewer’s gate"]
    assert both["counts"][:2] == ["no", "yes"]
    assert both["monocytes"][0] == "1,300"
    assert both["share of leukocytes"][0] == "5.0 %"
    assert both["median PE"][2] == "−20.0 %"  # from 1.25 times the reviewer's
    assert (both["drawn by"][1], both["on"][1], both["because"][1]) == ("C. Seer", "2026-02-01", "it cuts dim cells")
    assert found["notes"].split("\n")[0] == "The FCS 3.0 data set of a Beckman file was read."
    assert found["none"] is None
    assert "S00013" in [row[0] for row in found["override"]]
    assert all("reviewer’s gate" in row[1] for row in found["override"])
    n = len(found["override"])
    assert found["counted"] == f"{n} tube{'s' if n != 1 else ''} with a reviewer’s gate"


def test_the_day_of_reversal_is_marked_on_the_chart_that_decides(finished_demo, tmp_path):
    found = probe(
        finished_demo / "results" / "report.html",
        """
        for (const patient of ["ATH-001", "ATH-003"]) {
          await visit("patient=" + patient);
          out[patient] = [...document.querySelectorAll("#page-patient .two svg")].map((e) => e.textContent);
        }
        """,
        tmp_path,
    )
    assert found["errors"] == []
    # by the truth of the demo, one has MALS and the other SIP at baseline: reversal.csv
    (abc, ferritin), (abc_sip, ferritin_sip) = found["ATH-001"], found["ATH-003"]
    assert "reversal, day 2" in ferritin
    assert "85 % of baseline" in ferritin
    assert "reversal, day" not in abc
    assert "reversal, day 7" in abc_sip
    assert "reversal, day" not in ferritin_sip
    assert "85 % of baseline" not in ferritin_sip


def test_filters_sorting_and_paging(report, tmp_path):
    found = probe(
        report,
        """
        await visit("tubes");
        const rows = () => [...document.querySelectorAll("#tube-table tr[data-id]")];
        const ids = () => rows().map((r) => r.dataset.id);
        const values = () => rows().map((r) => Number(r.cells[7].innerText.replace(/,/g, "")));
        out.first = ids().length;
        [...document.querySelectorAll(".pager button")].pop().click(); await wait(50);
        out.second = ids().length;
        await choose("status", "failed");
        out.failed = [...new Set(rows().map((r) => r.cells[1].innerText))];
        await choose("status", "");
        await choose("lab", "jena");
        out.labs = [...new Set(rows().map((r) => r.cells[5].innerText))];
        await choose("lab", "");
        await choose("status", "borderline");
        out.borderline = ids().length && rows().every((r) => r.cells[10].innerText.includes("borderline"));
        await choose("status", "");
        await choose("flag", "truncated_fcs");
        out.flag = ids();
        await choose("flag", "");
        await choose("least", "9000");
        out.least = Math.min(...values());
        await choose("least", "");
        await choose("text", "s00042");
        out.text = ids();
        await choose("text", "");
        document.querySelector("[data-sort=abc]").click(); await wait(50);
        out.rising = values().every((v, k, all) => !k || all[k - 1] <= v);
        document.querySelector("[data-sort=abc]").click(); await wait(50);
        out.falling = values().every((v, k, all) => !k || all[k - 1] >= v);
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert (found["first"], found["second"]) == (100, 30)
    assert found["failed"] == ["✕ failed"]
    assert found["labs"] == ["jena"]
    assert sorted(found["flag"]) == ["S00005", "S00058", "S00111"]
    assert found["borderline"] is True
    assert found["least"] >= 9000
    assert found["text"] == ["S00042"]
    assert found["rising"]
    assert found["falling"]


def test_states_of_release_and_gates_are_badges_and_filters(finished_demo, tmp_path):
    found = probe(
        finished_demo / "results" / "report.html",
        """
        await visit("tube=JEN-002-d4"); out.replaced = text("#page-tube");
        out.newer = document.querySelector("#page-tube .note a").hash;
        out.apart = text("#apart");
        await visit("tube=CTRL-jena"); out.control = text("#page-tube");
        out.limits = document.querySelectorAll("#page-tube svg .limit, #page-tube svg .limit2").length;
        await visit("tube=ATH-001-d1");
        const chart = [...document.querySelectorAll("#page-tube svg")].pop();
        const boxes = [...chart.querySelectorAll("text")].map((e) => e.getBoundingClientRect());
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1;
        const overlap = (a, b) => meet(a, b) && a.top < b.bottom - 3 && b.top < a.bottom - 3;
        out.collide = boxes.filter((a, k) => boxes.slice(k + 1).some((b) => overlap(a, b))).length;
        out.names = chart.textContent;
        await visit("tubes");
        const rows = () => [...document.querySelectorAll("#tube-table tr[data-id]")];
        await choose("release", "superseded"); out.superseded = rows().map((r) => [r.dataset.id, r.cells[1].innerText]);
        await choose("release", "control"); out.controls = rows().map((r) => r.dataset.id).sort();
        await choose("release", ""); await choose("gate", "override"); out.override = rows().length;
        await choose("gate", ""); await choose("text", "UTR-001-d2");
        out.why = rows()[0].querySelector(".why").innerText;
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert "Replaced by JEN-002-d4r. Do not release." in found["replaced"]
    assert "May be released" not in found["replaced"]
    assert "What to do" not in found["replaced"]
    assert found["newer"] == "#tube=JEN-002-d4r"
    assert re.fullmatch(r"Beads [\d.]+ h before the tube \(limit 24 h\)\.", found["apart"])
    assert "No call is made of it" in found["control"]
    assert "May be released" not in found["control"]
    assert found["limits"] == 0
    assert found["collide"] == 0
    assert all(words in found["names"] for words in ("median", "SIP below 5,000", "reversal above 8,000"))
    assert [row[0] for row in found["superseded"]] == ["JEN-002-d4"]
    assert "replaced" in found["superseded"][0][1]
    assert found["controls"] == ["CTRL-athens", "CTRL-jena"]
    assert found["override"] == 0
    assert found["why"].split("\n")[0].startswith("357 monocytes were found")
    assert "few_monocytes" in found["why"]


def test_numbers_are_written_alike_and_never_rounded_to_certainty(report, tmp_path):
    found = probe(
        report,
        """
        out.percent = [2, 0.84, 100, null].map((v) => percent(v));
        out.chance = [0, 0.0004, 0.02, 0.9996, 1, null].map(chance);
        out.pe = [382.24, 8.12345, 39687.7, 220940.3].map(peText);
        out.adds = [adds("There is no file", "There is no file, and no number."), adds("55 were found", "Too few.")];
        const range = { day: 2, value: null, low: 1097, high: 1104, words: "range" };
        const options = { days: [1, 2], dayTicks: [1, 2], unit: "ferritin", limits: [] };
        const paths = (point) => [...courseChart([point], options).querySelectorAll("path.data")];
        const drawn = (point) => paths(point).pop().getAttribute("d");
        out.range = drawn(range); out.above = drawn({ ...range, high: null });
        await visit("tubes"); document.querySelector("a.skip").click(); await wait(50);
        out.skip = [location.hash, document.activeElement.id];
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert found["percent"] == ["2.0 %", "0.8 %", "100.0 %", "–"]
    assert found["chance"] == ["< 0.1 %", "< 0.1 %", "2.0 %", "> 99.9 %", "> 99.9 %", "–"]
    assert found["pe"] == ["382.2", "8.123", "39,688", "220,940"]
    assert found["adds"] == [None, "Too few."]
    assert (found["range"].count("h8"), found["range"].count("l4")) == (2, 0)  # two ends
    assert (found["above"].count("h8"), found["above"].count("l4")) == (1, 2)  # an end and the tip of an arrow
    assert found["skip"] == ["#tubes", "content"]


def test_the_numbers_of_an_axis_differ(report, tmp_path):
    found = probe(
        report,
        """
        for (const [low, high] of [[0.9957, 0.9969], [22490, 25643], [0, 1.7], [-1.329, -1.32], [6.2, 7.5]]) {
          const { ticks, digits } = linTicks(low, high);
          out[low] = [ticks.length, new Set(ticks.map((v) => v.toFixed(digits))).size, Math.min(...ticks) >= low];
        }
        await visit("beads"); await wait(200);
        out.charts = document.querySelectorAll("#drift svg").length;
        """,
        tmp_path,
    )
    assert found.pop("errors") == []
    assert found.pop("charts") > 0
    assert all(2 <= n <= 7 and n == different and inside for n, different, inside in found.values())


def test_keys_walk_through_the_tubes(report, tmp_path):
    found = probe(
        report,
        """
        await visit("tubes");
        const order = [...document.querySelectorAll("#tube-table tr[data-id]")].map((r) => r.dataset.id);
        press("j"); press("j"); press("k"); await wait(50);
        out.picked = document.querySelector("tr.pick").dataset.id === order[0];
        press("Enter"); await wait(250);
        out.opened = decodeURIComponent(location.hash) === "#tube=" + order[0];
        press("j"); await wait(250);
        out.next = decodeURIComponent(location.hash) === "#tube=" + order[1];
        press("k"); await wait(250);
        out.back = decodeURIComponent(location.hash) === "#tube=" + order[0];
        const ok = Tubes.shown().find((t) => t.status === "ok" && !t.borderline);
        await visit("tube=" + ok.id);
        press("d"); await wait(250);
        const after = Tubes.shown().slice(Tubes.shown().indexOf(ok) + 1).find(Tubes.doubtful);
        out.doubtful = !after || location.hash === "#tube=" + after.id;
        press("u"); await wait(250);
        out.list = location.hash;
        const box = document.getElementById("tube-search");
        press("/"); await wait(50);
        out.search = document.activeElement === box;
        box.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
        out.typed = location.hash;
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert [found[name] for name in ("picked", "opened", "next", "back", "doubtful", "search")] == [True] * 6
    assert (found["list"], found["typed"]) == ("#tubes", "#tubes")


def test_a_small_study_travels_as_one_page(tmp_path):
    chromium()
    write_study(tmp_path / "from", 20)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tmp_path / "from" / "results" / "report.html", alone)
    found = probe(
        alone / "report.html",
        """
        await visit("tubes"); await wait(300);
        out.thumbs = [...document.querySelectorAll("#tube-table .thumb img")].filter((i) => i.naturalWidth > 0).length;
        await visit("tube=S00012"); await wait(300);
        out.picture = document.querySelector("img.picture").naturalWidth;
        out.tube = text("#page-tube");
        await visit("beads"); out.lines = document.querySelectorAll("#page-beads .card svg").length;
        await visit("patients"); out.courses = document.querySelectorAll("#page-patients .card svg").length;
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert found["thumbs"] == 19  # one of the twenty files is truncated and has no picture
    assert found["picture"] > 600
    assert "PE of the monocytes" in found["tube"]
    assert found["lines"] == 3
    assert found["courses"] == 6


def test_a_large_study_says_where_its_details_are(report, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    page = report.read_text(encoding="utf-8")
    data = page.index('HL.put("beads"') if 'HL.put("beads"' in page else len(page)
    end = page.index('"use strict"', 0) if data == len(page) else page.index("// Small charts", data)
    # as if the study were too large to be inside: only the first blocks stay
    (alone / "report.html").write_text(page[:data] + page[end:] if data < len(page) else page, encoding="utf-8")
    found = probe(
        alone / "report.html", 'await visit("tube=S00012"); await wait(500); out.tube = text("#page-tube");', tmp_path
    )
    assert found["errors"] == []
    assert "in the folder “report” beside this page" in found["tube"]


def test_why_and_gates_are_in_view_on_a_small_screen(finished_demo, tmp_path):
    found = probe(
        finished_demo / "results" / "report.html",
        """
        await visit("tubes");
        for (const name of ["why", "gates"])
          out[name] = document.querySelector("#tube-table td." + name).getBoundingClientRect().right;
        """,
        tmp_path,
        size="1024,700",
    )
    assert found.pop("errors") == []
    assert max(found.values()) <= 1024


def test_tubes_are_sorted_by_the_doubt_of_their_gates(finished_demo, tmp_path):
    found = probe(
        finished_demo / "results" / "report.html",
        """
        await visit("tubes");
        const rows = () => [...document.querySelectorAll("#tube-table tr[data-id]")];
        const cells = () => rows().map((r) => r.querySelector(".gates").innerText.trim());
        out.first = rows()[0].cells[0].innerText;
        document.querySelector("[data-sort=doubt]").click(); await wait(50);
        out.falling = cells();
        const worst = rows()[0].dataset.id;
        await visit("tube=" + worst); press("j"); await wait(250);
        out.walked = location.hash;
        await visit("tubes"); out.second = rows()[1].dataset.id;
        document.querySelector("[data-sort=doubt]").click(); await wait(50);
        out.rising = cells();
        document.querySelector("[data-sort=rank]").click(); await wait(50);
        await visit("today"); document.querySelector("[data-worst=doubt]").click(); await wait(250);
        out.linked = rows()[0].dataset.id === worst;
        """,
        tmp_path,
    )
    assert found["errors"] == []
    assert found["first"] == "1"  # what endangers a decision most stays on top until another order is asked for
    known = [float(cell.removesuffix(" %")) for cell in found["falling"] if cell != "–"]
    assert len(known) > 40
    assert known == sorted(known, reverse=True)
    assert known[0] > 1
    assert set(found["falling"][len(known) :]) == {"–"}  # a file that cannot be read has no gate; it is last both ways
    assert found["rising"][: len(known)] == [cell for cell in reversed(found["falling"]) if cell != "–"]
    assert found["walked"] == f"#tube={found['second']}"
    assert found["linked"]


def test_six_bead_runs_and_six_groups_of_charts_fit_on_a_sheet(finished_demo, tmp_path):
    # 24 runs on a page of the list: 3 below its heading, then 6 a sheet, are 5 sheets; the charts of 4 laboratories,
    # one row for all lots and one for each of two lots, are 12 rows, and begin below the last runs: at most 2 more
    assert sheets(finished_demo / "results" / "report.html", "beads", tmp_path) <= 7


@pytest.mark.parametrize("size", ["620,900", "500,900"])
def test_narrow_windows_do_not_scroll_sideways(report, tmp_path, size):
    found = probe(
        report,
        """
        for (const page of ["today", "tube=S00012", "patient=" + encodeURIComponent("P<b>003</b>"), "methods", "beads",
                            "bead=B-athens-000", "labs"]) {
          await visit(page);
          out[page] = document.documentElement.scrollWidth - document.documentElement.clientWidth;
        }
        """,
        tmp_path,
        size=size,
    )
    assert found.pop("errors") == []
    assert max(found.values()) <= 1
