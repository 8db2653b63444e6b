"""Names of the artifacts, and what makes one out of date."""

import atexit
import functools
import itertools

from saliency_benchmark import (
    alignment_design,
    design,
    files,
    initialisation,
    provenance,
    registry,
    roar_design,
    series,
    sizes,
    utility_design,
)
from saliency_benchmark.provenance import code_digest

# What was found in files of code the last time; digests are asked for until the end.
CODE_NOTES = Path.cwd() / ".snakemake/saliency_benchmark_code.json"
provenance.recall(CODE_NOTES)
if workflow.is_main_process:
    atexit.register(provenance.note, CODE_NOTES)

IMAGES = "results/{dataset}/images/{split}.h5"
TRAIN_IMAGES = "results/{dataset}/images/train.h5"
TEST_IMAGES = "results/{dataset}/images/test.h5"
MODEL = "results/{dataset}/{model}/{recipe}/seed-{seed}/model.h5"
QUALITY = "results/{dataset}/{model}/{recipe}/seed-{seed}/quality.csv"
CALIBRATION = "results/{dataset}/{model}/{recipe}/seed-{seed}/calibration.csv"
MAPS = "results/{dataset}/{model}/{recipe}/seed-{seed}/maps/{method}/{split}.h5"
TEST_MAPS = "results/{dataset}/{model}/{recipe}/seed-{seed}/maps/{method}/test.h5"
RANKS = "results/{dataset}/{model}/{recipe}/seed-{seed}/ranks/{unit}/{method}/{split}.h5"
RETRAINED = "results/{dataset}/{model}/{recipe}/seed-{seed}/roar/{fill}/{unit}/{order}/{method}/repeat-{repeat}.csv"
ENDS = "results/{dataset}/{model}/{recipe}/seed-{seed}/roar/{fill}/ends/repeat-{repeat}.csv"
LEAKAGE = "results/{dataset}/{model}/{recipe}/seed-{seed}/roar/leakage/{unit}/{order}/{method}/repeat-{repeat}.csv"
DEGRADED = "results/{dataset}/{model}/{recipe}/seed-{seed}/roar/degraded/{method}.csv"
STEP = "results/{dataset}/{model}/{recipe}/seed-{seed}/recursive_roar/{fill}/{unit}/{method}/repeat-{repeat}/{fraction}.csv"
STEP_RANKS = "results/{dataset}/{model}/{recipe}/seed-{seed}/recursive_roar/{fill}/{unit}/{method}/repeat-{repeat}/{fraction}-{split}.h5"
READINGS = "results/{dataset}/{model}/{recipe}/seed-{seed}/readings/{probe}/{method}.h5"
MODEL_READINGS = "results/{dataset}/{model}/{recipe}/seed-{seed}/readings/{probe}.h5"
SCORES = "results/{dataset}/{model}/{recipe}/seed-{seed}/scores/{metric}.h5"
SUMMARY = "results/{dataset}/{model}/{recipe}/seed-{seed}/summary/{metric}.csv"
AGREEMENT = "results/{dataset}/{model}/{recipe}/seed-{seed}/agreement/{metric}.csv"
SIZE = "results/{dataset}/{model}/{recipe}/seed-{seed}/benchmark_size/{metric}.csv"
SIZE_CURVE = "results/{dataset}/{model}/{recipe}/seed-{seed}/benchmark_size_curve/{metric}.csv"
METRIC_AGREEMENT = "results/{dataset}/{model}/{recipe}/seed-{seed}/metric_agreement.csv"
RANKING = "results/{dataset}/{model}/{recipe}/seed-{seed}/ranking/{metric}.csv"
DIFFERENCE = "results/{dataset}/{model}/agreement_difference/{metric}.csv"
ALIGNMENT = "results/{dataset}/{model}/{recipe}/seed-{seed}/alignment/{masks}/{tuned}/{method}"
ROBUSTNESS = f"{ALIGNMENT}/robustness.csv"
COPIES = f"{ALIGNMENT}/models.csv"
ALIGNMENT_CURVES = f"{ALIGNMENT}/curves.csv"
COPY = f"{ALIGNMENT}/{{direction}}/model.h5"
COPY_MAPS = f"{ALIGNMENT}/{{direction}}/maps.h5"
CONTROL_COPY = "results/{dataset}/{model}/{recipe}/seed-{seed}/alignment/control/model.h5"
MAPS_SHARD = "results/{dataset}/{model}/{recipe}/seed-{seed}/maps/{method}/{split}-{shard}-of-{shards}.h5"
READINGS_SHARD = "results/{dataset}/{model}/{recipe}/seed-{seed}/readings/{probe}/{method}-{shard}-of-{shards}.h5"
PAIR_MODEL = "results/{dataset}/{model}/{recipe}/seed-{seed}/utility/models/{pair}/{labelling}/model.h5"
QUESTIONS = "results/{dataset}/{model}/{recipe}/seed-{seed}/utility/{task}/questions.h5"
ITEM_MAPS = "results/{dataset}/{model}/{recipe}/seed-{seed}/utility/{task}/maps/{explanation}.h5"
ITEMS = "results/{dataset}/{model}/{recipe}/seed-{seed}/utility/{task}/items.h5"
SIMULATED = "results/{dataset}/{model}/{recipe}/utility/{task}/{explanation}.csv"
TABLE = "results/tables/{table}.csv"
REPORT = "results/report.html"
LOG = "results/logs/{dataset}/{model}/{recipe}/seed-{seed}"


