"""A batch of specimens in one process, with a child that may die: one tube's crash costs that tube, not the batch."""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

TRIES = 2
# Millions of events take seconds.
PATIENCE_SECONDS = 600
_OUT_OF_MEMORY = 77
UNFORESEEN = "something in it is not foreseen; the log of its batch says where"


def run_batch(
    ids: Sequence[str],
    work: Callable[[int], str],
    dead: Callable[[int, str], str],
    progress: Path | None = None,
    memory_mb: int | None = None,
) -> list[str]:
    """Work through a batch in a child process; restart it behind a specimen that kills it or that it cannot handle.

    Parameters
    ----------
    ids : sequence of str
        The specimens, in the order of the results.
    work : callable
        From a position to one line of JSON; writes that specimen's own files too; raises for no specimen problem.
    dead : callable
        From a position and a plain reason to the line that stands for a specimen whose worker died.
    progress : path, optional
        Grows by one byte for each finished specimen.
    memory_mb : int, optional
        What the child may take: a specimen that needs more costs itself, before the machine or the queue ends the job.

    Returns
    -------
    list of str
        One line per specimen.

    Notes
    -----
    An exception of `work` is a mistake in hladr, but one specimen brought it about: it costs that specimen, and the log
    says where it happened. An `OSError` is not: where results cannot be written, for want of space, the batch is to be
    done again, and it is raised.
    """
    lines: dict[int, str] = {}
    deaths: dict[int, int] = {}
    hangs: set[int] = set()
    while len(lines) < len(ids):
        todo = [i for i in range(len(ids)) if i not in lines]
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        child = _CONTEXT.Process(target=_work_through, args=(todo, work, sender, memory_mb), daemon=True)
        child.start()
        sender.close()
        current = todo[0]
        while True:
            if not receiver.poll(PATIENCE_SECONDS):
                child.kill()
                hangs.add(current)
            try:
                kind, position, text = receiver.recv()
            except (EOFError, OSError):  # the child has ended, the second: in the middle of an answer
                break
            if kind == "disk":
                raise OSError(f"the results of {ids[position]} cannot be written: {text}")
            if kind == "error":
                print(f"{ids[position]}: {text}", file=sys.stderr, flush=True)
                lines[position] = dead(position, UNFORESEEN)
            else:
                lines[position] = text
            _tick(progress)
            current = next((i for i in todo if i not in lines), position)
        child.join()
        if len(lines) == len(ids):
            break
        deaths[current] = deaths.get(current, 0) + 1
        if deaths[current] >= TRIES:
            how = f"it took more than {PATIENCE_SECONDS} s" if current in hangs else _how_it_died(child.exitcode)
            lines[current] = dead(current, how)
            _tick(progress)
    return [lines[i] for i in range(len(ids))]


def _work_through(todo: Sequence[int], work: Callable[[int], str], sender, memory_mb: int | None) -> None:
    if memory_mb is not None:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = memory_mb * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    for position in todo:
        try:
            answer = ("line", position, work(position))
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except OSError as error:
            # what is wrong with a specimen's own file is a finding; this is the disk's fault, for the next one as well
            sender.send(("disk", position, error.strerror or type(error).__name__))
            return
        except Exception as error:
            answer = ("error", position, where(error))
        sender.send(answer)
    sender.close()


def where(error: Exception) -> str:
    """Say where an exception came from; not its message, which may quote a header or a path."""
    places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} at {' > '.join(places)}"


def _how_it_died(exit_code: int | None) -> str:
    if exit_code == _OUT_OF_MEMORY:
        return "it needs more memory than a job has"
    if exit_code is not None and exit_code < 0:
        return f"the process was ended by {signal.Signals(-exit_code).name}"
    return f"the process ended with the status {exit_code}"


def _tick(progress: Path | None) -> None:
    if progress is not None:
        with open(progress, "ab") as handle:
            handle.write(b".")


# The work is a closure, which only a fork can take over, with the imports of the parent; our workers use no threads.
_CONTEXT = multiprocessing.get_context("fork")
