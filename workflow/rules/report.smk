# What people open, and the proof of what was done.


rule publish:
    input:
        tubes=expand("results/batches/tubes_{batch}", batch=TUBES),
    output:
        # not the folder: Snakemake would delete it first, and each file would be written anew
        published=touch(PUBLISHED),
    log:
        "logs/publish.log",
    conda:
        "../envs/hladr.yaml"
    params:
        beads=expand("results/batches/beads_{batch}", batch=BEADS),
    message:
        "Gates as GatingML"
    script:
        "../scripts/publish.py"


rule report:
    input:
        measurements="results/batches/measurements.jsonl",
        phenotypes="results/phenotypes.csv",
        reversal="results/reversal.csv",
        drift="results/drift.csv",
        gates=PUBLISHED,
        tubes=expand("results/batches/tubes_{batch}", batch=TUBES),
        beads=expand("results/batches/beads_{batch}", batch=BEADS),
    output:
        page="results/report.html",
    log:
        "logs/report.log",
    # long, and provenance waits for it
    priority: 1
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        tables=tables(*ALL_TABLES),
        settings=plan.digest(CONFIG),
        code=plan.code_digest(
            "study", "report.build", "exports", "drift", alone="results"
        ),
        pages=plan.content_digest(plan.PACKAGE, page_sources()),
    message:
        "Report"
    script:
        "../scripts/report.py"


rule figures:
    input:
        quantification="results/quantification.csv",
        calibrations="results/calibrations.csv",
        phenotypes="results/phenotypes.csv",
    output:
        tubes=report(
            "results/figures/tubes.png",
            caption="../report/tubes.rst",
            category="Tubes",
        ),
        antibodies=report(
            "results/figures/antibodies.png",
            caption="../report/antibodies.rst",
            category="Tubes",
        ),
        beads=report(
            "results/figures/beads.png",
            caption="../report/beads.rst",
            category="Bead runs",
        ),
        calls=report(
            "results/figures/calls.png",
            caption="../report/calls.rst",
            category="Calls",
        ),
    log:
        "logs/figures.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=settings("phenotype", "reversal.hladr_abc"),
        code=plan.code_digest("study", "plots.study", alone="results"),
    message:
        "Figures"
    script:
        "../scripts/figures.py"


rule export:
    input:
        csv=CSV_TABLES,
    output:
        database="results/results.duckdb",
        dictionary="results/dictionary.csv",
        parquet=directory("results/parquet"),
    log:
        "logs/export.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        has_arms=HAS_ARMS,
        code=plan.code_digest("exports", alone="results"),
    message:
        "Database and dictionary"
    script:
        "../scripts/export.py"


rule workbooks:
    input:
        quantification="results/quantification.csv",
        calibrations="results/calibrations.csv",
        drift="results/drift.csv",
        phenotypes="results/phenotypes.csv",
        reversal="results/reversal.csv",
    output:
        workbook="results/results.xlsx",
    log:
        "logs/workbooks.log",
    # the longest of a large study
    priority: 2
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        settings=settings("study"),
        replaced=REPLACED,
        code=plan.code_digest("exports.xlsx", alone="results"),
    message:
        "Spreadsheets"
    script:
        "../scripts/workbooks.py"


rule provenance:
    input:
        csv=CSV_TABLES,
        dictionary="results/dictionary.csv",
        gates=PUBLISHED,
        report="results/report.html",
    output:
        "results/provenance.json",
    log:
        "logs/provenance.log",
    conda:
        "../envs/hladr.yaml"
    params:
        settings=plan.digest(CONFIG),
        tables=tables(*ALL_TABLES),
        code=plan.code_digest("study", "provenance", "audit", alone="results"),
    message:
        "Provenance and audit"
    script:
        "../scripts/provenance.py"
