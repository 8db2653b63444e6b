"""What checks ROAR's curves: masks without images -> what they tell; rank maps -> curves with maps made anew."""

LEAKAGE_REPEATS, STEP_BUNDLES = config["roar"]["leakage_repeats"], roar_design.recursive_bundles(config)


for name, cut in roar_design.jobs(config, "leak", LEAKAGE_REPEATS, config["roar"]["bundles"]).items():

    rule:
        name:
            name
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
            ranks=each_input(cut, ranks),
        output:
            accuracy=each_output(cut, LEAKAGE),
        log:
            f"{LOG}/roar/leakage/{{unit}}/{{order}}/{cut.place}.log",
        benchmark:
            f"{LOG}/roar/leakage/{{unit}}/{{order}}/{cut.place}.tsv"
        wildcard_constraints:
            method=SINGLE,
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("leak", each_method(cut), cut.repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            fractions=sorted(config["roar"]["leakage"]),
            members=each_member("leak", cut, {"seed": repeat_seed}, {"ranks": ranks}),
            code=code("leak.py", "model", "recipe"),
        script:
            "../workflow_scripts/leak.py"


# A step's rank maps say what is gone and what goes next: a later fraction adds its own step to those that are done.
for name, cut in roar_design.jobs(config, "recurse", config["roar"]["repeats"], STEP_BUNDLES).items():

    rule:
        name:
            name
        input:
            train=TRAIN_IMAGES,
            test=TEST_IMAGES,
            ranks=each_input(cut, ranks_before),
            background=each_input(cut, own_background),
        output:
            accuracy=each_output(cut, STEP),
            train=each_output(cut, STEP_RANKS.replace("{split}", "train")),
            test=each_output(cut, STEP_RANKS.replace("{split}", "test")),
        log:
            f"{LOG}/recursive_roar/{{fill}}/{{unit}}/{cut.place}/{{fraction}}.log",
        benchmark:
            f"{LOG}/recursive_roar/{{fill}}/{{unit}}/{cut.place}/{{fraction}}.tsv"
        wildcard_constraints:
            method=SINGLE,
        priority: 1
        conda:
            "../envs/torch.yaml"
        threads: THREADS
        resources:
            **asks("recurse", each_method(cut), cut.repeats),
        params:
            model=architecture,
            recipe=recipe,
            training=retraining,
            ties=config["roar"]["seed"],
            members=each_member("recurse", cut, STEPPING, {"ranks": ranks_before, "background": own_background}),
        script:
            "../workflow_scripts/recurse.py"
