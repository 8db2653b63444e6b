"""A classifier and images -> one saliency map per image."""


rule attribute:
    input:
        model=MODEL,
        images=IMAGES,
    output:
        maps=MAPS,
    log:
        f"{LOG}/attribute/{{method}}/{{split}}.log",
    priority: 1
    conda:
        "../envs/torch.yaml"
    params:
        method=lookup(dpath="methods/{method}", within=config),
        target=config["explain"]["target"],
        code=code("attribute.py", "method", "model"),
    script:
        "../workflow_scripts/attribute.py"