def any_of(names):
    return "|".join(re.escape(name) for name in names) or "(?!)"


wildcard_constraints:
    dataset=any_of(config["datasets"]),
    model=any_of(config["models"]),
    recipe=any_of(config["recipes"]),
    seed=r"\d+",
    split="train|test",
    method=any_of(config["methods"]),
    probe=any_of(config["probes"]),
    metric=any_of(config["metrics"]),
    fill=any_of(config["roar"]["fill"]),
    unit=any_of(config["roar"]["unit"]),
    order=any_of(config["roar"]["orders"]),
    repeat=r"\d+",
    fraction=any_of(map(str, roar_design.recursive_fractions(config))),
    masks=any_of(config["alignment"]["masks"]),
    tuned=any_of(map(str, config["alignment"].get("labels", [alignment_design.ALL]))),
    direction="aligned|misaligned",
    shard=r"\d+",
    shards=r"\d+",
    pair=r"\d+-\d+",
    labelling=any_of(utility_design.LABELLINGS),
    task=any_of(utility_design.TASKS),
    explanation=any_of([*utility_design.CONTROLS, *config["methods"]]),


# Which files stand behind each digest of code that this run asked for.
CODES = {}


def code(script, *kinds, also=(), **more):
    """Digest of SCRIPT, of the registry file that the wildcard of each of KINDS (method, ...) names, of ALSO and MORE.

    ALSO: files; MORE: labels by registry.
    """

    @functools.cache
    def of(*pairs):
        entries = [file for kind, label in pairs for file in registry.files(kind, label, config[kind][label])]
        found = code_digest(script, *entries, *also)
        CODES[found] = [script, *entries, *also]
        return found

    always = [(kind, label) for kind, labels in more.items() for label in labels]
    return lambda wildcards: of(*((f"{kind}s", wildcards[kind]) for kind in kinds), *always)


@functools.cache
def contents(path):
    return files.content(path)


def given_model(wildcards):
    """What decides a model before training: its entry; for a file of weights stands what it holds, not where it is."""
    entry = initialisation.entry(config, wildcards.dataset, wildcards.model)
    told = {key: value for key, value in entry.items() if key != "training"}
    return told | ({"weights": contents(entry["weights"])} if "weights" in entry else {})


def pretrained(wildcards):
    """The model whose weights a training begins with, if it is one of this run."""
    before = initialisation.source(config, wildcards.dataset, wildcards.model)
    return [MODEL.format(**{**wildcards, **before})] if before else []


def architecture(wildcards):
    """What ROAR trains anew from random weights: the entry without what concerns weights of its own."""
    own = ("weights", "train", "pretrained", "training")
    return {key: value for key, value in config["models"][wildcards.model].items() if key not in own}


def recipe(wildcards):
    """What decides how to train: the recipe's entry without what says for which seeds."""
    return design.recipe(config, wildcards.recipe)


def training(wildcards):
    """Training settings of the model on the data set; not how often a state is saved."""
    return design.taught(config, wildcards.dataset, wildcards.model)


def retraining(wildcards):
    """The same without what chooses by validation images: ROAR trains on all images, and its last epoch counts."""
    return {key: value for key, value in training(wildcards).items() if key not in design.BY_VALIDATION}


def paths(template, rows):
    return [template.format(**row) for row in rows]


def source(wildcards):
    """What decides a data set's images: its entry without what concerns training.

    For a folder of the user's stands what lies in it, not where it is: it may move, and no artifact names a path. What
    a download brings is decided by the rest of the entry.
    """
    entry, folders = config["datasets"][wildcards.dataset], design.folders(config, wildcards.dataset)
    kept = {key: entry[key] for key in ("file", "call") if key in entry}
    return kept | {"options": design.with_folders(entry["options"], lying_in, folders)}


def lying_in(path, options):
    """What stands for the folder PATH of a data set of OPTIONS."""
    return "downloaded" if options.get("download") else files.listing(path)


@functools.cache
def asks_background(label):
    return design.asks(config, label, "background")


def background(labels):
    """The training images, if one of the methods LABELS asks for some of them."""
    return TRAIN_IMAGES if any(map(asks_background, labels)) else []


def explaining(labels):
    """Settings of `explain` that concern the methods LABELS."""
    shared = {key: config["explain"][key] for key in ("target", "output", "rows") if key in config["explain"]}
    return shared | ({"background": config["explain"]["background"]} if background(labels) else {})


def initialised(wildcards):
    """What tables call a model whose architecture and beginning are two things: its names for both."""
    about = config, wildcards.dataset, wildcards.model
    return {"model": initialisation.architecture(*about), "initialisation": initialisation.name(*about)}


