"""Scores of aligned and misaligned copies -> how far each pipeline bends, and what that depends on."""

if "robustness" in TABLES:
    TABLES += ["robustness_summary", "robustness_regression", "robustness_correlation"]


rule summarise_robustness:
    input:
        robustness=TABLE.format(table="robustness"),
        models=TABLE.format(table="alignment_models"),
    output:
        table=TABLE.format(table="robustness_summary"),
    log:
        "results/logs/tables/robustness_summary.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        code=code("summarise_robustness.py"),
    script:
        "../workflow_scripts/summarise_robustness.py"


rule regress_robustness:
    input:
        robustness=TABLE.format(table="robustness"),
    output:
        regression=TABLE.format(table="robustness_regression"),
        correlation=TABLE.format(table="robustness_correlation"),
    log:
        "results/logs/tables/robustness_regression.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        code=code("regress_robustness.py"),
    script:
        "../workflow_scripts/regress_robustness.py"
