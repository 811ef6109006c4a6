"""The commands. Each imports what it needs when it is called, so that `hladr --help` answers at once."""

import argparse
import sys
from pathlib import Path

from . import RESEARCH_USE, __version__


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1, or 2 for problems in tables, configuration or usage."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command != "run":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    arguments.snakemake = rest
    try:
        return arguments.call(arguments)
    except KeyboardInterrupt:
        print("hladr: stopped; run it again to go on where it was", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"hladr: {error.strerror or error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hladr",
        description=f"Antibodies per monocyte, phenotype calls and patient courses from FCS files. {RESEARCH_USE}.",
    )
    parser.add_argument("--version", action="version", version=f"hladr {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="write a small simulated study with known truth and run it")
    demo.add_argument("folder", nargs="?", default="demo", metavar="DIR", help="default: demo")
    demo.add_argument("--cores", type=_cores, default=None, metavar="N")
    demo.set_defaults(call=_demo)

    init = commands.add_parser("init", help="write an empty study to fill in")
    init.add_argument("folder", metavar="STUDY")
    init.set_defaults(call=_init)

    check = commands.add_parser("check", help="read the tables and every FCS header, print all problems, run nothing")
    check.add_argument("folder", metavar="STUDY")
    check.set_defaults(call=_check)

    run = commands.add_parser(
        "run", help="run the workflow on a study; further options go to Snakemake", allow_abbrev=False
    )
    run.add_argument("folder", metavar="STUDY")
    run.add_argument("--cores", type=_cores, default=None, metavar="N", help="default: all")
    run.set_defaults(call=_run)

    stats = commands.add_parser("stats", help="compare two groups from counts, as a row of cohort.csv")
    stats.add_argument("--counts", nargs=2, required=True, metavar="EVENTS/N", help="for example 46/131 26/145")
    stats.set_defaults(call=_stats)

    verify = commands.add_parser("verify", help="check the audit chain, the inputs and the results")
    verify.add_argument("folder", metavar="STUDY")
    verify.set_defaults(call=_verify)

    scrub = commands.add_parser("scrub", help="copy a study with FCS files free of identifying keywords")
    scrub.add_argument("folder", metavar="STUDY")
    scrub.add_argument("out", metavar="OUT")
    scrub.set_defaults(call=_scrub)

    crate = commands.add_parser("crate", help="describe a finished study as an RO-Crate (Workflow Run profile)")
    crate.add_argument("folder", metavar="STUDY")
    crate.set_defaults(call=_crate)
    return parser


def _cores(text: str) -> int | None:
    """Read a number of cores; None for `all`, as Snakemake understands it."""
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text}, expected a whole number from 1, or all")
    return int(text)


def _demo(arguments: argparse.Namespace) -> int:
    from .run import run_study
    from .simulate.study import write_demo

    folder = Path(arguments.folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "truth").is_dir():
        print(f"hladr demo: the folder {folder.name} is not empty and not a demo; name another one", file=sys.stderr)
        return 2
    print("Writing a simulated study: labs, patients, bead runs, and a few realistic problems ...", flush=True)
    write_demo(folder)
    return run_study(folder, arguments.cores)


def _init(arguments: argparse.Namespace) -> int:
    from .study.init import init_study

    try:
        init_study(Path(arguments.folder))
    except FileExistsError as error:
        print(f"hladr init: {error}", file=sys.stderr)
        return 2
    print(f"An empty study is ready. Next: read its README, fill the tables, then: hladr check {arguments.folder}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from .check import check, specimen_lines

    result = check(Path(arguments.folder))
    for problem in result.problems:
        print(problem)
    for line in specimen_lines(result.specimens):
        print(line)
    for note in result.notes:
        print(f"note: {note}")
    tables, specimens = len(result.problems), len(result.specimens)
    if tables:
        print(f"{_count(tables, 'problem')} in tables or configuration: nothing would run before they are mended.")
    if specimens:
        print(f"{_count(specimens, 'specimen problem')}: a run finishes and reports them.")
    if not tables and not specimens:
        print("No problems found.")
    return 2 if tables else 0


def _run(arguments: argparse.Namespace) -> int:
    from .run import run_study

    return run_study(Path(arguments.folder), arguments.cores, arguments.snakemake)


def _stats(arguments: argparse.Namespace) -> int:
    from .stats import counts_text

    try:
        print(counts_text(*arguments.counts), end="")
    except ValueError as error:
        print(f"hladr stats: {error}", file=sys.stderr)
        return 2
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from .verify import verify

    difference = verify(Path(arguments.folder))
    print(difference or "The audit chain, the inputs and the results are as provenance.json states them.")
    return 1 if difference else 0


def _scrub(arguments: argparse.Namespace) -> int:
    from .scrub import scrub_study
    from .study import StudyError

    try:
        scrub_study(Path(arguments.folder), Path(arguments.out))
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    print("The study was copied without identifying keywords.")
    return 0


def _crate(arguments: argparse.Namespace) -> int:
    from .rocrate import write

    write(Path(arguments.folder))
    print("results/ro-crate-metadata.json describes the study.")
    return 0


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
