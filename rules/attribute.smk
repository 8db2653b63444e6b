"""A classifier and images -> one saliency map per image; methods that are bundled share their passes in one job."""

BUNDLES = config["explain"]["together"]
BUNDLED = {label for members in BUNDLES.values() for label in members}

# Data sets that are explained in one job, and those that are divided (rules/shards.smk).
SHARDED = sizes.sharded(config)
WHOLE = [dataset for dataset in config["datasets"] if dataset not in SHARDED]


rule attribute:
    input:
        model=MODEL,
        images=IMAGES,
        background=lambda wildcards: background([wildcards.method]),
    output:
        maps=MAPS,
    log:
        f"{LOG}/attribute/{{method}}/{{split}}.log",
    benchmark:
        f"{LOG}/attribute/{{method}}/{{split}}.tsv"
    wildcard_constraints:
        dataset=any_of(WHOLE),
        method=any_of(label for label in config["methods"] if label not in BUNDLED),
    priority: 1
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("attribute", one_method),
    params:
        methods=lambda wildcards: {wildcards.method: config["methods"][wildcards.method]},
        explain=lambda wildcards: explaining([wildcards.method]),
        code=code("attribute.py", "method", "model"),
    script:
        "../workflow_scripts/attribute.py"


for name, members in BUNDLES.items():

    rule:
        name:
            f"attribute_{name}"
        input:
            model=MODEL,
            images=IMAGES,
            background=background(members),
        output:
            maps=[MAPS.replace("{method}", label) for label in members],
        log:
            f"{LOG}/attribute/{name}/{{split}}.log",
        benchmark:
            f"{LOG}/attribute/{name}/{{split}}.tsv"
        wildcard_constraints:
            dataset=any_of(WHOLE),
        priority: 1
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("attribute", lambda wildcards, members=tuple(members): members),
        params:
            methods={label: config["methods"][label] for label in members},
            explain=explaining(members),
            code=code("attribute.py", "model", methods=members),
        script:
            "../workflow_scripts/attribute.py"
