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


# Methods that no bundle has.
SINGLE = any_of(
    label for label in config["methods"] if label not in itertools.chain(*config["roar"]["bundles"].values())
)


for name, cut in roar_design.jobs(config, "retrain", config["roar"]["repeats"], config["roar"]["bundles"]).items():

    rule:
        name:
            name
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
            ranks=each_input(cut, ranks),
        output:
            accuracy=each_output(cut, RETRAINED),
        log:
            f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{cut.place}.log",
        benchmark:
            f"{LOG}/roar/{{fill}}/{{unit}}/{{order}}/{cut.place}.tsv"
        wildcard_constraints:
            method=SINGLE,
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("retrain", each_method(cut), cut.repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            members=each_member("retrain", cut, {"seed": repeat_seed, "removal": removal}, {"ranks": ranks}),
            code=code("retrain.py", "model", "recipe"),
        script:
            "../workflow_scripts/retrain.py"


# The ends of every curve: nothing removed, and everything. They are the same for all methods.
for name, cut in roar_design.repeats(config, "retrain_ends", roar_design.baselines(config)).items():

    rule:
        name:
            name
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
        output:
            accuracy=each_output(cut, ENDS),
        log:
            f"{LOG}/roar/{{fill}}/ends/{cut.place}.log",
        benchmark:
            f"{LOG}/roar/{{fill}}/ends/{cut.place}.tsv"
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("retrain_ends", repeats=cut.repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            members=each_member("retrain_ends", cut, {"seed": repeat_seed}, {}),
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
