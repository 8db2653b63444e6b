"""RemOve And Retrain: maps -> rank maps -> accuracy on masked images, which are never written, with and without it."""


rule rank:
    input:
        maps=MAPS,
    output:
        ranks=RANKS,
    log:
        f"{LOG}/rank/{{unit}}/{{method}}/{{split}}.log",
    benchmark:
        f"{LOG}/rank/{{unit}}/{{method}}/{{split}}.tsv"
    priority: 1
    conda:
        "../envs/torch.yaml"
    resources:
        **asks("rank"),
    params:
        seed=config["roar"]["seed"],
        levels=roar_design.levels(config),
        code=code("rank.py"),
    script:
        "../workflow_scripts/rank.py"


rule retrain:
    input:
        train=TRAIN_IMAGES,
        test=TEST_IMAGES,
        ranks=expand(RANKS, split=["train", "test"], allow_missing=True),
    output:
        accuracy=RETRAINED,
    log:
        f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}.log",
    benchmark:
        f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("retrain"),
    params:
        model=architecture,
        recipe=recipe,
        training=retraining,
        removal=removal,
        seed=repeat_seed,
        code=code("retrain.py", "model", "recipe"),
    script:
        "../workflow_scripts/retrain.py"


# Several of these in one job, which leaves each one's file as it would be by itself.
REPEATS = config["roar"]["repeats"]
RETRAININGS = roar_design.jobs(config, REPEATS)
IN_A_BUNDLE = {label for members in config["roar"]["bundles"].values() for label in members}


for name, (place, labels, repeats) in RETRAININGS.items():

    rule:
        name:
            f"retrain_{name}"
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
            ranks=each_of(RANKS, method=labels, split=["train", "test"]),
        output:
            accuracy=each_of(RETRAINED, method=labels, repeat=repeats),
        log:
            f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{place}.log",
        benchmark:
            f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{place}.tsv"
        wildcard_constraints:
            method=any_of(label for label in config["methods"] if label not in IN_A_BUNDLE),
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("retrain", lambda wildcards, labels=tuple(labels): labels, repeats=repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            members=own_to_each(repeats, labels, ["seed", "removal"]),
            code=code("retrain.py", "model", "recipe"),
        script:
            "../workflow_scripts/retrain.py"


# The ends of every curve: nothing removed, and everything. They are the same for all methods.
rule retrain_ends:
    input:
        train=TRAIN_IMAGES,
        test=TEST_IMAGES,
    output:
        accuracy=ENDS,
    log:
        f"{LOG}/roar/{{fill}}/ends/repeat-{{repeat}}.log",
    benchmark:
        f"{LOG}/roar/{{fill}}/ends/repeat-{{repeat}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("retrain_ends"),
    params:
        model=architecture,
        recipe=recipe,
        training=retraining,
        seed=repeat_seed,
        code=code("retrain_ends.py", "model", "recipe"),
    script:
        "../workflow_scripts/retrain_ends.py"


for repeats, (name, place) in roar_design.repeats(config, REPEATS).items():
    if repeats:

        rule:
            name:
                f"retrain_ends_{name}"
            input:
                train=TRAIN_IMAGES,
                test=TEST_IMAGES,
            output:
                accuracy=each_of(ENDS, repeat=repeats),
            log:
                f"{LOG}/roar/{{fill}}/ends/{place}.log",
            benchmark:
                f"{LOG}/roar/{{fill}}/ends/{place}.tsv"
            conda:
                "../envs/torch.yaml"
            threads: THREADS
            resources:
                **asks("retrain_ends", repeats=repeats),
            params:
                model=architecture,
                recipe=recipe,
                training=retraining,
                members=own_to_each(repeats, [], ["seed"]),
                code=code("retrain_ends.py", "model", "recipe"),
            script:
                "../workflow_scripts/retrain_ends.py"


# The same removals without retraining: passes alone, so that one job does all of a method's.
rule degrade:
    input:
        model=MODEL,
        images=TEST_IMAGES,
        ranks=test_ranks,
    output:
        accuracy=DEGRADED,
    log:
        f"{LOG}/roar/degraded/{{method}}.log",
    benchmark:
        f"{LOG}/roar/degraded/{{method}}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("degrade"),
    params:
        units=config["roar"]["unit"],
        removals=roar_design.removals(config),
        seed=first_repeat_seed,
        code=code("degrade.py", "model"),
    script:
        "../workflow_scripts/degrade.py"


# A file that one of them makes is not made alone.
for name in RETRAININGS:
    workflow.ruleorder(f"retrain_{name}", "retrain")
for repeats, (name, _) in roar_design.repeats(config, REPEATS).items():
    if repeats:
        workflow.ruleorder(f"retrain_ends_{name}", "retrain_ends")
