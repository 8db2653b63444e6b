"""What checks ROAR's curves: masks without images -> what they tell; rank maps -> curves with maps made anew."""


rule leak:
    input:
        train=TRAIN_IMAGES,
        test=TEST_IMAGES,
        ranks=expand(RANKS, split=["train", "test"], allow_missing=True),
    output:
        accuracy=LEAKAGE,
    log:
        f"{LOG}/roar/leakage/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}.log",
    benchmark:
        f"{LOG}/roar/leakage/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("leak"),
    params:
        model=architecture,
        recipe=recipe,
        training=retraining,
        fractions=sorted(config["roar"]["leakage"]),
        seed=repeat_seed,
        code=code("leak.py", "model", "recipe"),
    script:
        "../workflow_scripts/leak.py"


LEAKINGS = roar_design.jobs(config, config["roar"]["leakage_repeats"])


for name, (place, labels, repeats) in LEAKINGS.items():

    rule:
        name:
            f"leak_{name}"
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
            ranks=each_of(RANKS, method=labels, split=["train", "test"]),
        output:
            accuracy=each_of(LEAKAGE, method=labels, repeat=repeats),
        log:
            f"{LOG}/roar/leakage/{{unit}}/{{order}}/{place}.log",
        benchmark:
            f"{LOG}/roar/leakage/{{unit}}/{{order}}/{place}.tsv"
        wildcard_constraints:
            method=any_of(label for label in config["methods"] if label not in IN_A_BUNDLE),
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("leak", lambda wildcards, labels=tuple(labels): labels, repeats=repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            fractions=sorted(config["roar"]["leakage"]),
            members=own_to_each(repeats, labels, ["seed"]),
            code=code("leak.py", "model", "recipe"),
        script:
            "../workflow_scripts/leak.py"


for name in LEAKINGS:
    workflow.ruleorder(f"leak_{name}", "leak")


# A step's rank maps say what is gone and what goes next: a later fraction adds its own step to those that are done.
rule recurse:
    input:
        train=TRAIN_IMAGES,
        test=TEST_IMAGES,
        ranks=ranks_before,
        background=lambda wildcards: background([wildcards.method]),
    output:
        accuracy=STEP,
        train=STEP_RANKS.replace("{split}", "train"),
        test=STEP_RANKS.replace("{split}", "test"),
    log:
        f"{LOG}/recursive_roar/{{fill}}/{{unit}}/{{method}}/repeat-{{repeat}}/{{fraction}}.log",
    benchmark:
        f"{LOG}/recursive_roar/{{fill}}/{{unit}}/{{method}}/repeat-{{repeat}}/{{fraction}}.tsv"
    priority: 1
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("recurse", one_method),
    params:
        model=architecture,
        recipe=recipe,
        training=retraining,
        method=lambda wildcards: {wildcards.method: config["methods"][wildcards.method]},
        explain=lambda wildcards: explaining([wildcards.method]),
        ties=config["roar"]["seed"],
        seed=repeat_seed,
        code=code("recurse.py", "model", "recipe", "method"),
    script:
        "../workflow_scripts/recurse.py"
