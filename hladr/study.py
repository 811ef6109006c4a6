"""The study folder: tables and configuration in, typed rows or all problems out.

This runs at every start of the workflow and in every job, so it imports little and looks at every distinct cell once.
"""

from collections.abc import Mapping
from pathlib import Path

from .problems import Collector, Problem, StudyError
from .study_columns import CellError, Columns, study_path
from .study_config import read_config
from .study_ferritin import ferritin_of
from .study_labs import read_labs
from .study_optional import check_arms, outcomes_of, overrides_of, releases_of
from .study_rows import bead_runs_of, lots_of, tubes_of
from .study_tables import find_table, read_table
from .study_types import BeadRun, FerritinValue, Level, Outcome, Override, Release, Study, Tube, file_stem
from .study_yaml import line_of

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
        problems.add(
            str(folder.name), None, None, "no such folder", "a study folder", "hladr init STUDY writes an empty one"
        )
        raise StudyError(problems.all())
    config, stated, lines = read_config(folder, config_overrides, problems)
    paths = _table_paths(folder, config, stated, lines, problems)
    files = {"config": "config.yaml", "labs": config["tables"]["labs"]}

    def columns(name: str) -> Columns | None:
        if name not in paths:
            return None
        table = read_table(folder, paths[name], problems)
        if table is None:
            return None
        files[name] = paths[name]
        return Columns(table, name, problems)

    labs = read_labs(folder, config["tables"]["labs"], problems)
    runs = bead_runs_of(columns("beads"), labs, problems)
    tubes = tubes_of(columns("samples"), labs, runs, problems)
    lots = lots_of(columns("bead_lots"), problems)
    ferritin = ferritin_of(columns("ferritin"), labs, tubes, problems)
    overrides = overrides_of(folder, columns("overrides"), tubes, problems)
    releases = releases_of(columns("releases"), tubes, problems)
    outcomes = outcomes_of(columns("outcomes"), problems)
    check_arms(config, lines, tubes, outcomes, files, problems)
    if problems:
        raise StudyError(problems.all())
    return Study(folder, config, labs, tubes, runs, lots, ferritin, overrides, releases, outcomes, files)


def _table_paths(
    folder: Path, config: Mapping, stated: frozenset[str], lines: Mapping, problems: Collector
) -> dict[str, str]:
    """Find every table: a path that leaves the study is a problem, an optional table may be absent."""
    paths = {}
    for name in (*REQUIRED_TABLES, "labs"):
        try:
            config["tables"][name] = study_path(config["tables"][name])
        except CellError as mistake:
            key = f"tables.{name}"
            row = line_of(lines, ("tables", name))
            problems.add("config.yaml", row, key, config["tables"][name], mistake.expected, mistake.remedy)
            continue
        if name != "labs":
            paths[name] = find_table(folder, config["tables"][name], name in stated, problems)
    for name, default in OPTIONAL_TABLES.items():
        path = find_table(folder, default, False, problems)
        if (folder / path).exists():
            paths[name] = path
    return paths
