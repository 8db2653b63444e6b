"""Parts of the run -> tidy tables of all of it."""

TRAINED = design.trained(config)
SCORED = [{**row, "metric": metric} for row in TRAINED for metric in design.metrics(config, row["dataset"])]
COMPARED = [
    {**row, "metric": metric} for row in design.compared(config) for metric in design.metrics(config, row["dataset"])
]
CURVES = [
    {**row, "fill": fill, "unit": unit, "order": order, "method": method, "repeat": repeat}
    for row in roar_design.retrained(config)
    for fill in config["roar"]["fill"]
    for unit in config["roar"]["unit"]
    for order in config["roar"]["orders"]
    for method in roar_design.methods(config, row["dataset"])
    for repeat in range(config["roar"]["repeats"])
]
LEAKS = [
    {**row, "unit": unit, "order": order, "method": method, "repeat": repeat}
    for row in (roar_design.retrained(config) if config["roar"]["leakage"] else [])
    for unit in config["roar"]["unit"]
    for order in config["roar"]["orders"]
    for method in roar_design.methods(config, row["dataset"])
    for repeat in range(config["roar"]["leakage_repeats"])
]
RETRAINED_ENDS = [
    {**row, "fill": fill, "repeat": repeat}
    for row in roar_design.retrained(config)
    for fill in config["roar"]["fill"]
    for repeat in range(roar_design.baselines(config))
]
STEPS = [
    {**row, "order": "remove", "fill": fill, "unit": unit, "method": method, "repeat": repeat, "fraction": fraction}
    for row in roar_design.retrained(config)
    for fill in config["roar"]["fill"]
    for unit in config["roar"]["unit"]
    for method in roar_design.recursive_methods(config, row["dataset"])
    for repeat in range(config["roar"]["repeats"])
    for fraction in roar_design.recursive_fractions(config)
]
PAIRS = alignment_design.pairs(config)
PARTS = {
    "models": paths(QUALITY, TRAINED),
    "calibration": paths(CALIBRATION, TRAINED),
    "summary": paths(SUMMARY, SCORED),
    "agreement": paths(AGREEMENT, SCORED),
    "metric_agreement": list(dict.fromkeys(paths(METRIC_AGREEMENT, SCORED))),
    "benchmark_size": paths(SIZE, SCORED),
    "benchmark_size_curve": paths(SIZE_CURVE, SCORED),
    "ranking": paths(RANKING, SCORED),
    **({"masked_accuracy": list(dict.fromkeys(paths(DEGRADED, CURVES)))} if CURVES else {}),
    **({"agreement_difference": paths(DIFFERENCE, COMPARED)} if COMPARED else {}),
}
if PAIRS:
    PARTS["robustness"] = paths(ROBUSTNESS, PAIRS)
    PARTS["alignment_models"] = paths(COPIES, PAIRS)
    PARTS["alignment_curves"] = paths(ALIGNMENT_CURVES, PAIRS)
ANSWERED = [{**row, "explanation": name} for row in ASKED for name in EXPLANATIONS]
if ANSWERED:
    PARTS["utility"] = list(dict.fromkeys(paths(SIMULATED, ANSWERED)))
EXPLAINED = [
    {**row, "method": method, "split": "test"} for row in TRAINED for method in design.methods(config, row["dataset"])
]
INTERPOLATED = series.interpolations(config)
TABLES = [*PARTS, "scores", "map_quality", *(["roar", "roar_ends"] if CURVES else [])]
TABLES += [*(["leakage"] if LEAKS else []), *(["recursive_roar"] if STEPS else [])]
TABLES += ["interpolation"] if INTERPOLATED else []


rule tabulate:
    input:
        parts=lambda wildcards: PARTS[wildcards.table],
    output:
        table=TABLE,
    log:
        "results/logs/tables/{table}.log",
    wildcard_constraints:
        table=any_of(PARTS),
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        code=code("tabulate.py"),
    script:
        "../workflow_scripts/tabulate.py"


rule tabulate_scores:
    input:
        scores=paths(SCORES, SCORED),
    output:
        table=TABLE.format(table="scores"),
    log:
        "results/logs/tables/scores.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=SCORED,
        code=code("tabulate_scores.py"),
    script:
        "../workflow_scripts/tabulate_scores.py"


rule tabulate_map_quality:
    input:
        maps=paths(MAPS, EXPLAINED),
    output:
        table=TABLE.format(table="map_quality"),
    log:
        "results/logs/tables/map_quality.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=EXPLAINED,
        code=code("tabulate_map_quality.py"),
    script:
        "../workflow_scripts/tabulate_map_quality.py"


rule tabulate_interpolation:
    input:
        agreement=TABLE.format(table="agreement"),
    output:
        table=TABLE.format(table="interpolation"),
    log:
        "results/logs/tables/interpolation.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=INTERPOLATED,
        code=code("tabulate_interpolation.py"),
    script:
        "../workflow_scripts/tabulate_interpolation.py"


rule tabulate_roar:
    input:
        accuracy=paths(RETRAINED, CURVES),
        ends=paths(ENDS, CURVES),
    output:
        table=TABLE.format(table="roar"),
    log:
        "results/logs/tables/roar.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=CURVES,
        code=code("tabulate_roar.py"),
    script:
        "../workflow_scripts/tabulate_roar.py"


rule tabulate_ends:
    input:
        accuracy=paths(ENDS, RETRAINED_ENDS),
    output:
        table=TABLE.format(table="roar_ends"),
    log:
        "results/logs/tables/roar_ends.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=RETRAINED_ENDS,
        code=code("tabulate_ends.py"),
    script:
        "../workflow_scripts/tabulate_ends.py"


rule tabulate_leakage:
    input:
        accuracy=paths(LEAKAGE, LEAKS),
    output:
        table=TABLE.format(table="leakage"),
    log:
        "results/logs/tables/leakage.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=LEAKS,
        code=code("tabulate_leakage.py"),
    script:
        "../workflow_scripts/tabulate_leakage.py"


rule tabulate_recursive_roar:
    input:
        accuracy=paths(STEP, STEPS),
        ends=paths(ENDS, STEPS),
    output:
        table=TABLE.format(table="recursive_roar"),
    log:
        "results/logs/tables/recursive_roar.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        rows=STEPS,
        code=code("tabulate_recursive_roar.py"),
    script:
        "../workflow_scripts/tabulate_recursive_roar.py"
