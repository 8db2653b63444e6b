"""The mixed model and the two-way errors behind a study: against brute force, closed forms and planted effects."""

import numpy as np
import pytest
from scipy import optimize, special, stats

from saliency_benchmark.study_analysis import latent, mixed_model, two_way
from saliency_benchmark.study_analysis.laplace import Laplace


def crossed(people=12, items=7, share=0.8, seed=0):
    """Trials of a crossed design with gaps: participant, item, and a design of three terms."""
    rng = np.random.default_rng(seed)
    participant, item = np.repeat(np.arange(people), items), np.tile(np.arange(items), people)
    kept = rng.random(people * items) < share
    participant, item = participant[kept], item[kept]
    design = np.stack([np.ones(len(item)), participant % 2, rng.normal(size=len(item))], 1)
    return participant, item, design, (rng.random(len(item)) < 0.6).astype(float)


def brute(parameters, participant, item, design, correct):
    """Laplace's deviance with a general minimiser and a dense determinant."""
    sizes, terms = (participant.max() + 1, item.max() + 1), design.shape[1]
    loadings = np.zeros((len(item), sum(sizes)))
    loadings[np.arange(len(item)), participant] = parameters[terms]
    loadings[np.arange(len(item)), sizes[0] + item] = parameters[terms + 1]
    fixed = design @ parameters[:terms]

    def loss(modes):
        total = fixed + loadings @ modes
        slope = loadings.T @ (special.expit(total) - correct) + modes
        return (np.logaddexp(0, total) - correct * total).sum() + modes @ modes / 2, slope

    def bend(modes):
        predicted = special.expit(fixed + loadings @ modes)
        return (loadings.T * (predicted * (1 - predicted))) @ loadings + np.eye(sum(sizes))

    options = {"method": "trust-exact", "options": {"gtol": 1e-9, "initial_trust_radius": 10, "max_trust_radius": 100}}
    found = optimize.minimize(loss, np.zeros(sum(sizes)), jac=True, hess=bend, **options)
    return 2 * found.fun + np.linalg.slogdet(bend(found.x))[1]


@pytest.mark.parametrize("scales", [(0.6, 0.9), (1.7, 0.2), (0.0, 1.0)])
def test_the_deviance_is_that_of_a_general_minimiser_and_a_dense_determinant(scales):
    participant, item, design, correct = crossed()
    at = np.array([0.3, -0.4, 0.2, *scales])
    found, slope = Laplace(design, correct, participant, item)(at)
    assert found == pytest.approx(brute(at, participant, item, design, correct), abs=1e-6)
    moves = 1e-4 * np.eye(5)
    numbers = [
        (brute(at + move, participant, item, design, correct) - brute(at - move, participant, item, design, correct))
        / 2e-4
        for move in moves
    ]
    assert slope == pytest.approx(numbers, abs=2e-3)


def test_the_gradient_is_that_of_the_deviance_to_many_digits():
    participant, item, design, correct = crossed(seed=3)
    model, at = Laplace(design, correct, participant, item), np.array([0.1, 0.5, -0.3, 0.8, 0.7])
    numbers = [(model(at + move)[0] - model(at - move)[0]) / 2e-5 for move in 1e-5 * np.eye(5)]
    assert model(at)[1] == pytest.approx(numbers, abs=1e-6)


def test_the_fit_is_the_one_that_a_search_of_all_parameters_at_once_finds():
    participant, item, design, _ = crossed(people=14, items=6, share=1.0)
    rng = np.random.default_rng(5)
    total = design @ [0.4, 0.8, 0.0] + rng.normal(size=14)[participant] + rng.normal(size=6)[item]
    correct = (rng.random(len(item)) < special.expit(total)).astype(float)
    found = mixed_model.fit(design, correct, participant, item)
    at = np.concatenate([found.coefficients, found.deviations])
    assert not found.notes

    def deviance(parameters):
        return brute(parameters, participant, item, design, correct)

    options = {"xatol": 1e-5, "fatol": 1e-9, "maxiter": 600, "maxfev": 600}
    search = optimize.minimize(deviance, at + 0.1, method="Nelder-Mead", options=options)
    assert search.x == pytest.approx(at, abs=3e-3)
    assert found.deviance <= search.fun + 1e-6
    moves = 1e-2 * np.eye(len(at))
    hessian = [
        [
            (deviance(at + a + b) - deviance(at + a - b) - deviance(at - a + b) + deviance(at - a - b)) / 4e-4
            for a in moves
        ]
        for b in moves
    ]
    errors = np.sqrt(np.diag(2 * np.linalg.inv(np.array(hessian))))[:3]
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(errors, rel=1e-2)


