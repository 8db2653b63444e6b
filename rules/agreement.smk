"""Readings of all methods -> scores per image, ranking, agreement of the images on it; metrics and recipes compared."""


rule agree:
    input:
        readings=readings,
        maps=maps,
        images=TEST_IMAGES,
    output:
        scores=SCORES,
        summary=SUMMARY,
        agreement=AGREEMENT,
        size=SIZE,
        curve=SIZE_CURVE,
        ranking=RANKING,
    log:
        f"{LOG}/agree/{{metric}}.log",
    benchmark:
        f"{LOG}/agree/{{metric}}.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        **asks("agree"),
    params:
        metric=lookup(dpath="metrics/{metric}", within=config),
        methods=lambda wildcards: design.methods(config, wildcards.dataset),
        groups=lambda wildcards: design.groups(config, wildcards.dataset),
        images=config["scoring"]["images"],
        agreement=ANALYSIS,
        probability=config["agreement"]["probability"],
        code=code("agree.py", "metric"),
    script:
        "../workflow_scripts/agree.py"


rule agree_metrics:
    input:
        scores=scores,
    output:
        agreement=METRIC_AGREEMENT,
    log:
        f"{LOG}/agree_metrics.log",
    benchmark:
        f"{LOG}/agree_metrics.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        **asks("agree"),
    params:
        metrics=directed,
        groups=lambda wildcards: design.groups(config, wildcards.dataset),
        agreement={key: value for key, value in ANALYSIS.items() if key != "level"},
        code=lambda wildcards: code("agree_metrics.py", metrics=directed(wildcards))(wildcards),
    script:
        "../workflow_scripts/agree_metrics.py"


rule compare:
    input:
        scores=compared_scores,
    output:
        difference=DIFFERENCE,
    log:
        "results/logs/{dataset}/{model}/compare/{metric}.log",
    benchmark:
        "results/logs/{dataset}/{model}/compare/{metric}.tsv"
    conda:
        "../envs/report.yaml"
    resources:
        **asks("agree"),
    params:
        metric=lookup(dpath="metrics/{metric}", within=config),
        runs=lambda wildcards: design.runs(config, wildcards.dataset, wildcards.model),
        baseline=design.baseline(config),
        groups=lambda wildcards: design.groups(config, wildcards.dataset),
        agreement=ANALYSIS,
        code=code("compare.py", "metric"),
    script:
        "../workflow_scripts/compare.py"
