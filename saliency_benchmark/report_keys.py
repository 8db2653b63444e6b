"""What the page calls a trained model."""

RUN = ["dataset", "model", "recipe", "seed"]


def named(values: tuple) -> str:
    """Of the VALUES of RUN."""
    return f"{values[0]}: {values[1]}, {values[2]}, seed {values[3]}"