@pytest.mark.parametrize("trials", [50, 400])
def test_the_deviance_nears_that_of_quadrature_as_trials_per_participant_grow(trials):
    # One grouping factor: items without a deviation. What Laplace misses of a participant is of the order 1 / trials.
    rng = np.random.default_rng(2)
    participant, item = np.repeat(np.arange(8), trials), np.tile(np.arange(trials), 8)
    own = rng.normal(0.3, 0.9, 8)
    correct = (rng.random(8 * trials) < special.expit(own[participant])).astype(float)
    hits = np.bincount(participant, correct)
    nodes, step = np.linspace(-8, 8, 8001, retstep=True)
    for level, scale in ((0.3, 0.9), (-0.2, 0.5)):
        chance = special.expit(level + scale * nodes)
        each = hits[:, None] * np.log(chance) + (trials - hits[:, None]) * np.log1p(-chance)
        exact = -2 * special.logsumexp(each, b=step * stats.norm.pdf(nodes), axis=1).sum()
        found = Laplace(np.ones((8 * trials, 1)), correct, participant, item)(np.array([level, scale, 0.0]))[0]
        assert abs(found - exact) < 8 / trials


def test_without_any_deviation_it_is_logistic_regression():
    from statsmodels.discrete.discrete_model import Logit

    participant, item, design, correct = crossed(people=30, items=12)
    found = mixed_model.fit(design, correct, participant, item)
    plain = Logit(correct, design).fit(disp=0)
    assert found.deviations.tolist() == [0, 0]
    assert found.coefficients == pytest.approx(plain.params, abs=1e-4)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(plain.bse, rel=1e-3)
    assert found.deviance == pytest.approx(-2 * plain.llf, abs=1e-6)
    assert sum("singular fit" in note for note in found.notes) == len(found.notes) == 2


def test_planted_effects_and_deviations_come_back_within_their_errors():
    rng = np.random.default_rng(1)
    people, items, truth = 120, 40, np.array([0.4, 0.7, -0.3, 0.5])
    participant, item = np.repeat(np.arange(people), items), np.tile(np.arange(items), people)
    condition, access = participant % 2, participant // 2 % 2
    design = np.stack([np.ones(len(item)), condition, access, condition * access], 1)
    total = design @ truth + 0.5 * rng.normal(size=people)[participant] + rng.normal(size=items)[item]
    found = mixed_model.fit(design, (rng.random(len(item)) < special.expit(total)).astype(float), participant, item)
    assert not found.notes
    errors = np.sqrt(np.diag(found.covariance))
    assert (np.abs(found.coefficients - truth) < 3 * errors).all()
    assert found.deviations == pytest.approx([0.5, 1.0], abs=0.25)
    # A contrast between participants does not pay for the items, which all see; the intercept does.
    assert errors[0] > 0.15
    assert found.combined(np.array([0, 1, 0, 1.0]))[0] == pytest.approx(found.coefficients[[1, 3]].sum())


def test_a_variational_posterior_of_another_library_is_near():
    from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM

    rng = np.random.default_rng(4)
    participant, item = np.repeat(np.arange(40), 20), np.tile(np.arange(20), 40)
    design = np.stack([np.ones(800), participant % 2], 1)
    total = design @ [0.3, 0.6] + 0.6 * rng.normal(size=40)[participant] + rng.normal(size=20)[item]
    correct = (rng.random(800) < special.expit(total)).astype(float)
    found = mixed_model.fit(design, correct, participant, item)
    loadings = np.concatenate([participant[:, None] == np.arange(40), item[:, None] == np.arange(20)], 1).astype(float)
    other = BinomialBayesMixedGLM(correct, design, loadings, np.repeat([0, 1], [40, 20]), vcp_p=2, fe_p=10).fit_vb()
    assert other.fe_mean == pytest.approx(found.coefficients, abs=0.1)


def test_a_model_that_cannot_be_told_is_refused_or_says_so():
    participant, item, design, correct = crossed()
    with pytest.raises(ValueError, match="cannot be told apart"):
        mixed_model.fit(np.repeat(design, 2, 1), correct, participant, item)
    with pytest.raises(ValueError, match="two participants"):
        mixed_model.fit(design, correct, np.zeros_like(participant), item)
    separated = mixed_model.fit(np.stack([np.ones(len(item)), correct], 1), correct, participant, item)
    assert [note for note in separated.notes if "separated" in note]


