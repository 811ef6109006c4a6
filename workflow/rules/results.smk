# From values to the result tables, all specimens at once.


rule quantify:
    input:
        tubes=expand("results/batches/tubes_{batch}", batch=TUBES),
        beads=expand("results/batches/beads_{batch}", batch=BEADS),
    output:
        quantification="results/quantification.csv",
        calibrations="results/calibrations.csv",
        drift="results/drift.csv",
        measurements="results/batches/measurements.jsonl",
    log:
        "logs/quantify.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        tables=tables("samples", "beads", "bead_lots", "labs"),
        settings=settings(
            "quantify",
            "phenotype",
            "reversal.hladr_abc",
            "kits",
            "pairing_exceptions",
            "drift",
        ),
        code=plan.code_digest("study", "quantify", "drift", "tables", alone="results"),
    message:
        "Antibodies per cell"
    script:
        "../scripts/quantify.py"


rule call:
    input:
        measurements="results/batches/measurements.jsonl",
    output:
        phenotypes="results/phenotypes.csv",
        reversal="results/reversal.csv",
        sensitivity="results/sensitivity.csv",
    log:
        "logs/call.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        # outcomes.csv may name the arms
        tables=tables("samples", "ferritin", "labs", "outcomes"),
        settings=settings("baseline_day", "phenotype", "reversal"),
        code=plan.code_digest(
            "study", "phenotype", "reversal", "sensitivity", "tables", alone="results"
        ),
    message:
        "Phenotypes and reversal"
    script:
        "../scripts/call.py"


rule compare:
    input:
        measurements="results/batches/measurements.jsonl",
        reversal="results/reversal.csv",
    output:
        table="results/cohort.csv",
        page="results/cohort.html",
    log:
        "logs/compare.log",
    # long, and the database waits for it
    priority: 2
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        tables=tables("samples", "ferritin", "labs", "outcomes"),
        settings=settings(
            "study", "baseline_day", "quantify", "phenotype", "reversal", "cohort"
        ),
        code=plan.code_digest("study", "cohort", "cohort.report", alone="results"),
        pages=plan.content_digest(plan.PACKAGE, page_sources()),
    message:
        "Comparison of the arms"
    script:
        "../scripts/compare.py"
