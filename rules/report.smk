"""All numbers, and a few images with their maps -> one page to read."""

EXAMPLES = [row for row in EXPLAINED if row["seed"] == config["seeds"][0]]

# Copies whose maps are shown: of the first seed, fine-tuned by the first of the masks.
SHOWN_PAIRS = [
    row for row in PAIRS if row["seed"] == config["seeds"][0] and row["masks"] == config["alignment"]["masks"][0]
]


rule report:
    input:
        **{table: TABLE.format(table=table) for table in TABLES},
        images=paths(IMAGES, [{"dataset": dataset, "split": "test"} for dataset in config["datasets"]]),
        maps=paths(MAPS, EXAMPLES),
        before=paths(COPY_MAPS, [{**row, "direction": "before"} for row in SHOWN_PAIRS]),
        aligned=paths(COPY_MAPS, [{**row, "direction": "aligned"} for row in SHOWN_PAIRS]),
        misaligned=paths(COPY_MAPS, [{**row, "direction": "misaligned"} for row in SHOWN_PAIRS]),
        asked=paths(ITEMS, ASKED),
    output:
        html=REPORT,
    log:
        "results/logs/report.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        settings=design.reported(config),
        examples=EXAMPLES,
        pairs=SHOWN_PAIRS,
        code=code("report.py"),
    script:
        "../workflow_scripts/report.py"