def regions(wildcards):
    """What stands for the regions in fine-tuning, and whose images are explained."""
    moved = {key: config["alignment"][key] for key in alignment_design.DECIDING[wildcards.masks]}
    return {"masks": wildcards.masks, "tuned": wildcards.tuned, **moved}


ASKED = utility_design.asked(config)
EXPLANATIONS = utility_design.explanations(config) if ASKED else []


def pair_models(wildcards):
    """For each pair of labels the clean model and the mislabelled one."""
    rows = itertools.product(utility_design.pairs(config), utility_design.LABELLINGS)
    return paths(PAIR_MODEL, [{**wildcards, "pair": pair, "labelling": labelling} for pair, labelling in rows])


def questioned(wildcards):
    """The models that the questions of a task are about."""
    return pair_models(wildcards) if wildcards.task == utility_design.SELECTION else paths(MODEL, [wildcards])


def explaining_items(wildcards):
    """Settings of `explain` that concern the maps of items; what is explained is the class that a model predicts."""
    return {key: value for key, value in explaining([wildcards.explanation]).items() if key != "target"}


def alike(wildcards):
    """Keys of all items that differ by the seed of the trained model alone."""
    kinds = ("dataset", "model", "recipe", "task")
    rows = [row for row in ASKED if all(row[name] == wildcards[name] for name in kinds)]
    return [{**row, "explanation": wildcards.explanation} for row in rows]


# How the rankings are analysed; whom recipes are compared with concerns the comparison alone.
ANALYSIS = {key: config["agreement"][key] for key in ("level", "confidence", "resamples", "seed")}

# How probes ask.
PROBING = {key: config["scoring"][key] for key in ("images", "rows", "backend") if key in config["scoring"]}


def explaining_method(method, probes):
    """The entry of METHOD where one of PROBES wants new maps of it."""
    return {method: config["methods"][method]} if any(design.explains(config, probe) for probe in probes) else {}


def explaining_again(method, probes):
    """Settings of `explain` for new maps, with the number of training images where a probe or the method wants some."""
    if not explaining_method(method, probes):
        return {}
    wanted = {"background": config["explain"]["background"]} if probing_background(method, probes) else {}
    return explaining([method]) | wanted


def probing_background(method, probes):
    """The training images, where new maps are wanted and one of PROBES, or METHOD, asks for some."""
    if not explaining_method(method, probes):
        return []
    return TRAIN_IMAGES if any(design.looks_at_training(config, probe) for probe in probes) else background([method])


def probing_code(wildcards, probes):
    methods = [wildcards.method] if explaining_method(wildcards.method, probes) else []
    return code("probe.py", "model", methods=methods, probes=probes)(wildcards)


def readings(wildcards):
    """Readings of the metric's probe: for each method, or one file for all; none where it has no probe."""
    probe = design.probe_of(config, wildcards.metric)
    if probe is None:
        return []
    template = MODEL_READINGS if design.of_model(config, probe) else READINGS
    return list(dict.fromkeys(paths(template, [{**row, "probe": probe} for row in explained(wildcards)])))


def maps(wildcards):
    """The maps of each method, where the metric looks at them."""
    return paths(TEST_MAPS, explained(wildcards)) if design.reads_maps(config, wildcards.metric) else []


def explained(wildcards):
    return [{**wildcards, "method": method} for method in design.methods(config, wildcards.dataset)]


def scores(wildcards):
    """Scores of one trained model under every metric."""
    return paths(SCORES, [{**wildcards, "metric": metric} for metric in design.metrics(config, wildcards.dataset)])


def directed(wildcards):
    """What tells which way each metric is better: its entry without options, which scores have in them."""
    named = design.metrics(config, wildcards.dataset)
    return {
        label: {key: value for key, value in config["metrics"][label].items() if key in ("file", "call")}
        for label in named
    }


def compared_scores(wildcards):
    """Scores of every recipe and seed, under one metric."""
    rows = design.runs(config, wildcards.dataset, wildcards.model)
    return paths(SCORES, [{**row, "metric": wildcards.metric} for row in rows])


def part(wildcards):
    """The images of a shard."""
    return sizes.part(config, int(wildcards.shard), int(wildcards.shards))


def shard_probing(wildcards):
    """How probes ask about a shard: up to the last image that is scored."""
    return {**PROBING, "images": sizes.scored_part(config, int(wildcards.shard))}


def map_shards(wildcards):
    number = sizes.shards(config, sizes.images(config, wildcards.dataset, wildcards.split))
    return paths(MAPS_SHARD, [{**wildcards, "shard": shard, "shards": number} for shard in range(number)])


def reading_shards(wildcards):
    number = sizes.shards(config, sizes.scored(config, wildcards.dataset))
    return paths(READINGS_SHARD, [{**wildcards, "shard": shard, "shards": number} for shard in range(number)])


def maps_of_shard(wildcards):
    """Maps of the same images: shards of maps are as large, and there may be more of them."""
    number = sizes.shards(config, sizes.images(config, wildcards.dataset, "test"))
    return MAPS_SHARD.format(**{**wildcards, "split": "test", "shards": number})
