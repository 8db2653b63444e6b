"""Training images -> a classifier; a classifier and test images -> how good it is."""


rule train:
    input:
        images=TRAIN_IMAGES,
        pretrained=pretrained,
    output:
        model=MODEL,
    log:
        f"{LOG}/train.log",
    benchmark:
        f"{LOG}/train.tsv"
    priority: 2
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("train"),
    params:
        model=given_model,
        recipe=recipe,
        training=training,
        code=code("train.py", "model", "recipe"),
    script:
        "../workflow_scripts/train.py"


rule assess:
    input:
        model=MODEL,
        images=TEST_IMAGES,
    output:
        quality=QUALITY,
        calibration=CALIBRATION,
    log:
        f"{LOG}/assess.log",
    benchmark:
        f"{LOG}/assess.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("assess"),
    params:
        split="test",
        code=code("assess.py", "model"),
    script:
        "../workflow_scripts/assess.py"
