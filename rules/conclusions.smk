"""ROAR curves -> what is concluded from them, and the protocol on data whose truth is known."""

CURVED = [name for name in ("roar", "masked_accuracy", "recursive_roar") if name in TABLES]
SELF_RANKING = [row for row in SCORED if row["metric"] in roar_design.protocols(config)]
CONTRASTS = roar_design.contrasts(config)
if CURVES:
    TABLES += ["roar_summary", *(["roar_contrasts"] if CONTRASTS else []), "protocol_agreement", "roar_check"]


rule summarise_roar:
    input:
        roar=TABLE.format(table="roar"),
    output:
        table=TABLE.format(table="roar_summary"),
    log:
        "results/logs/tables/roar_summary.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        control=design.control(config),
        code=code("summarise_roar.py"),
    script:
        "../workflow_scripts/summarise_roar.py"


rule contrast_roar:
    input:
        roar=TABLE.format(table="roar"),
    output:
        table=TABLE.format(table="roar_contrasts"),
    log:
        "results/logs/tables/roar_contrasts.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        pairs=CONTRASTS,
        control=design.control(config),
        code=code("contrast_roar.py"),
    script:
        "../workflow_scripts/contrast_roar.py"


rule agree_protocols:
    input:
        curves=paths(TABLE, [{"table": name} for name in CURVED]),
        scores=paths(SUMMARY, SELF_RANKING),
    output:
        table=TABLE.format(table="protocol_agreement"),
    log:
        "results/logs/tables/protocol_agreement.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        groups=roar_design.protocol_groups(config),
        code=code("agree_protocols.py"),
    script:
        "../workflow_scripts/agree_protocols.py"


rule check_roar:
    output:
        table=TABLE.format(table="roar_check"),
    log:
        "results/logs/tables/roar_check.log",
    conda:
        "../envs/report.yaml"
    resources:
        **asks("table"),
    params:
        code=code("check_roar.py"),
    script:
        "../workflow_scripts/check_roar.py"
