"""A classifier, test images and their maps -> what metrics need to know from the model, asked once per method."""


rule probe:
    input:
        model=MODEL,
        images=TEST_IMAGES,
        maps=TEST_MAPS,
    output:
        readings=READINGS,
    log:
        f"{LOG}/probe/{{probe}}/{{method}}.log",
    conda:
        "../envs/torch.yaml"
    params:
        probe=lookup(dpath="probes/{probe}", within=config),
        images=config["scoring"]["images"],
        code=code("probe.py", "probe", "model"),
    script:
        "../workflow_scripts/probe.py"
