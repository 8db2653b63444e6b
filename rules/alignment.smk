"""A classifier and images with regions -> copies fine-tuned by their maps, and how far apart these maps are."""

LOCALISATION = [registry.file("metrics", name, {}) for name in alignment_design.MEASURES.values()]


rule align:
    input:
        model=MODEL,
        images=TRAIN_IMAGES,
    output:
        model=COPY,
    log:
        f"{LOG}/align/{{masks}}/{{tuned}}/{{method}}/{{direction}}.log",
    benchmark:
        f"{LOG}/align/{{masks}}/{{tuned}}/{{method}}/{{direction}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("align", one_method),
    params:
        method=lambda wildcards: {wildcards.method: config["methods"][wildcards.method]},
        recipe=recipe,
        images=config["alignment"]["images"],
        regions=regions,
        tuning=lambda wildcards: {"direction": wildcards.direction, **alignment_design.tuning(config)},
        code=code("align.py", "model", "recipe", "method"),
    script:
        "../workflow_scripts/align.py"


# What fine-tuning does by itself: the same images and steps, and no map.
rule align_control:
    input:
        model=MODEL,
        images=TRAIN_IMAGES,
    output:
        model=CONTROL_COPY,
    log:
        f"{LOG}/align/control.log",
    benchmark:
        f"{LOG}/align/control.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("align"),
    params:
        method={},
        recipe=recipe,
        images=config["alignment"]["images"],
        regions={},
        tuning={"direction": "control", **alignment_design.tuning(config, control=True)},
        code=code("align.py", "model", "recipe"),
    script:
        "../workflow_scripts/align.py"


rule bend:
    input:
        before=MODEL,
        control=CONTROL_COPY,
        aligned=COPY.replace("{direction}", "aligned"),
        misaligned=COPY.replace("{direction}", "misaligned"),
        images=TEST_IMAGES,
    output:
        robustness=ROBUSTNESS,
        models=COPIES,
        curves=ALIGNMENT_CURVES,
        before=COPY_MAPS.replace("{direction}", "before"),
        control=COPY_MAPS.replace("{direction}", "control"),
        aligned=COPY_MAPS.replace("{direction}", "aligned"),
        misaligned=COPY_MAPS.replace("{direction}", "misaligned"),
    log:
        f"{LOG}/bend/{{masks}}/{{tuned}}/{{method}}.log",
    benchmark:
        f"{LOG}/bend/{{masks}}/{{tuned}}/{{method}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("bend", one_method),
    params:
        method=lambda wildcards: {wildcards.method: config["methods"][wildcards.method]},
        recipe=recipe,
        images=config["alignment"]["test_images"],
        rows=config["explain"].get("rows"),
        initialised=initialised,
        code=code("bend.py", "model", "recipe", "method", also=LOCALISATION),
    script:
        "../workflow_scripts/bend.py"
