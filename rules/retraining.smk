"""How retrainings are cut into jobs, and what each one is told."""


class Names(dict):
    """Wildcards, which are attributes too."""

    __getattr__ = dict.__getitem__


def several(job):
    """What tells the works of JOB apart: method, repeat, both; nothing where the wildcards tell it."""
    many = {"method": job.methods, "repeat": job.repeats}
    lists = [[(name, one) for one in some] for name, some in many.items() if some]
    return [dict(pairs) for pairs in itertools.product(*lists)]


def each_work(job, wildcards):
    """For every work of JOB what tells it, and the wildcards that a job of its own would have."""
    return [(about, Names(wildcards, **about)) for about in several(job)]


def each_output(job, template):
    """TEMPLATE for every work of JOB, in their order."""
    return [expand(template, allow_missing=True, **about)[0] for about in several(job)]


def each_input(job, tell):
    """What TELL gives for the wildcards of all works of JOB."""
    return lambda wildcards: list(
        dict.fromkeys(path for _, one in each_work(job, wildcards) for path in files.listed(tell(one)))
    )


def each_method(job):
    return lambda wildcards: job.methods or (wildcards.method,)


def each_member(rule, job, settings, inputs):
    """The param `members` (saliency_benchmark/members.py) for the works of JOB, which RULE would do one by one.

    SETTINGS, INPUTS: by name what each one has of its own, functions of its wildcards.
    """

    def of(wildcards):
        return [
            {
                "rule": rule,
                "wildcards": about,
                "settings": {name: tell(one) for name, tell in settings.items()},
                "inputs": {name: files.listed(tell(one)) for name, tell in inputs.items()},
            }
            for about, one in each_work(job, wildcards)
        ]

    return of


def repeat_seed(wildcards):
    """Methods share the seeds of their repeats, so that their curves differ by the method alone."""
    return f"seed {wildcards.seed} repeat {wildcards.repeat}"


def first_repeat_seed(wildcards):
    """That of the first repeat: `linear` imputes with the same noise."""
    return f"seed {wildcards.seed} repeat 0"


def removal(wildcards):
    """What is removed from the images, and what stands there then; CONTROL only where it is not what methods do."""
    told = {"fractions": sorted(config["roar"]["fractions"]), "order": wildcards.order, "fill": wildcards.fill}
    drawn = wildcards.method == design.control(config) and config["roar"]["control"] != "fixed"
    return told | ({"control": config["roar"]["control"]} if drawn else {})


def ranks(wildcards):
    """Rank maps of both splits."""
    return paths(RANKS, [{**wildcards, "split": split} for split in ("train", "test")])


def ranks_before(wildcards):
    """Rank maps that a step of recursive ROAR begins with: those of the step before, or at first ROAR's own."""
    earlier = [str(one) for one in roar_design.recursive_fractions(config) if one < float(wildcards.fraction)]
    if not earlier:
        return ranks(wildcards)
    return paths(STEP_RANKS, [{**wildcards, "fraction": earlier[-1], "split": split} for split in ("train", "test")])


def test_ranks(wildcards):
    """Ranks of the test images, for each unit."""
    return paths(RANKS, [{**wildcards, "unit": unit, "split": "test"} for unit in config["roar"]["unit"]])


def own_background(wildcards):
    return background([wildcards.method])


# What each step of recursive ROAR has of its own: maps of its method by the network that it retrained.
STEPPING = {
    "seed": repeat_seed,
    "method": lambda wildcards: {wildcards.method: config["methods"][wildcards.method]},
    "explain": lambda wildcards: explaining([wildcards.method]),
    "code": code("recurse.py", "model", "recipe", "method"),
}
