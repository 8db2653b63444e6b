"""What one metric reads of all methods -> scores per image, ranking, agreement of the images on it."""


rule agree:
    input:
        readings=readings,
        maps=maps,
        images=TEST_IMAGES,
    output:
        scores=SCORES,
        summary=SUMMARY,
        agreement=AGREEMENT,
    log:
        f"{LOG}/agree/{{metric}}.log",
    conda:
        "../envs/report.yaml"
    params:
        metric=lookup(dpath="metrics/{metric}", within=config),
        methods=lambda wildcards: design.methods(config, wildcards.dataset),
        groups=lambda wildcards: design.groups(config, wildcards.dataset),
        images=config["scoring"]["images"],
        agreement=config["agreement"],
        code=code("agree.py", "metric"),
    script:
        "../workflow_scripts/agree.py"
