"""Trained models and test images -> questions with every map, and how simulated users answer them."""

SHOWN_METHODS = utility_design.methods(config) if ASKED else []


rule mislabel:
    input:
        images=TRAIN_IMAGES,
        pretrained=pretrained,
    output:
        model=PAIR_MODEL,
    log:
        f"{LOG}/utility/models/{{pair}}/{{labelling}}.log",
    benchmark:
        f"{LOG}/utility/models/{{pair}}/{{labelling}}.tsv"
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
        cue=utility_design.cue(config),
        code=code("mislabel.py", "model", "recipe"),
    script:
        "../workflow_scripts/mislabel.py"


rule pose_selection:
    input:
        models=lambda wildcards: pair_models(wildcards),
        images=TEST_IMAGES,
    output:
        questions=QUESTIONS.replace("{task}", utility_design.SELECTION),
    log:
        f"{LOG}/utility/{utility_design.SELECTION}.log",
    benchmark:
        f"{LOG}/utility/{utility_design.SELECTION}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("pose"),
    params:
        pairs=utility_design.pairs(config),
        cue=utility_design.cue(config),
        drawn=utility_design.drawn(config),
        code=code("pose_selection.py", "model"),
    script:
        "../workflow_scripts/pose_selection.py"


rule pose_simulation:
    input:
        model=MODEL,
        images=TEST_IMAGES,
    output:
        questions=QUESTIONS.replace("{task}", utility_design.SIMULATION),
    log:
        f"{LOG}/utility/{utility_design.SIMULATION}.log",
    benchmark:
        f"{LOG}/utility/{utility_design.SIMULATION}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("pose"),
    params:
        shift=utility_design.shift(config),
        cells=config["utility"]["grid"],
        exact=config["utility"]["exact"],
        drawn=utility_design.drawn(config),
        code=code("pose_simulation.py", "model", shifts=utility_design.shift(config)),
    script:
        "../workflow_scripts/pose_simulation.py"


rule explain_items:
    input:
        models=lambda wildcards: questioned(wildcards),
        questions=QUESTIONS,
        background=lambda wildcards: background([wildcards.explanation]),
    output:
        maps=ITEM_MAPS,
    log:
        f"{LOG}/utility/{{task}}/{{explanation}}.log",
    benchmark:
        f"{LOG}/utility/{{task}}/{{explanation}}.tsv"
    wildcard_constraints:
        explanation=any_of(SHOWN_METHODS),
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("explain_items", one_explanation),
    params:
        method=lambda wildcards: {wildcards.explanation: config["methods"][wildcards.explanation]},
        explain=explaining_items,
        code=lambda wildcards: code("explain_items.py", "model", methods=[wildcards.explanation])(wildcards),
    script:
        "../workflow_scripts/explain_items.py"


rule control_items:
    input:
        questions=QUESTIONS,
        maps=[ITEM_MAPS.replace("{explanation}", label) for label in SHOWN_METHODS[:1]],
    output:
        **{name: ITEM_MAPS.replace("{explanation}", name) for name in utility_design.CONTROLS},
    log:
        f"{LOG}/utility/{{task}}/controls.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        seed=config["utility"]["seed"],
        code=code("control_items.py"),
    script:
        "../workflow_scripts/control_items.py"


rule join_items:
    input:
        questions=QUESTIONS,
        maps=lambda wildcards: paths(ITEM_MAPS, [{**wildcards, "explanation": name} for name in EXPLANATIONS]),
    output:
        asked=ITEMS,
    log:
        f"{LOG}/utility/{{task}}/items.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        explanations=EXPLANATIONS,
        code=code("join_items.py"),
    script:
        "../workflow_scripts/join_items.py"


rule simulate:
    input:
        questions=lambda wildcards: paths(QUESTIONS, alike(wildcards)),
        maps=lambda wildcards: paths(ITEM_MAPS, alike(wildcards)),
    output:
        table=SIMULATED,
    log:
        "results/logs/{dataset}/{model}/{recipe}/utility/{task}/{explanation}.log",
    benchmark:
        "results/logs/{dataset}/{model}/{recipe}/utility/{task}/{explanation}.tsv"
    conda:
        "../envs/torch.yaml"
    threads: THREADS
    resources:
        **asks("simulate"),
    params:
        seeds=lambda wildcards: [row["seed"] for row in alike(wildcards)],
        users=utility_design.users(config),
        code=code("simulate.py"),
    script:
        "../workflow_scripts/simulate.py"
