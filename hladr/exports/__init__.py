"""The result tables in other formats: typed rows, DuckDB, Parquet and the dictionary; `xlsx`: workbooks.

Everything here is read from the CSV files of a results folder, so that no export can say anything else than they do.
Report and figures read their rows here, too, so the libraries of the formats are imported where they are used.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import RESEARCH_USE
from ..atomic import replacing
from ..flags import FLAGS
from ..tables import described, dictionary

__all__ = [
    "read_table",
    "read_tables",
    "table_names",
    "write_dictionary",
    "write_duckdb",
    "write_parquet",
]

KEYS = {
    "quantification": ("sample_id",),
    "calibrations": ("bead_id",),
    "phenotypes": ("patient_id", "day"),
    "reversal": ("patient_id",),
}
REFERENCES = {("quantification", "bead_id"): "calibrations", ("phenotypes", "patient_id"): "reversal"}
_DUCKDB_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}


def table_names() -> tuple[str, ...]:
    """Return the tables that the dictionary describes, in its order."""
    return tuple(dict.fromkeys(row["table"] for row in dictionary()))


def read_table(path: str | Path, table: str) -> list[dict[str, object]]:
    """Read a result table as typed rows: text, int, float, bool, and None where a value is missing.

    Parameters
    ----------
    path : str or Path
        A CSV file as `tables.write_table` writes it.
    table : str
        Its name in the dictionary, which states the types.

    Raises
    ------
    ValueError
        If a number or boolean column holds something else.
    """
    kinds = {row["column"]: row["type"] for row in described(path, table)}
    with open(path, encoding="utf-8", newline="") as handle:
        return [{column: _typed(text, kinds[column]) for column, text in row.items()} for row in csv.DictReader(handle)]


def read_tables(results: str | Path) -> dict[str, list[dict[str, object]]]:
    """Read all result tables that a results folder holds; absent ones (no arms: no cohort) are left out."""
    return {name: read_table(path, name) for name, path in table_files(results).items()}


def table_files(results: str | Path) -> dict[str, Path]:
    """Name the files of the result tables that a results folder holds."""
    files = {name: Path(results) / f"{name}.csv" for name in table_names()}
    return {name: path for name, path in files.items() if path.is_file()}


def _typed(text: str, kind: str) -> object:
    if text == "":
        return None
    if kind == "integer":
        return int(text)
    if kind == "number":
        return float(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    return text


def write_dictionary(path: str | Path, results: str | Path) -> None:
    """Write results/dictionary.csv: every column of every table, carried-through ones too, and every code (`flags`)."""
    known = {(row["table"], row["column"]) for row in dictionary()}
    own = [row for name, file in table_files(results).items() for row in described(file, name)]
    codes = (
        {
            "table": "flags",
            "column": flag.code,
            "type": "code",
            "unit": "",
            "values": flag.status,
            "meaning": f"{flag.meaning} What to do: {flag.remedy}",
        }
        for flag in FLAGS.values()
    )
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(
            handle, ("table", "column", "type", "unit", "values", "meaning"), lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(dictionary())
        writer.writerows(row for row in own if (row["table"], row["column"]) not in known)
        writer.writerows(codes)


def write_duckdb(path: str | Path, results: str | Path) -> None:
    """Write the CSV tables of a results folder into one DuckDB file, one table each, with types, keys and comments.

    Notes
    -----
    A foreign key is declared where every value of the column is found.
    DuckDB files of equal content differ byte by byte; only the CSV files are promised identical.
    """
    import duckdb

    files = table_files(results)
    order = sorted(files, key=lambda name: any(table == name for table, _ in REFERENCES))
    with replacing(path) as temporary, duckdb.connect(str(temporary)) as connection:
        connection.execute("SET threads = 1")
        for name in order:
            source = files[name]
            connection.execute(_create_statement(name, described(source, name), files))
            connection.execute(
                f"COPY {_quoted(name)} FROM {_literal(str(source))} "
                "(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '', AUTO_DETECT false)"
            )
            for row in described(source, name):
                column = f"{_quoted(name)}.{_quoted(row['column'])}"
                connection.execute(f"COMMENT ON COLUMN {column} IS {_literal(_described(row))}")
            connection.execute(f"COMMENT ON TABLE {_quoted(name)} IS {_literal(RESEARCH_USE)}")


def _create_statement(name: str, described_columns: Sequence[Mapping[str, str]], files: Mapping[str, Path]) -> str:
    parts = [f"{_quoted(row['column'])} {_DUCKDB_TYPES[row['type']]}" for row in described_columns]
    if name in KEYS:
        parts.append(f"PRIMARY KEY ({', '.join(map(_quoted, KEYS[name]))})")
    for (table, column), other in REFERENCES.items():
        if table == name and other in files and _texts(files[table], column) - {""} <= _texts(files[other], column):
            parts.append(f"FOREIGN KEY ({_quoted(column)}) REFERENCES {_quoted(other)} ({_quoted(column)})")
    return f"CREATE TABLE {_quoted(name)} ({', '.join(parts)})"


def _texts(path: Path, column: str) -> set[str]:
    with open(path, encoding="utf-8", newline="") as handle:
        rows = csv.reader(handle)
        position = next(rows).index(column)
        return {row[position] for row in rows}


def _described(row: Mapping[str, str]) -> str:
    unit = f" [{row['unit']}]" if row["unit"] else ""
    values = f" ({row['values']})" if row["values"] else ""
    return f"{row['meaning']}{unit}{values}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_parquet(folder: str | Path, results: str | Path) -> None:
    """Write each CSV table of a results folder as TABLE.parquet, with meaning and unit as metadata of the columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv as arrow_csv

    kinds = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = table_files(results)
    for stale in target.glob("*.parquet"):
        if stale.stem not in files:
            stale.unlink()
    for name, path in files.items():
        schema = pa.schema(
            [
                pa.field(
                    row["column"],
                    kinds[row["type"]],
                    metadata={"meaning": row["meaning"], "unit": row["unit"], "values": row["values"]},
                )
                for row in described(path, name)
            ],
            metadata={"note": RESEARCH_USE},
        )
        table = arrow_csv.read_csv(
            path,
            # one block and one thread: the same file, whatever the machine
            arrow_csv.ReadOptions(use_threads=False, block_size=max(path.stat().st_size, 1)),
            arrow_csv.ParseOptions(newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types={field.name: field.type for field in schema},
                null_values=[""],
                strings_can_be_null=True,
                true_values=["true"],
                false_values=["false"],
            ),
        )
        with replacing(target / f"{name}.parquet") as temporary:
            pq.write_table(pa.Table.from_arrays(table.columns, schema=schema), temporary, compression="zstd")
