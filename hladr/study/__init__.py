"""The study folder: tables and configuration in, typed rows or all problems out.

This runs at every start of the workflow and in every job, so it imports little and looks at every distinct cell once.
"""

from collections.abc import Mapping
from pathlib import Path

from .columns import Columns
from .config import read_config, schema
from .ferritin import ferritin_of
from .labs import read_labs
from .optional import check_arms, check_named_ids, check_windows, outcomes_of, overrides_of, releases_of
from .paths import CellError, check_links, study_path
from .problems import Collector, Phrase, Problem, StudyError
from .rows import bead_runs_of, lots_of, tubes_of
from .tables import find_table, read_table
from .types import BeadRun, FerritinValue, Level, Outcome, Override, Release, Study, Tube, file_stem
from .yaml import line_of

__all__ = [
    "BeadRun",
    "FerritinValue",
    "Level",
    "Outcome",
    "Override",
    "Problem",
    "Release",
    "Study",
    "StudyError",
    "Tube",
    "file_stem",
    "load_study",
]

REQUIRED_TABLES = ("samples", "beads", "bead_lots", "ferritin")
OPTIONAL_TABLES = {"overrides": "overrides/overrides.csv", "releases": "releases.csv", "outcomes": "outcomes.csv"}


def load_study(folder: str | Path, config_overrides: Mapping | None = None) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : path
        The study.
    config_overrides : mapping, optional
        Settings laid over the study's own, nested as in config.yaml. Snakemake's merged `config` may be handed over.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        With all problems at once. FCS files are not looked at.
    """
    folder = Path(folder)
    problems = Collector()
    if not folder.is_dir():
        remedy = "hladr init STUDY writes an empty one"
        problems.add(folder.name or "study", None, None, Phrase("no such folder"), "a study folder", remedy)
        raise StudyError(problems.all())
    config, stated, lines = read_config(folder, config_overrides, problems)
    paths = _table_paths(folder, config, stated, lines, problems)
    files = {"config": "config.yaml", "labs": paths.get("labs", "")}

    def columns(name: str) -> Columns | None:
        if name not in paths:
            return None
        table = read_table(folder, paths[name], problems, schema(name)["required"], name)
        if table is None:
            return None
        files[name] = paths[name]
        found = Columns(table, name, problems)
        if "fcs" in found.values:
            rows = zip(found.numbers, found.values["fcs"], strict=True)
            check_links(folder, table.label, "fcs", rows, problems)
        return found

    labs = read_labs(folder, paths["labs"], problems) if "labs" in paths else None
    runs = bead_runs_of(columns("beads"), labs, problems)
    tubes = tubes_of(columns("samples"), labs, runs, problems)
    lots = lots_of(columns("bead_lots"), problems)
    ferritin = ferritin_of(columns("ferritin"), labs, tubes, problems)
    overrides = overrides_of(folder, columns("overrides"), tubes, problems)
    releases = releases_of(columns("releases"), tubes, problems)
    outcomes = outcomes_of(columns("outcomes"), problems)
    check_arms(config, lines, tubes, outcomes, files, problems)
    check_named_ids(config, lines, labs, runs, tubes, problems)
    check_windows(config, lines, runs, lots, problems)
    if problems:
        raise StudyError(problems.all())
    return Study(folder, config, labs, tubes, runs, lots, ferritin, overrides, releases, outcomes, files)


def _table_paths(
    folder: Path, config: Mapping, stated: frozenset[str], lines: Mapping, problems: Collector
) -> dict[str, str]:
    """Find every table: a path that leaves the study is a problem, an optional table may be absent."""
    paths = {}
    for name in (*REQUIRED_TABLES, "labs"):
        given = config["tables"][name]
        try:
            path = study_path(given)
        except CellError as mistake:
            row = line_of(lines, ("tables", name))
            problems.add("config.yaml", row, f"tables.{name}", given, mistake.expected, mistake.remedy)
            continue
        paths[name] = path if name == "labs" else find_table(folder, path, name in stated, problems)
    for name, default in OPTIONAL_TABLES.items():
        path = find_table(folder, default, False, problems)
        if (folder / path).exists():
            paths[name] = path
    return paths
