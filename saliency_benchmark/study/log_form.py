"""The words of a participant's log: phases, and what else is one of a few. Pages, server and analysis share them."""

PHASES = (
    *("consent", "instructions", "comprehension", "training", "evaluation", "attention"),
    *("description", "questionnaire", "end"),
)
# Trials ask about items; attention checks between them are answered alike.
TRIALS = ("training", "evaluation")
ANSWERED = (*TRIALS, "attention")
# Where maps are shown.
ACCESS = ("training", "training_evaluation")
CONFIDENCE = (1, 2, 3, 4)
