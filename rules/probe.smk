"""A classifier, test images and their maps -> what metrics need to know from the model, asked once."""

PROBE_BUNDLES = config["scoring"]["together"]
IN_BUNDLES = {label for members in PROBE_BUNDLES.values() for label in members}
OF_MODELS = [label for label in config["probes"] if design.of_model(config, label)]


rule probe:
    input:
        model=MODEL,
        images=TEST_IMAGES,
        maps=TEST_MAPS,
        background=lambda wildcards: probing_background(wildcards.method, [wildcards.probe]),
    output:
        readings=READINGS,
    log:
        f"{LOG}/probe/{{probe}}/{{method}}.log",
    benchmark:
        f"{LOG}/probe/{{probe}}/{{method}}.tsv"
    wildcard_constraints:
        dataset=any_of(WHOLE),
        probe=any_of(label for label in config["probes"] if label not in {*IN_BUNDLES, *OF_MODELS}),
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("probe", one_probe),
    params:
        probes=lambda wildcards: {wildcards.probe: config["probes"][wildcards.probe]},
        method=lambda wildcards: explaining_method(wildcards.method, [wildcards.probe]),
        explain=lambda wildcards: explaining_again(wildcards.method, [wildcards.probe]),
        scoring=PROBING,
        code=lambda wildcards: probing_code(wildcards, [wildcards.probe]),
    script:
        "../workflow_scripts/probe.py"


for name, members in PROBE_BUNDLES.items():

    rule:
        name:
            f"probe_{name}"
        input:
            model=MODEL,
            images=TEST_IMAGES,
            maps=TEST_MAPS,
            background=lambda wildcards, members=members: probing_background(wildcards.method, members),
        output:
            readings=[READINGS.replace("{probe}", label) for label in members],
        log:
            f"{LOG}/probe/{name}/{{method}}.log",
        benchmark:
            f"{LOG}/probe/{name}/{{method}}.tsv"
        wildcard_constraints:
            dataset=any_of(WHOLE),
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("probe", lambda wildcards, members=tuple(members): members),
        params:
            probes={label: config["probes"][label] for label in members},
            method=lambda wildcards, members=members: explaining_method(wildcards.method, members),
            explain=lambda wildcards, members=members: explaining_again(wildcards.method, members),
            scoring=PROBING,
            code=lambda wildcards, members=members: probing_code(wildcards, members),
        script:
            "../workflow_scripts/probe.py"


# What no method changes, once for all of them.
rule probe_model:
    input:
        model=MODEL,
        images=TEST_IMAGES,
    output:
        readings=MODEL_READINGS,
    log:
        f"{LOG}/probe/{{probe}}.log",
    benchmark:
        f"{LOG}/probe/{{probe}}.tsv"
    wildcard_constraints:
        probe=any_of(OF_MODELS),
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("probe", one_probe),
    params:
        probes=lambda wildcards: {wildcards.probe: config["probes"][wildcards.probe]},
        scoring={**PROBING, "target": config["explain"]["target"]},
        code=code("probe_model.py", "probe", "model"),
    script:
        "../workflow_scripts/probe_model.py"
