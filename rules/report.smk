"""All numbers, and a few images with their maps -> one page to read."""

EXAMPLES = [row for row in EXPLAINED if row["seed"] == config["seeds"][0]]


rule report:
    input:
        **{table: TABLE.format(table=table) for table in TABLES},
        images=paths(IMAGES, [{"dataset": dataset, "split": "test"} for dataset in config["datasets"]]),
        maps=paths(MAPS, EXAMPLES),
    output:
        html=REPORT,
    log:
        "results/logs/report.log",
    conda:
        "../envs/report.yaml"
    params:
        settings=config,
        examples=EXAMPLES,
        code=code("report.py"),
    script:
        "../workflow_scripts/report.py"
