"""Data sets too large for one job: a part of the images per job, then one file that looks everything up in the parts."""


rule attribute_shard:
    input:
        model=MODEL,
        images=IMAGES,
        background=lambda wildcards: background([wildcards.method]),
    output:
        maps=MAPS_SHARD,
    log:
        f"{LOG}/attribute/{{method}}/{{split}}-{{shard}}-of-{{shards}}.log",
    benchmark:
        f"{LOG}/attribute/{{method}}/{{split}}-{{shard}}-of-{{shards}}.tsv"
    wildcard_constraints:
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
        part=part,
        code=code("attribute.py", "method", "model"),
    script:
        "../workflow_scripts/attribute.py"


for name, members in BUNDLES.items():

    rule:
        name:
            f"attribute_{name}_shard"
        input:
            model=MODEL,
            images=IMAGES,
            background=background(members),
        output:
            maps=[MAPS_SHARD.replace("{method}", label) for label in members],
        log:
            f"{LOG}/attribute/{name}/{{split}}-{{shard}}-of-{{shards}}.log",
        benchmark:
            f"{LOG}/attribute/{name}/{{split}}-{{shard}}-of-{{shards}}.tsv"
        priority: 1
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("attribute", lambda wildcards, members=tuple(members): members),
        params:
            methods={label: config["methods"][label] for label in members},
            explain=explaining(members),
            part=part,
            code=code("attribute.py", "model", methods=members),
        script:
            "../workflow_scripts/attribute.py"


rule gather_maps:
    input:
        parts=map_shards,
    output:
        maps=MAPS,
    log:
        f"{LOG}/gather/{{method}}/{{split}}.log",
    benchmark:
        f"{LOG}/gather/{{method}}/{{split}}.tsv"
    wildcard_constraints:
        dataset=any_of(SHARDED),
    priority: 1
    conda:
        "../envs/report.yaml"
    resources:
        **asks("gather"),
    params:
        kind="maps",
        code=code("gather.py"),
    script:
        "../workflow_scripts/gather.py"


rule probe_shard:
    input:
        model=MODEL,
        images=TEST_IMAGES,
        maps=maps_of_shard,
        background=lambda wildcards: probing_background(wildcards.method, [wildcards.probe]),
    output:
        readings=READINGS_SHARD,
    log:
        f"{LOG}/probe/{{probe}}/{{method}}-{{shard}}-of-{{shards}}.log",
    benchmark:
        f"{LOG}/probe/{{probe}}/{{method}}-{{shard}}-of-{{shards}}.tsv"
    wildcard_constraints:
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
        scoring=shard_probing,
        part=part,
        code=lambda wildcards: probing_code(wildcards, [wildcards.probe]),
    script:
        "../workflow_scripts/probe.py"


for name, members in PROBE_BUNDLES.items():

    rule:
        name:
            f"probe_{name}_shard"
        input:
            model=MODEL,
            images=TEST_IMAGES,
            maps=maps_of_shard,
            background=lambda wildcards, members=members: probing_background(wildcards.method, members),
        output:
            readings=[READINGS_SHARD.replace("{probe}", label) for label in members],
        log:
            f"{LOG}/probe/{name}/{{method}}-{{shard}}-of-{{shards}}.log",
        benchmark:
            f"{LOG}/probe/{name}/{{method}}-{{shard}}-of-{{shards}}.tsv"
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("probe", lambda wildcards, members=tuple(members): members),
        params:
            probes={label: config["probes"][label] for label in members},
            method=lambda wildcards, members=members: explaining_method(wildcards.method, members),
            explain=lambda wildcards, members=members: explaining_again(wildcards.method, members),
            scoring=shard_probing,
            part=part,
            code=lambda wildcards, members=members: probing_code(wildcards, members),
        script:
            "../workflow_scripts/probe.py"


rule gather_readings:
    input:
        parts=reading_shards,
    output:
        readings=READINGS,
    log:
        f"{LOG}/gather/{{probe}}/{{method}}.log",
    benchmark:
        f"{LOG}/gather/{{probe}}/{{method}}.tsv"
    wildcard_constraints:
        dataset=any_of(SHARDED),
        probe=any_of(label for label in config["probes"] if label not in OF_MODELS),
    conda:
        "../envs/report.yaml"
    resources:
        **asks("gather"),
    params:
        kind="readings",
        code=code("gather.py"),
    script:
        "../workflow_scripts/gather.py"
