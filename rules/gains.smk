"""Answers of simulated users -> what they gain from maps."""

if "utility" in TABLES:
    TABLES += ["utility_summary"]


rule summarise_utility:
    input:
        utility=TABLE.format(table="utility"),
    output:
        table=TABLE.format(table="utility_summary"),
    log:
        "results/logs/tables/utility_summary.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        code=code("summarise_utility.py"),
    script:
        "../workflow_scripts/summarise_utility.py"
