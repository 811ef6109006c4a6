# From the files of beads and tubes to values, in batches. The files are parameters (a digest), not inputs: they may be missing.


rule calibrate:
    output:
        directory("results/batches/beads_{batch}"),
    log:
        "logs/calibrate/{batch}.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=memory_of_beads,
        runtime=minutes_of_beads,
        attempt=which_attempt,
    params:
        rows=bead_rows,
        labs=labs_of_beads,
        files=bead_files,
        settings=settings("quantify.statistic", "beads", "kits", "run.pictures"),
        code=plan.code_digest("calibration", "plots.beads", "batch", alone="specimens"),
    message:
        "Bead runs, batch {wildcards.batch}"
    script:
        "../scripts/calibrate.py"


rule gate:
    output:
        directory("results/batches/tubes_{batch}"),
    log:
        "logs/gate/{batch}.log",
    conda:
        "../envs/hladr.yaml"
    resources:
        mem_mb=memory_of_tubes,
        runtime=minutes_of_tubes,
        attempt=which_attempt,
    params:
        rows=tube_rows,
        labs=labs_of_tubes,
        files=tube_files,
        settings=settings(
            "quality",
            "gating",
            "quantify.min_monocytes",
            "quantify.review_monocytes",
            "run.pictures",
        ),
        code=plan.code_digest(
            "tube", "plots.tube", "gatingml", "batch", alone="specimens"
        ),
    message:
        "Tubes, batch {wildcards.batch}"
    script:
        "../scripts/gate.py"
