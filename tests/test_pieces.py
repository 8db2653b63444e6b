"""A job of maps that is killed goes on from its last piece, and ends with the bytes of one that was not."""

import numpy as np
import pytest
import torch

from saliency_benchmark import artifacts, attribution, maps, pieces

ORIGIN = {"rule": "attribute", "wildcards": {"split": "test"}, "settings": {"x": 1}, "inputs": {}}
METHODS = {"gradient": {"options": {}}, "random": {"options": {}}}


class Killed(BaseException):
    """As a signal: no handler of errors sees it."""


@pytest.fixture
def stored(tmp_path):
    rng, places = np.random.default_rng(0), np.arange(20, dtype=np.int32)
    pixels = rng.integers(0, 256, (20, 1, 6, 7), dtype=np.uint8)
    artifacts.write(
        tmp_path / "images.h5", artifacts.IMAGES, {"data": pixels, "label": places % 3, "index": places}, {}
    )
    return tmp_path


@pytest.fixture
def explain(stored, seeing):
    """explain(folder, die_after, origin): maps of two methods, four images at a time; of how many it was asked."""
    model = seeing((1, 6, 7))

    def run(folder, die_after=None, origin=ORIGIN):
        (stored / folder).mkdir(exist_ok=True)
        paths = [stored / folder / name / "test.h5" for name in METHODS]
        asked = attribution.methods(METHODS)
        calls, real = [], asked["gradient"].attribute

        def counted(model, images, targets):
            if len(calls) == die_after:
                raise Killed
            calls.append(len(images))
            return real(model, images, targets)

        counting = asked | {"gradient": attribution.Method(counted)}
        with (
            artifacts.Reader(stored / "images.h5", artifacts.IMAGES) as images,
            maps.Maps(METHODS, paths, origin) as writers,
        ):
            attribution.explain(counting, model, images, writers, rows=4)
        return [path.read_bytes() for path in paths], sum(calls)

    return run


@pytest.fixture
def at_once(monkeypatch):
    """A piece after every block."""
    monkeypatch.setattr(pieces, "SECONDS", 0.0)
    monkeypatch.setattr(pieces, "SHARE", 0.0)


def left(folder):
    return sorted(path.name for path in folder.rglob(".*"))


def test_a_short_job_leaves_no_piece_and_asks_for_every_map_once(explain, stored):
    _, asked = explain("whole")
    assert (asked, left(stored)) == (20, [])


@pytest.mark.parametrize("died", [1, 3, 4])
def test_a_killed_job_does_the_rest_and_ends_with_the_same_bytes(explain, stored, at_once, died):
    whole, _ = explain("whole")
    with pytest.raises(Killed):
        explain("killed", die_after=died)
    assert len(left(stored / "killed")) == 2 * died
    again, asked = explain("killed")
    assert again == whole
    assert asked == 20 - 4 * died
    assert left(stored) == []


def test_a_job_that_is_killed_twice_goes_on_twice(explain, stored, at_once):
    whole, _ = explain("whole")
    for died in (2, 1):
        with pytest.raises(Killed):
            explain("killed", die_after=died)
    again, asked = explain("killed")
    assert (again == whole, asked) == (True, 20 - 4 * 3)


def test_pieces_of_other_settings_or_that_are_not_whole_are_made_again(explain, stored, at_once):
    whole, _ = explain("whole")
    other = ORIGIN | {"settings": {"x": 2}}
    with pytest.raises(Killed):
        explain("killed", die_after=3, origin=other)
    again, asked = explain("killed")
    assert (again == whole, asked) == (True, 20)
    with pytest.raises(Killed):
        explain("cut", die_after=3)
    piece = stored / "cut" / "random" / ".test.piece-1.h5"
    piece.write_bytes(piece.read_bytes()[:500])
    again, asked = explain("cut")
    assert (again == whole, asked) == (True, 20 - 4)
    assert left(stored) == []


def test_pieces_end_when_their_work_is_worth_it(monkeypatch):
    clock, saved = [0.0], []
    monkeypatch.setattr(pieces.time, "monotonic", lambda: clock[0])
    writer = pieces.Writer("test.h5", artifacts.MAPS, {})
    monkeypatch.setattr(writer, "save", lambda: saved.append(clock[0]))
    keeper = pieces.Keeper({"gradient": writer})
    for second in range(1, 6001):
        clock[0] = float(second)
        keeper.look()
    assert saved[:3] == [60, 120, 180]
    gaps = np.diff(saved)
    assert gaps[0] == 60
    assert abs(gaps[-1] - 0.05 * saved[-1]) < 2


def test_other_writers_are_left_alone(stored):
    with artifacts.Writer(stored / "x.h5", artifacts.MAPS, {}) as writer:
        keeper = pieces.Keeper({"gradient": writer})
        keeper.look()
        assert keeper.done == 0
        arrays = {"attribution": torch.zeros(1, 1, 2, 2).numpy(), "index": np.zeros(1, np.int32)}
        arrays |= {"label": arrays["index"], "target": arrays["index"], "prediction": np.zeros((1, 3), np.float32)}
        writer.append(**arrays)
    assert artifacts.intact(stored / "x.h5")
