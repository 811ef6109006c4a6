# hladr: antibodies per monocyte, phenotype calls and patient courses. For research use only, not for diagnostic use.
#
#   snakemake -s Snakefile --directory STUDY --configfile STUDY/config.yaml --cores 2


configfile: workflow.source_path("config/config.yaml")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/specimens.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/report.smk"


onstart:
    audit.record_start(HERE)


onsuccess:
    audit.record_finish(HERE)


onerror:
    audit.record_finish(HERE, succeeded=False)


# Seconds each, also for 10,000 tubes: not worth a place in a cluster's queue.
localrules:
    all,
    quantify,
    call,
    compare,
    publish,
    export,
    workbooks,
    provenance,


rule all:
    default_target: True
    input:
        TARGETS,
