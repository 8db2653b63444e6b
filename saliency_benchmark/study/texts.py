"""Wording of the pages that depends on the task."""

from saliency_benchmark.utility_design import SELECTION, SIMULATION

ANSWERS = {
    SELECTION: ["Model A is right", "Model B is right"],
    SIMULATION: ["The prediction changes", "The prediction stays"],
}
_TASK = {
    SELECTION: {
        "question": "What do you decide on each image?",
        "answers": ["Which of two models is right on it", "What the image shows", "Which image is sharper"],
        "right": 0,
    },
    SIMULATION: {
        "question": "What do you decide on each image?",
        "answers": [
            "What the image shows",
            "Whether the model's prediction changes or stays when the image is changed",
            "Which of two images is older",
        ],
        "right": 1,
    },
}
_ANSWERING = {
    "question": "How do you give an answer?",
    "answers": [
        "I write it into a field",
        "I wait until the time is over",
        "I press one of eight buttons, which says the answer and how sure I am",
    ],
    "right": 2,
}
_MAP = {
    "question": "What is a map meant to show?",
    "answers": [
        "Where people look first",
        "Which parts of the image matter to the prediction",
        "Where the image is dark",
    ],
    "right": 1,
}
_FEEDBACK = {
    "question": "When are you told whether an answer is right?",
    "answers": ["Never", "After each of the first questions, which are for practice", "After every question"],
    "right": 1,
}


def questions(task: str, maps: bool) -> list[dict]:
    """The comprehension check of TASK; MAPS: are any shown? `maps`: a question for those alone who see maps."""
    return [_TASK[task], _ANSWERING, _MAP | {"maps": True} if maps else _FEEDBACK]
