"""Settings -> one file of images per split."""


rule prepare_images:
    output:
        images=IMAGES,
    log:
        "results/logs/{dataset}/images-{split}.log",
    benchmark:
        "results/logs/{dataset}/images-{split}.tsv"
    conda:
        "../envs/torch.yaml"
    resources:
        **asks("prepare_images"),
    params:
        dataset=source,
        code=code("prepare_images.py", "dataset"),
    script:
        "../workflow_scripts/prepare_images.py"