def balanced(difference=0.0, people=10, items=8, seed=0):
    rng = np.random.default_rng(seed)
    participant, item = np.repeat(np.arange(2 * people), items), np.tile(np.arange(items), 2 * people)
    group = (participant >= people).astype(int)
    return two_way.Trials(participant, item, group, rng.random(len(item)) + difference * group)


def test_between_participants_without_an_effect_by_item_the_test_is_welchs():
    trials = balanced(0.1)
    means = np.array([trials.value[trials.participant == each].mean() for each in range(20)])
    welch = stats.ttest_ind(means[10:], means[:10], equal_var=False)
    found = two_way.difference(trials)
    apart = np.array([
        trials.value[(trials.item == each) & (trials.group == 1)].mean()
        - trials.value[(trials.item == each) & (trials.group == 0)].mean()
        for each in range(8)
    ])  # fmt: skip
    cells = 0
    for group in (0, 1):
        own = trials.value[trials.group == group].reshape(10, 8)
        sign = 1 if group else -1
        cells += ((own - own.mean(0) + sign * (apart - apart.mean()) / 2) ** 2).sum() / 80**2
    more = max(0, apart.var(ddof=1) / 8 - cells)
    assert found.value == pytest.approx(means[10:].mean() - means[:10].mean())
    assert found.error**2 == pytest.approx(means[10:].var(ddof=1) / 10 + means[:10].var(ddof=1) / 10 + more)
    if not more:
        assert (found.freedom, found.p()) == (pytest.approx(welch.df), pytest.approx(welch.pvalue))


def test_an_item_that_one_group_alone_saw_tells_nothing_of_the_difference():
    trials = balanced(0.2)
    arrays = vars(trials).values()
    more = [np.append(part, value) for part, value in zip(arrays, (0, 8, 0, 99.0), strict=True)]
    assert two_way.difference(two_way.Trials(*more)).value == pytest.approx(two_way.difference(trials).value)
    apart = two_way.Trials(trials.participant, trials.item + 8 * trials.group, trials.group, trials.value)
    assert np.isnan(two_way.difference(apart).value)


def test_items_are_compared_with_themselves_where_groups_saw_them_unequally():
    # Easy item: 3 of group 0, 1 of group 1; hard item the other way round. No difference by item, a large one of means.
    item, group = np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 1, 0, 1, 1, 1])
    trials = two_way.Trials(np.arange(8), item, group, 1.0 - item)
    assert two_way.difference(trials).value == 0
    ones = (np.ones((1, 8)), np.ones((1, 2)))
    assert two_way.difference_statistic(trials)(*ones) == pytest.approx([0])
    assert two_way.mean_statistic(trials)(*ones) == pytest.approx([0.5])


def test_a_weight_is_a_participant_or_an_item_that_is_there_so_often():
    trials = balanced(0.1, people=3, items=4)
    people, items = np.array([[2, 1, 0, 1, 1, 1.0]]), np.array([[1, 0, 2, 1.0]])
    copies = [
        np.flatnonzero((trials.participant == p) & (trials.item == i))
        for p, times in enumerate(people[0])
        for i, more in enumerate(items[0])
        for _ in range(int(times * more))
    ]
    drawn = np.concatenate(copies)
    own = two_way.Trials(trials.participant[drawn], trials.item[drawn], trials.group[drawn], trials.value[drawn])
    assert two_way.mean_statistic(trials)(people, items) == pytest.approx([own.value.mean()])
    assert two_way.difference_statistic(trials)(people, items) == pytest.approx([two_way.difference(own).value])


def test_the_bootstrap_covers_the_mean_of_a_crossed_design_at_least_as_often_as_it_says():
    covered = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(15, 1)) + rng.normal(size=(1, 12)) + rng.normal(size=(15, 12))
        participant, item = np.divmod(np.arange(180), 12)
        trials = two_way.Trials(participant, item, np.zeros(180, int), values.ravel())
        low, high = two_way.interval(
            two_way.mean_statistic(trials), np.zeros(15), 12, confidence=0.9, resamples=300, seed=seed
        )
        covered.append(low < 0 < high)
    assert stats.binomtest(sum(covered), len(covered), 0.9, alternative="less").pvalue > 0.01


def test_a_level_gives_its_marginal_probability_over_people_and_items():
    for probability in (0.1, 0.6, 0.95):
        assert latent.marginal(latent.level(probability, 1.1), 1.1) == pytest.approx(probability)
    assert latent.level(0.6, 0.0) == pytest.approx(np.log(1.5))
    drawn = np.random.default_rng(0).normal(0.5, 1.2, 200_000)
    assert latent.marginal(0.5, 1.2) == pytest.approx(special.expit(drawn).mean(), abs=2e-3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        latent.level(1.0, 0.5)
